import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Metrics } from '../../src/common/metrics/metrics.js';
import { type Config } from '../../src/config/config.js';
import { PasswordHashing } from '../../src/users/passwords/password-hashing.js';

const folder = mkdtempSync(join(tmpdir(), 'mintgate-hash-worker-'));
const WORKER_FILE = join(folder, 'worker.cjs');

/** A pool of one thread that runs this module. */
function open(worker: string): PasswordHashing {
  writeFileSync(WORKER_FILE, worker);
  return new PasswordHashing({ passwordHashThreads: 1, passwordHashQueueLimit: 3 } as Config, new Metrics(), WORKER_FILE);
}

const reasonOf = (settled: PromiseSettledResult<unknown>) => (settled.status === 'rejected' ? (settled.reason as Error) : undefined);

afterAll(() => rmSync(folder, { recursive: true }));

describe('a thread that dies', () => {
  it.each([
    ['by leaving', 'process.exit(3)'],
    ['by an error that nothing catches', 'setImmediate(() => { throw new Error("broken") }); return new Promise(() => undefined)'],
  ])('%s: its caller and those who wait get an error, the next one a new thread', async (_, death) => {
    const hashing = open(`exports.hash = exports.verify = ({ password }) => { if (password === 'fatal') { ${death} } return 'hash of ' + password; };`);
    expect(await hashing.hash('first')).toBe('hash of first');
    const settled = await Promise.allSettled(['fatal', 'second', 'third', 'fourth'].map((password) => hashing.hash(password)));
    for (const each of settled) expect(reasonOf(each)?.message).toBe('a password could not be hashed');
    expect(await hashing.hash('fifth')).toBe('hash of fifth');
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
