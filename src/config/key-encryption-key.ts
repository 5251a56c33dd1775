import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where the key is when none is configured. */
export const keyEncryptionKeyFile = (databasePath: string): string => join(dirname(databasePath), 'key-encryption-key');

/** How long another process may take between making the file and writing the key. */
const WRITING_MS = 2_000;

/**
 * The key that encrypts signing keys when none is configured: made once, readable by its owner only, beside the embedded
 * database. Written whole under another name and then linked, so that two processes that start at once both read the
 * key that came first.
 * @param link makes a hard link; some file systems (exFAT, SMB, mounts of containers) have none
 */
export function makeKeyEncryptionKey(file: string, link: (from: string, to: string) => void = linkSync): Buffer {
  const existing = keyEncryptionKeyIn(file);
  if (existing) return existing;
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const text = `${randomBytes(32).toString('base64')}\n`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw notMade(file, error);
  }
  try {
    link(draft, file);
  } catch (error) {
    if (!isExisting(error)) return makeWithoutLink(file, text);
  } finally {
    rmSync(draft);
  }
  return keyEncryptionKeyIn(file)!;
}

/** The file is there before the key is in it: a process that comes second waits for the key. */
function makeWithoutLink(file: string, text: string): Buffer {
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (!isExisting(error)) throw notMade(file, error);
  }
  for (const endsAt = performance.now() + WRITING_MS; ; Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)) {
    try {
      return keyEncryptionKeyIn(file)!;
    } catch (error) {
      if (performance.now() >= endsAt) throw error;
    }
  }
}

const notMade = (file: string, error: unknown): Error =>
  new Error(`KEY_ENCRYPTION_KEY: the file ${file} cannot be made (${(error as NodeJS.ErrnoException).code})`, { cause: error });

const isExisting = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EEXIST';

/** The key that was made in a file, if one was. @throws {Error} with one clear line when it cannot be read */
export function keyEncryptionKeyIn(file: string): Buffer | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`KEY_ENCRYPTION_KEY: the file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== 32) throw new Error(`KEY_ENCRYPTION_KEY: the file ${file} does not hold 32 bytes in base64`);
  return key;
}
