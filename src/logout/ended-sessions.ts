import { Injectable } from '@nestjs/common';
import { SERVER } from '../audit/audit-log.js';
import { Logger } from '../common/logging/logger.js';
import { Serial } from '../common/serial.js';
import { ChangeFeed } from '../database/change-feed.js';
import { SessionsRepository } from '../sessions/sessions.repository.js';
import { UserDirectory } from '../users/user-directory.js';
import { SessionEnd } from './session-end.js';

/**
 * Sees to the sessions of users who were disabled, deleted, signed out everywhere or given another password: such a session is over by itself, but the clients to which the user signed
 * in by it are still to be told. Every instance hears of it; of them, one ends each session.
 */
@Injectable()
export class EndedSessions {
  private readonly sweeps = new Serial();

  constructor(
    feed: ChangeFeed,
    private readonly sessions: SessionsRepository,
    private readonly users: UserDirectory,
    private readonly sessionEnd: SessionEnd,
    logger: Logger,
  ) {
    // Beside the feed, which has more to tell meanwhile.
    feed.subscribe('user', (change) => void this.sweeps.run(() => this.sweep(change.subject)).catch((error: unknown) => logger.failure('sessions that are over could not be ended', error)));
  }

  private async sweep(userId: string): Promise<void> {
    const rows = await this.sessions.ofUser(userId);
    if (rows.length === 0) return;
    // What is in memory may be older than the newest session.
    this.users.invalidate(userId);
    const user = await this.users.find(userId);
    for (const row of rows) {
      if (!user?.enabled || user.tokenGeneration !== row.userGeneration) await this.sessionEnd.end(row.sessionId, SERVER);
    }
  }
}
