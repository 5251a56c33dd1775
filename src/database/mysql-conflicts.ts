import { setTimeout as sleep } from 'node:timers/promises';
import { asAvailability, isConflict } from './database-errors.js';
import type { Deadline } from './deadline.js';
import type { StatementMetrics } from './statement-metrics.js';

const LONGEST_PAUSE_MS = 250;

/**
 * How long to wait before what lost a conflict is tried again: a random part of a time that doubles up to a limit. A
 * node of a cluster that lags behind the others needs some tenths of a second.
 */
export const pauseMs = (tries: number): number => Math.random() * Math.min(LONGEST_PAUSE_MS, 10 * 2 ** tries);

/** Half of the deadline, in the whole seconds that the server counts in: how long a statement may wait for a lock. */
export const lockWaitSeconds = (deadlineMs: number): number => Math.max(1, Math.floor(deadlineMs / 2000));

/**
 * Tries a statement that stands by itself again when it lost a lock conflict. A try that waits for a lock as long as it
 * may still ends by the deadline: one that does not would be given up while the server may carry it out.
 */
export async function tryStatement<T>(
  attempt: () => Promise<T>,
  deadline: Deadline,
  metrics: StatementMetrics,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      const pause = pauseMs(tries);
      const neededMs = pause + lockWaitSeconds(deadline.milliseconds) * 1000 + 100;
      if (!isConflict(error) || deadline.remainingMs < neededMs) throw asAvailability(error);
      metrics.retried(error);
      await sleep(pause);
    }
  }
}
