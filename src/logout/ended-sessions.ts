import { Injectable } from '@nestjs/common';
import { SERVER } from '../audit/audit-log.js';
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
  constructor(
    feed: ChangeFeed,
    private readonly sessions: SessionsRepository,
    private readonly users: UserDirectory,
    private readonly sessionEnd: SessionEnd,
  ) {
    feed.subscribe('user', (change) => this.sweep(change.subject));
  }

  private async sweep(userId: string): Promise<void> {
    const rows = await this.sessions.ofUser(userId);
    if (rows.length === 0) return;
    const user = await this.users.find(userId);
    for (const row of rows) {
      if (!user?.enabled || user.tokenGeneration !== row.userGeneration) await this.sessionEnd.end(row.sessionId, SERVER);
    }
  }
}
