import { readFileSync } from 'node:fs';

/** Reads the file that a setting names. @throws {Error} with one clear line */
export function readFileOf(variable: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${variable}: cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
}
