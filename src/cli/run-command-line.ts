import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { buildProgram } from './program.js';

/** As shells have it; the other exit codes come from the commands and from `explainFailure`. */
const WRONG_USAGE = 2;

/** Runs a command line. Answers the exit code: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let code = 0;
  try {
    await buildProgram((result) => (code = result), packageVersion()).parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
    // Only now: a command line that is wrong, or asks for help, needs none of the server's own code.
    const { explainFailure } = await import('./failure.js');
    return explainFailure(error, args.includes('--json'));
  }
}

/** This file is dist/src/cli/run-command-line.js. */
const packageVersion = (): string => (JSON.parse(readFileSync(join(__dirname, '../../../package.json'), 'utf8')) as { version: string }).version;
