import { setTimeout as sleep } from 'node:timers/promises';
import { asAvailability, isConflict } from './database-errors.js';
import type { StatementMetrics } from './statement-metrics.js';

const MAX_TRIES = 3;

/** Half of the deadline, in the whole seconds that the server counts in: how long a statement may wait for a lock. */
export const lockWaitSeconds = (deadlineMs: number): number => Math.max(1, Math.floor(deadlineMs / 2000));

/** Whether a try that waits for a lock as long as it may still ends by the deadline: one that does not would be given up while the server may carry it out. */
export const anotherTryFits = (remainingMs: number, deadlineMs: number): boolean => remainingMs > lockWaitSeconds(deadlineMs) * 1000 + 100;

/**
 * Tries a statement that stands by itself again when it lost a lock conflict, three times in all.
 * @param mayTryAgain whether there is time for another try
 */
export async function tryStatement<T>(attempt: () => Promise<T>, mayTryAgain: () => boolean, metrics: StatementMetrics): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isConflict(error) || tries === MAX_TRIES || !mayTryAgain()) throw asAvailability(error);
      metrics.retried(error);
      await sleep(Math.random() * 20 * tries);
    }
  }
}
