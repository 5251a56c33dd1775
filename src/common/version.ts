import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The version of the package. Compiled and not, this file is at different depths below it. */
export const VERSION = (JSON.parse(readFileSync(packageFile(__dirname), 'utf8')) as { version: string }).version;

function packageFile(folder: string): string {
  const file = join(folder, 'package.json');
  return existsSync(file) ? file : packageFile(dirname(folder));
}
