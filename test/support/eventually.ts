import { setTimeout as sleep } from 'node:timers/promises';

/** Checks again and again until the check passes; its last failure is thrown when none did that began within the time. Real time, not the faked one. */
export async function eventually<T>(check: () => T | Promise<T>, { withinMs = 5000, everyMs = 10 } = {}): Promise<T> {
  for (const end = performance.now() + withinMs; ; await sleep(everyMs)) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= end) throw error;
    }
  }
}
