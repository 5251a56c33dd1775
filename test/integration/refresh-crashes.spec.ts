import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { type DatabaseKind, databaseKinds } from '../support/databases.js';

const FOLDER = resolve(__dirname, '../../bench/reliability');
const LIMIT_MS = 110_000;
/** On a machine that is busy with other suites a server may take its time to start. */
const PATIENT = ['--window', '60'];

interface Figures {
  passed: boolean;
  lost: number;
  forked: number;
  refreshes: number;
  points: Record<string, { rounds: number; committed: number }>;
  unexpected: Record<string, number>;
  statuses: Record<string, number>;
  endedByReuse: number | boolean;
  databaseSound: boolean;
  stopped: number;
  committed: number;
  split: number;
}

/** Runs one of the programs and answers its figures; the error says what it said when there are none. */
function run(program: string, ...args: string[]): Promise<Figures> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [`${FOLDER}/${program}.mjs`, ...args], { timeout: LIMIT_MS, killSignal: 'SIGTERM' }, (error, stdout, stderr) => {
      if (stdout.startsWith('{')) resolve(JSON.parse(stdout) as Figures);
      else reject(new Error(`${program}: ${error?.message} ${stderr}`));
    });
  });
}

const ROUNDS = { SQLite: 5, MariaDB: 6 };
const crashes = new Map<DatabaseKind, Promise<Figures>>();
const outages = new Map<DatabaseKind, Promise<Figures>>();

// At the same time: mostly they wait for servers to start.
beforeAll(() => {
  for (const kind of databaseKinds()) crashes.set(kind, run('refresh-crashes', '--database', kind.toLowerCase(), '--rounds', String(ROUNDS[kind]), ...PATIENT));
  if (databaseKinds().includes('MariaDB')) outages.set('MariaDB', run('refresh-outages', '--instances', '2', '--rounds', '1', '--window', '1', '--down', '3'));
  for (const outcome of [...crashes.values(), ...outages.values()]) outcome.catch(() => undefined);
});

const sum = (figures: Figures, member: 'rounds' | 'committed', ...points: string[]) => points.reduce((total, point) => total + figures.points[point][member], 0);

describe.each(databaseKinds())('A server that is killed in the midst of refreshes (%s)', (kind) => {
  const [before, during, after, mid] = kind === 'SQLite' ? ['request', 'commit', 'answer', 'mid-answer'] : ['before UPDATE', 'before COMMIT', 'after COMMIT', 'mid-answer'];
  const rounds = ROUNDS[kind];
  const figures = () => crashes.get(kind)!;

  it('loses no session: whoever holds the last answer that arrived, or its predecessor when none did, can refresh', async () => {
    expect(await figures()).toMatchObject({ lost: 0, unexpected: {} });
  }, LIMIT_MS);

  it('leaves one token of each session alive, never two: afterwards reuse ends every one of them', async () => {
    expect(await figures()).toMatchObject({ forked: 0, endedByReuse: 4 });
  });

  it('leaves a sound database', async () => {
    expect((await figures()).databaseSound).toBe(true);
  });

  it('was killed at every point: before the rotation none was committed, after it every one', async () => {
    const found = await figures();
    expect(sum(found, 'rounds', before, during, after, mid, 'random')).toBe(rounds);
    for (const point of [before, during, after, mid, 'random']) expect(sum(found, 'rounds', point)).toBeGreaterThanOrEqual(Math.floor(rounds / 5));
    if (kind === 'MariaDB') expect(sum(found, 'committed', before)).toBe(0);
    expect(sum(found, 'committed', after, mid)).toBe(sum(found, 'rounds', after, mid));
  });
});

describe.each(databaseKinds().filter((kind) => kind === 'MariaDB'))('A database that is killed in the midst of refreshes, and away for longer than a token may be sent again (%s)', (kind) => {
  it('every answer is 200 or 503, and every session goes on, also those whose rotation was committed without anybody being told', async () => {
    const figures = await outages.get(kind)!;
    expect(figures.committed).toBeGreaterThan(0);
    expect(Object.keys(figures.statuses).filter((status) => status !== '200' && status !== '503')).toEqual([]);
    expect(figures).toMatchObject({ lost: 0, forked: 0, passed: true });
  }, LIMIT_MS);
});

describe.each(databaseKinds().slice(-1))('Refreshes at once over two processes (%s)', (kind) => {
  it('all are answered 200 with one and the same new token, which alone is alive', async () => {
    expect(await run('refresh-races', '--database', kind.toLowerCase(), '--rounds', '5')).toMatchObject({ statuses: { 200: 100 }, split: 0, lost: 0, forked: 0, endedByReuse: true });
  }, LIMIT_MS);
});
