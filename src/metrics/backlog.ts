import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Logger } from '../common/logging/logger.js';
import { ChangeFeed } from '../database/change-feed.js';
import { Cleanup } from '../database/cleanup.js';
import { BackchannelLogouts } from '../logout/backchannel-logouts.js';

const REFRESH_MS = 60_000;
/** What was counted so long ago says nothing of now. */
const STALE_MS = 300_000;

export interface BacklogCounts {
  /** Expired rows by table. */
  readonly expired: Readonly<Record<string, number>>;
  readonly logouts: number;
}

/**
 * What waits in the database, counted once a minute at most, and beside the scrape that asks: that one is answered with what the last count found, whatever the database
 * does. Without scrapes nothing is counted.
 */
@Injectable()
export class Backlog implements OnApplicationShutdown {
  private counts: BacklogCounts | undefined;
  private countedAt = Number.NEGATIVE_INFINITY;
  private triedAt = Number.NEGATIVE_INFINITY;
  private counting = Promise.resolve();

  constructor(
    private readonly cleanup: Cleanup,
    private readonly logouts: BackchannelLogouts,
    private readonly feed: ChangeFeed,
    private readonly logger: Logger,
  ) {}

  /** `undefined` when it is not known. */
  read(): BacklogCounts | undefined {
    const now = performance.now();
    if (now - this.triedAt >= REFRESH_MS && this.feed.isFresh) {
      this.triedAt = now;
      this.counting = this.count();
    }
    return now - this.countedAt < STALE_MS ? this.counts : undefined;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.counting;
  }

  private async count(): Promise<void> {
    try {
      this.counts = { expired: await this.cleanup.backlog(), logouts: await this.logouts.countWaiting() };
      this.countedAt = performance.now();
    } catch (error) {
      this.logger.failure('what waits in the database could not be counted', error);
    }
  }
}
