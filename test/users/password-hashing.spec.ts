import { readdirSync, readFileSync } from 'node:fs';
import { Piscina } from 'piscina';
import { Metrics } from '../../src/common/metrics/metrics.js';
import { TemporarilyUnavailableError } from '../../src/common/temporarily-unavailable.error.js';
import { type Config } from '../../src/config/config.js';
import { PasswordHashing } from '../../src/users/passwords/password-hashing.js';

const PASSWORD = 'lantern otter gravel';
const TODAYS = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/;
/** Threads and their priorities can be looked at on Linux only. */
function onLinux(title: string, test: () => Promise<void>): void {
  if (process.platform === 'linux') it(title, test);
}

const opened: PasswordHashing[] = [];

function open(passwordHashThreads = 2, passwordHashQueueLimit = 100): PasswordHashing {
  const hashing = new PasswordHashing({ passwordHashThreads, passwordHashQueueLimit } as Config, new Metrics());
  opened.push(hashing);
  return hashing;
}

/** The nice values of the process' threads, by thread id (proc(5), field 19). */
function niceValues(): Map<number, number> {
  const ids = readdirSync('/proc/self/task').map(Number);
  return new Map(ids.map((id) => [id, Number(readFileSync(`/proc/self/task/${id}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')[16])]));
}

async function cpuMsOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(opened.splice(0).map((hashing) => hashing.onApplicationShutdown()));
});

describe('a password', () => {
  it('hashed: as Argon2id of 19 MiB and two passes, each time with another salt', async () => {
    const hashing = open();
    const hashes = await Promise.all([hashing.hash(PASSWORD), hashing.hash(PASSWORD)]);
    for (const hash of hashes) expect(hash).toMatch(TODAYS);
    expect(hashes[0]).not.toBe(hashes[1]);
  });

  it('verified: the right one matches and needs no other hash, a wrong one does not', async () => {
    const hashing = open();
    const stored = await hashing.hash(PASSWORD);
    expect(await hashing.verify(PASSWORD, stored)).toEqual({ matches: true });
    expect(await hashing.verify(`${PASSWORD}s`, stored)).toEqual({ matches: false });
  });

  it('verified against a hash of another system: comes with a hash of today, against which it matches', async () => {
    const hashing = open();
    const { matches, replacement } = await hashing.verify('sürfboard under the pier', '$2b$05$.pOqfVs6HCpJqDCJshureeE3z4eLaCw91Oc3f7jxqdWW1MDN.2Pgq');
    expect(matches).toBe(true);
    expect(replacement).toMatch(TODAYS);
    expect(await hashing.verify('sürfboard under the pier', replacement!)).toEqual({ matches: true });
  });

  it('verified where there is no hash: never matches, and costs what a wrong one costs', async () => {
    const hashing = open(1);
    const stored = await hashing.hash(PASSWORD);
    expect(await hashing.verify(PASSWORD, null)).toEqual({ matches: false });
    for (const wrong of ['wrong password', 'ｗｒｏｎｇ password']) {
      let [wrongMs, noneMs] = [0, 0];
      for (let round = 0; round < 10; round++) {
        wrongMs += await cpuMsOf(() => hashing.verify(wrong, stored));
        noneMs += await cpuMsOf(() => hashing.verify(wrong, null));
      }
      expect(noneMs).toBeGreaterThan(wrongMs * 0.6);
      expect(noneMs).toBeLessThan(wrongMs * 1.7);
    }
  });

  it.each([
    ['of more than 1024 bytes', 'x'.repeat(1025)],
    ['of 1024 letters and more than 1024 bytes', 'ø'.repeat(1024)],
    ['of ten million letters', 'x'.repeat(10_000_000)],
    ['with half an emoji', `${PASSWORD} \ud83d`],
  ])('%s: matches nothing, and no thread sees it', async (_, password) => {
    const hashing = open();
    const run = jest.spyOn(Piscina.prototype, 'run');
    expect(await hashing.verify(password, null)).toEqual({ matches: false });
    expect(await hashing.verify(password, '$2b$05$.pOqfVs6HCpJqDCJshureeE3z4eLaCw91Oc3f7jxqdWW1MDN.2Pgq')).toEqual({ matches: false });
    await expect(hashing.hash(password)).rejects.toThrow(RangeError);
    expect(run).not.toHaveBeenCalled();
  });

  it('of exactly 1024 bytes: hashed and verified', async () => {
    const hashing = open();
    const password = 'x'.repeat(1024);
    expect(await hashing.verify(password, await hashing.hash(password))).toEqual({ matches: true });
  });
});

describe('the pool', () => {
  it('past its threads and its queue: 503 for those beyond, hashes for the others, and all is well afterwards', async () => {
    const hashing = open(1, 2);
    const settled = await Promise.allSettled(Array.from({ length: 6 }, () => hashing.hash(PASSWORD)));
    expect(settled.map(({ status }) => status)).toEqual([...Array<string>(3).fill('fulfilled'), ...Array<string>(3).fill('rejected')]);
    const reasons = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    for (const reason of reasons) {
      expect(reason).toBeInstanceOf(TemporarilyUnavailableError);
      expect(reason).toMatchObject({ retryAfterSeconds: 1 });
    }
    expect(await hashing.hash(PASSWORD)).toMatch(TODAYS);
  });

  it('takes passwords in the order in which they came, so that none waits for all that come after it', async () => {
    const hashing = open(1);
    const order: number[] = [];
    await Promise.all(Array.from({ length: 8 }, (_, i) => hashing.hash(PASSWORD).then(() => order.push(i))));
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('takes passwords of several blocks in turns: one password waits for one of each other block, not for all', async () => {
    const hashing = open(1);
    const order: string[] = [];
    const blocks = [...Array<string>(6).fill('flood'), 'other', 'third', 'third'];
    const passwords = blocks.map((block) => hashing.hash(PASSWORD, block).then(() => order.push(block)));
    await Promise.all(passwords);
    // The first goes to the thread at once; the next four are one of each in turn.
    expect(order).toEqual(['flood', 'flood', 'other', 'third', 'flood', 'third', 'flood', 'flood', 'flood']);
  });

  it('in a full line the block with the most places gives one up to a block with fewer, and to no other', async () => {
    const hashing = open(1, 4);
    const names = ['flood', 'flood', 'flood', 'flood', 'flood', 'other', 'flood', 'other', 'third', 'third'];
    const settled = await Promise.allSettled(names.map((block) => hashing.hash(PASSWORD, block)));
    const outcomes = settled.map(({ status }, at) => `${names[at]} ${status === 'fulfilled' ? 'hashed' : 'shed'}`);
    expect(outcomes).toEqual([
      'flood hashed', 'flood hashed', 'flood shed', 'flood shed', 'flood shed',
      'other hashed', 'flood shed', 'other hashed', 'third hashed', 'third shed',
    ]);
    expect(await hashing.hash(PASSWORD, 'flood')).toMatch(TODAYS);
  });

  it('leaves the event loop free: it turns while eight passwords are hashed', async () => {
    const hashing = open(1);
    await hashing.hash(PASSWORD);
    let turns = 0;
    const turning = setInterval(() => turns++, 1);
    await Promise.all(Array.from({ length: 8 }, () => hashing.hash(PASSWORD)));
    clearInterval(turning);
    // On the event loop itself there would be one turn for each hash, or none.
    expect(turns).toBeGreaterThan(16);
  });

  onLinux('gives its threads a low priority, and no other thread', async () => {
    const before = niceValues();
    const hashing = open(2);
    await Promise.all([hashing.hash(PASSWORD), hashing.hash(PASSWORD)]);
    const after = niceValues();
    const added = [...after].filter(([id]) => !before.has(id));
    const low = Math.min(19, before.get(process.pid)! + 15);
    expect(added.map(([, nice]) => nice)).toEqual([low, low]);
    for (const [id, nice] of before) if (after.has(id)) expect(after.get(id)).toBe(nice);
    expect(after.get(process.pid)).toBeLessThan(low);
  });

  onLinux('starts no thread before the first password, and ends all at shutdown', async () => {
    const before = niceValues().size;
    const hashing = open(2);
    expect(niceValues().size).toBe(before);
    await Promise.all([hashing.hash(PASSWORD), hashing.hash(PASSWORD)]);
    expect(niceValues().size).toBe(before + 2);
    await hashing.onApplicationShutdown();
    expect(niceValues().size).toBe(before);
  });

  it('shut down while passwords wait: their callers get an error, and none waits on', async () => {
    const hashing = open(1);
    await hashing.hash(PASSWORD);
    const settled = Promise.allSettled([hashing.hash(PASSWORD), hashing.hash(PASSWORD)]);
    await hashing.onApplicationShutdown();
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('shut down without a password ever: nothing to do', async () => {
    await expect(open().onApplicationShutdown()).resolves.toBeUndefined();
  });
});
