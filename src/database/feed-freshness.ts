import type { Clock, Moment } from '../common/time/clock.js';

/** This instance gives no verdicts when the last successful read of the feed began longer ago than this. */
export const STALE_MS = 1_000;

interface Read extends Moment {
  /** When it ended, by the clock that counts. */
  readonly endedAtMs: number;
}

/**
 * How old what an instance knows is: as old as the beginning of the last read that succeeded, whatever it took. A read that
 * fails does not change that.
 */
export class FeedFreshness {
  private last: Read | undefined;
  /** The last time for which the database could not be followed. */
  private outage = { fromMs: 0, toMs: 0 };

  constructor(private readonly clock: Clock) {}

  /** In milliseconds; `undefined` before the first read. */
  get ageMs(): number | undefined {
    return this.last && this.clock.msSince(this.last);
  }

  get isFresh(): boolean {
    return this.last !== undefined && this.clock.msSince(this.last) <= STALE_MS;
  }

  readSince(began: Moment): void {
    const endedAtMs = this.clock.nowMs();
    if (this.last && !this.isFresh) this.outage = { fromMs: this.last.endedAtMs, toMs: endedAtMs };
    this.last = { ...began, endedAtMs };
  }

  /** Whether the last read ended so long ago, by the clock that changes expire by. */
  isOlderThan(ms: number): boolean {
    return this.last !== undefined && this.clock.nowMs() - this.last.endedAtMs >= ms;
  }

  /** Whether a time limit ran out in an outage that has not ended, or ended less than `graceMs` ago. */
  excuses(limitMs: number, graceMs: number): boolean {
    return limitMs >= this.outage.fromMs && this.clock.nowMs() < this.outage.toMs + graceMs;
  }
}
