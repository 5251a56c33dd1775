import { type ChildProcess, fork, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { withDatabaseTls } from './database-tls.js';
import { assertNoSecret } from './leak-watch.js';

const ROOT = resolve(__dirname, '../..');
export const MINTGATE = resolve(ROOT, 'bin/mintgate.cjs');
const MAX_LIFE_MS = 30_000;

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
  /** What it printed, parsed. */
  json: <T = Record<string, unknown>>() => T;
}

export interface CommandOptions {
  folder: string;
  /** Over `PATH`; nothing else of the test's own environment gets in. */
  env?: Record<string, string>;
  /** What it is given on standard input. */
  input?: string;
}

/**
 * Runs the compiled command line where nobody sits at a terminal: in a process that stays from one command to the next, with the folder, the environment and the standard input
 * of each. What a process of its own adds (the launcher, `.env`, signals, pipes that close) is tested by {@link run}.
 */
export async function mintgate(args: readonly string[], options: CommandOptions): Promise<Outcome> {
  if (!existsSync(resolve(ROOT, 'dist/src/cli/mintgate.js'))) throw new Error('dist/ is missing: npm run build');
  const outcome = await (resident ??= startResident())(args, options);
  assertNoSecret('what the command line says of a failure', outcome.stderr);
  return outcome;
}

/** Runs a program to its end. */
export function run(program: string, args: readonly string[], { folder, env = {}, input = '' }: CommandOptions): Promise<Outcome> {
  const child = spawn(program, args, {
    cwd: folder,
    env: withDatabaseTls({ PATH: process.env['PATH'], ...env }),
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: MAX_LIFE_MS,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  // It may end without having read it.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((settle, reject) => {
    child.once('error', reject);
    child.once('close', (code) => settle({ code, stdout, stderr, json: <T>() => JSON.parse(stdout) as T }));
  });
}

type Answered = Omit<Outcome, 'json'> & { id: number };

let resident: ((args: readonly string[], options: CommandOptions) => Promise<Outcome>) | undefined;

function startResident(): (args: readonly string[], options: CommandOptions) => Promise<Outcome> {
  const child: ChildProcess = fork(resolve(__dirname, 'resident-command-line.cjs'), [], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  child.unref();
  child.channel!.unref();
  const waiting = new Map<number, { settle: (outcome: Outcome) => void; fail: (error: Error) => void }>();
  child.on('message', ({ id, code, stdout, stderr }: Answered) => {
    waiting.get(id)?.settle({ code, stdout, stderr, json: <T>() => JSON.parse(stdout) as T });
    waiting.delete(id);
  });
  child.on('exit', () => {
    for (const { fail } of waiting.values()) fail(new Error('the process of the command line has ended'));
    resident = undefined;
  });
  let last = 0;
  return (args, { folder, env = {}, input = '' }) =>
    new Promise((settle, fail) => {
      waiting.set(++last, { settle, fail });
      child.channel!.ref();
      child.send({ id: last, args, folder, env: withDatabaseTls({ PATH: process.env['PATH'], ...env }), input });
    }).finally(() => child.channel?.unref()) as Promise<Outcome>;
}
