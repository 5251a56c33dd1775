import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where the key is when none is configured. */
export const keyEncryptionKeyFile = (databasePath: string): string => join(dirname(databasePath), 'key-encryption-key');

/**
 * The key that encrypts signing keys when none is configured: made once, readable by its owner only, beside the embedded database.
 * Written whole under another name and then linked, so that of two processes that start at once both read the one that came first.
 */
export function makeKeyEncryptionKey(file: string): Buffer {
  const existing = keyEncryptionKeyIn(file);
  if (existing) return existing;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  return keyEncryptionKeyIn(file)!;
}

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
