import { readFileSync, statSync } from 'node:fs';

const MAX_BYTES = 64 * 1024;

/**
 * What a setting that is secret holds: the variable itself, or the text of the file that `<variable>_FILE` names. Container platforms and systemd hand secrets over as files, which, unlike an environment, no child process inherits and no crash report prints.
 * @throws {Error} with one clear line. An empty file is refused: a secret that was not filled in would else be an unset one, and `DATABASE_URL` has a default.
 */
export function readSecret(env: Readonly<Record<string, string | undefined>>, variable: string): string | undefined {
  const fileVariable = `${variable}_FILE`;
  const file = env[fileVariable]?.trim();
  if (file === undefined || file === '') return env[variable];
  if ((env[variable]?.trim() ?? '') !== '') throw new Error(`${fileVariable}: ${variable} is set as well; take one of them away`);
  let text: string;
  try {
    // Looked at before it is read: the name may be that of a device, or of something huge.
    const stats = statSync(file);
    if (!stats.isFile()) throw new Error(`${fileVariable}: is not a file`);
    if (stats.size > MAX_BYTES) throw new Error(`${fileVariable}: is larger than ${MAX_BYTES / 1024} KiB`);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === undefined ? error : new Error(`${fileVariable}: cannot be read (${code})`, { cause: error });
  }
  if (text.trim() === '') throw new Error(`${fileVariable}: is empty`);
  return text;
}
