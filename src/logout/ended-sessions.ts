import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { SERVER } from '../audit/audit-log.js';
import { Logger } from '../common/logging/logger.js';
import { Serial } from '../common/serial.js';
import { ChangeFeed } from '../database/change-feed.js';
import { SessionEnd } from './session-end.js';

const RETRY_MS = 15_000;

/**
 * Ends the sessions of users who were disabled, deleted, signed out everywhere or given another password. Such sessions
 * and their tokens are void by the user's token generation; the clients to which the user signed in must still be told.
 * Every instance reads of it in the change feed, and the database decides which one of them ends a session.
 */
@Injectable()
export class EndedSessions implements OnApplicationShutdown {
  private readonly sweeps = new Serial();
  /** Users who changed, and whose sessions were not searched for since. */
  private readonly waiting = new Set<string>();
  /** Whether changes were missed, so that it is not known which users changed. */
  private missed = false;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    feed: ChangeFeed,
    private readonly sessionEnd: SessionEnd,
    private readonly logger: Logger,
  ) {
    feed.subscribe('user', (change) => {
      this.waiting.add(change.subject);
      this.sweepSoon();
    });
    feed.onGap(async () => {
      this.missed = true;
      this.sweepSoon();
    });
  }

  onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    return this.sweeps.run(async () => undefined);
  }

  /** Beside the feed, which has more to read meanwhile. */
  private sweepSoon(): void {
    void this.sweeps.run(() => this.sweep());
  }

  private async sweep(): Promise<void> {
    await this.orLater(() => this.findMissed());
    const users = [...this.waiting];
    this.waiting.clear();
    for (const userId of users) {
      if (this.stopped) return;
      await this.orLater(
        () => this.sessionEnd.endVoid(userId, SERVER),
        () => this.waiting.add(userId),
      );
    }
  }

  private async findMissed(): Promise<void> {
    if (!this.missed) return;
    for (const userId of await this.sessionEnd.findVoid()) this.waiting.add(userId);
    this.missed = false;
  }

  private async orLater(work: () => Promise<void>, keep?: () => void): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.logger.failure('sessions of users who are signed out could not be ended', error);
      keep?.();
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        this.sweepSoon();
      }, RETRY_MS).unref();
    }
  }
}
