import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Metrics } from '../../src/common/metrics/metrics.js';
import { type Config } from '../../src/config/config.js';
import { PasswordHashing } from '../../src/users/passwords/password-hashing.js';

const folder = mkdtempSync(join(tmpdir(), 'mintgate-hash-worker-'));
const WORKER_FILE = join(folder, 'worker.cjs');

/** One thread that runs this module. */
function open(worker: string): PasswordHashing {
  writeFileSync(WORKER_FILE, worker);
  return new PasswordHashing({ passwordHashThreads: 1, passwordHashQueueLimit: 10 } as Config, new Metrics(), WORKER_FILE);
}

/** What a thread does with the passwords that it was given: `each` of them, unless one is 'fatal'. */
const threadThat = (fatal: string, each = `({ value: 'hash of ' + password })`) => `exports.runAll = (tasks) => { if (tasks.some(({ password }) => password === 'fatal')) { ${fatal} } return tasks.map(({ password }) => ${each}); };`;

const reasonOf = (settled: PromiseSettledResult<unknown>) => (settled.status === 'rejected' ? (settled.reason as Error) : undefined);

afterAll(() => rmSync(folder, { recursive: true }));

describe('a thread that dies', () => {
  it.each([
    ['by leaving', 'process.exit(3)'],
    ['by an error that nothing catches', 'setImmediate(() => { throw new Error("broken") }); return new Promise(() => undefined)'],
  ])('%s: its callers get an error, those who wait a new thread', async (_, death) => {
    const hashing = open(threadThat(death));
    expect(await hashing.hash('first')).toBe('hash of first');
    const settled = await Promise.allSettled(['second', 'fatal', 'with it', 'with it', 'with it', 'third', 'fourth'].map((password) => hashing.hash(password)));
    expect(settled.map((each) => (each.status === 'fulfilled' ? each.value : reasonOf(each)!.message))).toEqual([
      'hash of second', ...Array<string>(4).fill('a password could not be hashed'), 'hash of third', 'hash of fourth',
    ]);
    expect(await hashing.hash('fifth')).toBe('hash of fifth');
    await hashing.onApplicationShutdown();
  });

  it('not for a password that cannot be hashed: of those that it was given together with others it alone fails', async () => {
    const hashing = open(threadThat('', `password === 'odd' ? { error: new Error('odd') } : { value: 'hash of ' + password }`));
    const settled = await Promise.allSettled(['first', 'odd', 'second'].map((password) => hashing.hash(password)));
    expect(settled.map((each) => (each.status === 'fulfilled' ? each.value : (reasonOf(each)!.cause as Error).message))).toEqual(['hash of first', 'odd', 'hash of second']);
    await hashing.onApplicationShutdown();
  });

  it('while it starts: an error that says why, for each who waits, and no end of the process', async () => {
    const hashing = open('throw new Error("a library is missing")');
    for (const round of [1, 2]) {
      const settled = await Promise.allSettled([hashing.hash(`first ${round}`), hashing.verify(`second ${round}`, null)]);
      for (const each of settled) expect(reasonOf(each)).toMatchObject({ cause: { cause: { message: 'a library is missing' } } });
    }
    await hashing.onApplicationShutdown();
  });
});
