import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Config } from '../../config/config.js';
import { keyEncryptionKeyFile } from '../../config/key-encryption-key.js';
import { type Setting, SETTINGS } from '../../config/settings.js';
import { type Environment, isSet } from './configuration.js';
import { type Finding, ok, problem } from './finding.js';

/** Where container engines mount secrets: readable for all, in a container that has no other users, and not to be changed from within. */
const MOUNTED = '/run/secrets/';

/** The settings that name a file with a secret in it. */
const SECRET_FILES: readonly string[] = Object.values<Setting<unknown>>(SETTINGS).flatMap(({ env, secret }) => (secret ? [`${env}_FILE`] : /_KEY_FILE$/.test(env) ? [env] : []));

/** Checks that files which hold secrets are closed to other users of the machine. Missing files are passed over. */
export function fileFindings(env: Environment, config: Config | undefined): Finding[] {
  const files = [
    '.env',
    ...(config?.database.type === 'sqlite' ? [config.database.path] : []),
    ...(config && !isSet(env, 'KEY_ENCRYPTION_KEY') ? [keyEncryptionKeyFile(config.database.type === 'sqlite' ? config.database.path : './data/mintgate.sqlite')] : []),
    ...SECRET_FILES.flatMap((name) => env[name]?.trim() || []),
  ];
  return files.filter((file) => !file.startsWith(MOUNTED)).flatMap((file) => fileFinding(file) ?? []);
}

function fileFinding(file: string): Finding | undefined {
  const mode = modeOf(file);
  if (mode === undefined) return undefined;
  const shown = `mode ${octal(mode)}`;
  if ((mode & 0o007) === 0) return ok(file, `closed to other users (${shown})`);
  const folder = modeOf(dirname(resolve(file))) ?? 0o777;
  // Without the right to pass through a folder, nobody reaches a file in it, whatever the mode of the file.
  if ((folder & 0o001) === 0) return ok(file, `closed to other users (${shown}, in a folder of mode ${octal(folder)})`);
  return problem(file, `every user of this machine may ${mode & 0o002 ? 'write' : 'read'} it (${shown})`, `chmod o= ${file}`);
}

const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(3, '0');

function modeOf(file: string): number | undefined {
  try {
    return statSync(file).mode;
  } catch {
    return undefined;
  }
}
