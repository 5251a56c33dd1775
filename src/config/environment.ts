import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'dotenv';

/** The process environment over a `.env` file in the working directory; a variable that is set in both is taken from the process. */
export function readEnvironment(): Record<string, string | undefined> {
  let file: Record<string, string> = {};
  try {
    file = parse(readFileSync(join(process.cwd(), '.env')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return { ...file, ...process.env };
}
