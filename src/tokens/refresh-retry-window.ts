import { Injectable } from '@nestjs/common';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { ChangeFeed } from '../database/change-feed.js';
import type { TokenFamilyEntity } from './token-family.entity.js';
import { UncertainRotations } from './uncertain-rotations.js';

/** The time in which the refresh token that was used last may be sent again, and gets the same successor. */
@Injectable()
export class RefreshRetryWindow {
  constructor(
    private readonly uncertain: UncertainRotations,
    private readonly feed: ChangeFeed,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /** Returns the end of the window of a token that is retired now. */
  endOf(nowMs: number): number {
    return nowMs + this.lengthMs;
  }

  /** Checks whether the token before the current one of a family may be sent again. */
  isOpen({ retryUntil, currentDigest }: TokenFamilyEntity): boolean {
    const until = retryUntil ?? 0;
    if (until > this.clock.nowMs() || this.uncertain.covers(currentDigest)) return true;
    // While the database was away nobody could try again: that time does not count.
    return this.feed.excuses(until, this.lengthMs);
  }

  /** Remembers a rotation that failed if it may have been committed all the same. */
  noteFailure(error: unknown, familyId: string, currentDigest: string): void {
    if (error instanceof TemporarilyUnavailableError && this.lengthMs > 0) this.uncertain.note(familyId, currentDigest);
  }

  private get lengthMs(): number {
    return this.config.refreshRetryWindowSeconds * 1000;
  }
}
