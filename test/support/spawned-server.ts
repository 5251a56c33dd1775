import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { withDatabaseTls } from './database-tls.js';
import { eventually } from './eventually.js';
import { assertNoSecret, assertNoSecretInAuditOf, plantSettings } from './leak-watch.js';
import { freePort } from './mariadb.js';
import { temporaryFolder } from './temporary-folder.js';

const MAIN = resolve(__dirname, '../../dist/src/main.js');
const MAX_LIFE_MS = 120_000;

export interface SpawnOptions {
  /** Environment variables over `PORT` and `PATH`; nothing else of the test's own environment gets in. */
  env?: Record<string, string>;
  /** A working directory to share with another start; it is not removed by {@link SpawnedServer.dispose}. */
  folder?: string;
  /** What to run in place of node with the compiled server. */
  command?: readonly [string, ...string[]];
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** The compiled server as a process of its own: on a free port, in a temporary working directory, and not for long. */
export class SpawnedServer {
  stdout = '';
  stderr = '';
  readonly exited: Promise<Exit>;

  private constructor(
    readonly child: ChildProcess,
    readonly port: number,
    readonly folder: string,
    private readonly ownsFolder: boolean,
  ) {
    child.stdout!.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    child.stderr!.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.exited = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
  }

  static async start({ env = {}, folder, command: [file, ...args] = [process.execPath, MAIN] }: SpawnOptions = {}): Promise<SpawnedServer> {
    if (!existsSync(MAIN)) throw new Error('dist/ is missing: npm run build');
    const port = env['PORT'] === undefined ? await freePort() : Number(env['PORT']);
    plantSettings(env);
    const cwd = folder ?? mkdtempSync(join(temporaryFolder(), 'mintgate-spawned-'));
    const child = spawn(file, args, {
      cwd,
      env: withDatabaseTls({ PATH: process.env['PATH'], PORT: String(port), RATE_LIMIT_ENABLED: 'false', ...env }),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: MAX_LIFE_MS,
      killSignal: 'SIGKILL',
    });
    return new SpawnedServer(child, port, cwd, folder === undefined);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves when it answers that it is ready. */
  async ready(withinMs = 20_000): Promise<this> {
    await this.until(async () => (await fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(5000) })).status === 200, 'ready', withinMs);
    return this;
  }

  /** Resolves when it listens, whatever its database does. */
  async alive(withinMs = 20_000): Promise<this> {
    await this.until(async () => (await fetch(`${this.url}/health/live`, { signal: AbortSignal.timeout(5000) })).status === 200, 'alive', withinMs);
    return this;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Its log lines so far, parsed; what else it printed is left out. */
  get log(): Record<string, unknown>[] {
    return this.stdout.split('\n').flatMap((line) => (/^\{.*\}$/.test(line) ? [JSON.parse(line) as Record<string, unknown>] : []));
  }

  /**
   * Ends the process if it still runs, and removes its folder.
   * @throws {Error} when its output or its audit log hold a secret; the welcome that shows one is no part of the log
   */
  async dispose(): Promise<void> {
    if (this.running) this.child.kill('SIGKILL');
    await this.exited;
    try {
      assertNoSecret('stderr', this.stderr);
      assertNoSecret('stdout', this.stdout.replace(/^ {2}(?:client secret|curl -s -u) .*$/gm, ''));
      assertNoSecretInAuditOf(join(this.folder, 'data/mintgate.sqlite'));
    } finally {
      if (this.ownsFolder) rmSync(this.folder, { recursive: true, force: true });
    }
  }

  /** Resolves when the condition holds; rejects when the process ends, or the time does, before. */
  async until(condition: () => Promise<boolean>, what: string, withinMs: number): Promise<void> {
    await eventually(
      async () => {
        if (!this.running) return;
        if (!(await condition())) throw new Error(`not ${what}`);
      },
      { withinMs, everyMs: 20 },
    );
    if (!this.running) throw new Error(`the server ended before it was ${what}: ${this.stderr}${this.stdout}`);
  }
}
