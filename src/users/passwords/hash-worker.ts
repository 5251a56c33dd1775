import { newHash, verdictOn, type PasswordVerdict } from './stored-hash.js';

/** `hash`: a new one, to be had as a PHC string. `verify`: the verdict and, where one is due, the new hash: one wait for a thread, not two. */
export type HashTask = { readonly name: 'hash'; readonly password: string } | { readonly name: 'verify'; readonly password: string; readonly stored: string | null };

export type HashResult = { readonly value: string | PasswordVerdict } | { readonly error: Error };

/** What runs in a thread of the pool: tasks one after the other, each with a result of its own. Blocks the thread, which has nothing else to do. */
export function runAll(tasks: readonly HashTask[]): HashResult[] {
  return tasks.map((task) => {
    try {
      return { value: task.name === 'hash' ? newHash(task.password) : verdictOn(task.password, task.stored) };
    } catch (error) {
      return { error: error as Error };
    }
  });
}
