import { Injectable } from '@nestjs/common';

/** One reading of the database's clock. */
export interface ClockReading {
  /** Milliseconds since the epoch by the database, taken at some moment between the two below. */
  readonly databaseMs: number;
  /** When the question was sent and when the answer came, by `performance.now()`. */
  readonly sentAt: number;
  readonly receivedAt: number;
}

/** A moment by both clocks of this machine. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** The database's time when `performance.now()` was 0, and how far that may be off. */
interface Followed {
  readonly originMs: number;
  readonly errorMs: number;
  readonly receivedAt: number;
}

/** The database tells milliseconds. */
const RESOLUTION_MS = 1;

/** How fast two clocks part at most, in milliseconds per millisecond: what NTP takes for granted. */
const DRIFT = 0.0005;

/** A correction backwards of less than this makes the clock stand still; it follows a larger one at once. */
const MAX_STANDSTILL_MS = 1_000;

/**
 * The one source of the time of day, so that tests can move it. Instances judge each other's times, so each goes by the
 * database's clock as soon as it has been read ({@link follow}); with an embedded database, and before, by this machine's.
 */
@Injectable()
export class Clock {
  private followed: Followed | undefined;
  private latestMs = 0;

  /** Milliseconds since the epoch. */
  nowMs(): number {
    if (this.followed === undefined) return this.localMs();
    const ms = Math.floor(performance.now() + this.followed.originMs);
    if (ms < this.latestMs && this.latestMs - ms < MAX_STANDSTILL_MS) return this.latestMs;
    return (this.latestMs = ms);
  }

  /** Whole seconds since the epoch: NumericDate of RFC 7519 §2. */
  nowSeconds(): number {
    return Math.floor(this.nowMs() / 1000);
  }

  /**
   * Goes by the database's clock from now on. The time between two readings is measured by the monotonic clock, so a step
   * of this machine's wall clock changes nothing. Of readings that agree, the most exact one counts: the one with the
   * shortest round trip. A reading that contradicts it means that the database's clock was set, or is another's now.
   */
  follow({ databaseMs, sentAt, receivedAt }: ClockReading): void {
    const originMs = databaseMs - (sentAt + receivedAt) / 2;
    const errorMs = (receivedAt - sentAt) / 2 + RESOLUTION_MS;
    if (this.followed !== undefined) {
      const knownErrorMs = this.followed.errorMs + (receivedAt - this.followed.receivedAt) * DRIFT;
      const agrees = Math.abs(originMs - this.followed.originMs) <= errorMs + knownErrorMs;
      if (agrees && errorMs > knownErrorMs) return;
    }
    this.followed = { originMs, errorMs, receivedAt };
  }

  /** How far this machine's clock is behind the one that counts (ahead when negative), in milliseconds. */
  get offsetMs(): number {
    return this.followed === undefined ? 0 : performance.now() + this.followed.originMs - this.localMs();
  }

  /** This moment, for {@link msSince}. */
  moment(): Moment {
    return { monotonicMs: performance.now(), wallMs: this.localMs() };
  }

  /** How long ago a moment was. The monotonic clock may stop while a machine is suspended; the wall clock goes on. */
  msSince({ monotonicMs, wallMs }: Moment): number {
    return Math.max(performance.now() - monotonicMs, this.localMs() - wallMs);
  }

  /** This machine's own time of day. */
  protected localMs(): number {
    return Date.now();
  }
}
