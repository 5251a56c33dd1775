import { statSync } from 'node:fs';
import type { Config } from '../../config/config.js';
import { keyEncryptionKeyFile } from '../../config/key-encryption-key.js';
import { type Environment, isSet } from './configuration.js';
import { type Finding, ok, problem } from './finding.js';

/** Where container engines mount secrets: readable for all, in a container that has no other users, and not to be changed from within. */
const MOUNTED = '/run/secrets/';

/** Whether files that hold secrets are closed to other users of the machine. Those that are not there are passed over. */
export function fileFindings(env: Environment, config: Config | undefined): Finding[] {
  const files = [
    '.env',
    ...(config?.database.type === 'sqlite' ? [config.database.path] : []),
    ...(config && !isSet(env, 'KEY_ENCRYPTION_KEY') ? [keyEncryptionKeyFile(config.database.type === 'sqlite' ? config.database.path : './data/mintgate.sqlite')] : []),
    ...Object.entries(env).flatMap(([name, value]) => (/^(TLS_KEY|DATABASE_URL|KEY_ENCRYPTION_KEY|BOOTSTRAP_CLIENT_SECRET|METRICS_TOKEN)_FILE$/.test(name) && value?.trim() ? [value.trim()] : [])),
  ];
  return files.filter((file) => !file.startsWith(MOUNTED)).flatMap((file) => {
    const mode = modeOf(file);
    if (mode === undefined) return [];
    const shown = `mode ${(mode & 0o777).toString(8).padStart(3, '0')}`;
    return mode & 0o007 ? [problem(file, `every user of this machine may ${mode & 0o002 ? 'write' : 'read'} it (${shown})`, `chmod o= ${file}`)] : [ok(file, `closed to other users (${shown})`)];
  });
}

function modeOf(file: string): number | undefined {
  try {
    return statSync(file).mode;
  } catch {
    return undefined;
  }
}
