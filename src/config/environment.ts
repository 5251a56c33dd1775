import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'dotenv';
import { ConfigurationError } from './configuration-error.js';

/** The process environment over a `.env` file in the working directory; a variable that is set in both is taken from the process. */
export function readEnvironment(): Record<string, string | undefined> {
  let file: Record<string, string> = {};
  try {
    file = parse(readFileSync(join(process.cwd(), '.env')));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw new ConfigurationError([`.env: cannot be read (${code})`]);
  }
  return { ...file, ...process.env };
}
