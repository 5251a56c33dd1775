import { newHash, verdictOn, type PasswordVerdict } from './stored-hash.js';

/** What runs in a thread of the pool, by the name of the task. Blocks the thread, which has nothing else to do. */
export function hash({ password }: { password: string }): string {
  return newHash(password);
}

/** The verification and, where one is due, the new hash: one wait for a thread, not two. */
export function verify({ password, stored }: { password: string; stored: string | null }): PasswordVerdict {
  return verdictOn(password, stored);
}
