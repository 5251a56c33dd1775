// What setup.mjs found out, one file for each program: the API has no business with the website's secret.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = process.env.DATA_FOLDER ?? fileURLToPath(new URL('data', import.meta.url));

export function readSettings(program) {
  try {
    return JSON.parse(readFileSync(join(folder, `${program}.json`), 'utf8'));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    console.error(`There are no settings for the ${program} yet: run setup.mjs first.`);
    process.exit(1);
  }
}

export function writeSettings(program, settings) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, `${program}.json`), `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
}
