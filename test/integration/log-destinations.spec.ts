import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { LogDestination } from '../../src/common/logging/log-destination.js';
import { eventually } from '../support/eventually.js';
import { Scrape } from '../support/scrape.js';
import { SpawnedServer } from '../support/spawned-server.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const DIST = resolve(__dirname, '../../dist/src');
const DROPPED = 'mintgate_log_lines_dropped_total';
const LONG_PATH = `/${'x/'.repeat(3_500)}`;

const folder = mkdtempSync(join(temporaryFolder(), 'mintgate-log-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let pipes = 0;
async function makePipe(): Promise<string> {
  const path = join(folder, `pipe-${pipes++}`);
  await promisify(execFile)('mkfifo', [path]);
  return path;
}

/** Lines that a reader of the pipe has received. */
function readLines(path: string): { lines: string[]; reader: ChildProcess } {
  const reader = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  createInterface(reader.stdout).on('line', (line) => lines.push(line));
  return { lines, reader };
}

describe('a server whose log', () => {
  let server: SpawnedServer;
  afterEach(() => server.dispose());

  const start = async (redirection: string, env: Record<string, string> = {}) => {
    const command = ['/bin/sh', '-c', `exec "$0" "$1" ${redirection}`, process.execPath, join(DIST, 'main.js')] as const;
    server = await SpawnedServer.start({ command: [...command], env: { SHUTDOWN_DRAIN_SECONDS: '0', SHUTDOWN_TIMEOUT_SECONDS: '5', ...env } });
    await server.ready();
  };
  const refuse = async (times: number) => {
    for (let i = 0; i < times; i++) expect((await fetch(server.url + LONG_PATH)).status).toBe(404);
  };
  const dropped = async () => (await Scrape.of(server.url)).value(DROPPED);
  const stop = async () => {
    const began = performance.now();
    server.kill('SIGTERM');
    return { ...(await server.exited), inTime: performance.now() - began < 5_000 };
  };

  it('is on a full disk serves on, counts the lines that are lost, and ends in time', async () => {
    await start('> /dev/full');
    await refuse(40);
    await eventually(async () => expect(await dropped()).toBeGreaterThanOrEqual(40));
    expect(await stop()).toEqual({ code: 0, signal: null, inTime: true });
    expect(server.stderr).toBe('');
  });

  it('has lost its reader serves on, and writes again for the next reader', async () => {
    const pipe = await makePipe();
    const first = readLines(pipe);
    await start(`> ${pipe}`);
    await eventually(() => expect(first.lines.join()).toContain('"msg":"ready"'));
    first.reader.kill();
    await refuse(5);
    await eventually(async () => expect(await dropped()).toBeGreaterThan(0));
    const second = readLines(pipe);
    await eventually(async () => {
      await refuse(1);
      expect(second.lines.map((line) => JSON.parse(line) as object)).toContainEqual(expect.objectContaining({ msg: 'log lines were lost', reason: 'EPIPE' }));
    });
    expect(await stop()).toMatchObject({ code: 0, inTime: true });
    second.reader.kill();
  });

  it.each([['1'], ['2']])('nobody reads serves on, and ends in time (WORKERS=%s)', async (WORKERS) => {
    const pipe = await makePipe();
    await start(`3<> ${pipe} >&3`, { WORKERS });
    await refuse(200);
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
    expect(await stop()).toEqual({ code: 0, signal: null, inTime: true });
  });

  it('is read names at most 512 characters of a path', async () => {
    await start('');
    await refuse(1);
    await eventually(() => expect(server.log).toContainEqual(expect.objectContaining({ msg: 'request refused' })));
    const { path } = server.log.find(({ msg }) => msg === 'request refused')!;
    expect(path).toMatch(/^\/\*\/.*…$/);
    expect(String(path).length).toBeLessThanOrEqual(513);
  });
});

describe('a log destination', () => {
  const openPipe = (path: string, flags: number) => openSync(path, flags | constants.O_NONBLOCK);

  it('that takes nothing keeps 16 MiB at most, counts what it drops, and writes whole lines once it is read', async () => {
    const pipe = await makePipe();
    const destination = new LogDestination(() => openPipe(pipe, constants.O_RDWR));
    const line = `${'x'.repeat(1_023)}\n`;
    for (let i = 0; i < 20 * 1_024; i++) destination.write(line);
    expect(destination.dropped).toBeGreaterThan(3 * 1_024);
    expect(await destination.flush(50)).toBe(false);
    const { lines, reader } = readLines(pipe);
    expect(await destination.flush(20_000)).toBe(true);
    await eventually(() => expect(lines).toHaveLength(20 * 1_024 - destination.dropped));
    expect(new Set(lines)).toEqual(new Set([line.trim()]));
    reader.kill();
  }, 30_000);
});

describe('the end of a process', () => {
  it('comes although one of its threads never returns from the operating system', async () => {
    const script = `
      require('node:fs').write(1, Buffer.alloc(1e6), () => undefined);
      require(${JSON.stringify(join(DIST, 'process-end.js'))}).endProcess(0);`;
    // A pipe of the shell's blocks whoever writes more than it holds.
    const child = spawn('/bin/sh', ['-c', '"$0" -e "$1" | sleep 20', process.execPath, script], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
    try {
      const began = performance.now();
      const alive = async () => (await promisify(execFile)('pgrep', ['-g', String(child.pid), '-x', 'node']).catch(() => ({ stdout: '' }))).stdout !== '';
      await eventually(async () => expect(await alive()).toBe(true));
      await eventually(async () => expect(await alive()).toBe(false), { withinMs: 10_000 });
      expect(performance.now() - began).toBeLessThan(5_000);
    } finally {
      process.kill(-child.pid!, 'SIGKILL');
    }
  });
});
