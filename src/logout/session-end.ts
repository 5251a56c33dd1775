import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Actor, AuditLog } from '../audit/audit-log.js';
import { Transactions } from '../database/transactions.js';
import { TokenFamilyRevocation } from '../tokens/token-family-revocation.js';
import { BackchannelLogouts } from './backchannel-logouts.js';
import { LogoutRecipients } from './logout-recipients.js';
import { SessionEndRepository, type SessionSelection, type VoidSessions } from './session-end.repository.js';

/** Sessions whose tokens are still valid. */
type ValidSessions = Exclude<SessionSelection, VoidSessions>;

/** A session that was ended in a transaction which is not committed yet. */
export interface EndedSession {
  /** Makes this instance refuse its tokens at once, and tells the clients. Call it after COMMIT. */
  takeEffect(): void;
}

/**
 * Ends sessions, in one transaction and a number of statements that does not depend on how many token families they
 * have: the browser is signed out, the clients to which the user signed in are told (OpenID Connect Back-Channel Logout
 * 1.0 §2.5), and the tokens of the session end, but for those with `offline_access` (§2.7). The families say which user
 * and which clients a session had, so it can be ended after its own row is gone, too.
 */
@Injectable()
export class SessionEnd {
  constructor(
    private readonly sessions: SessionEndRepository,
    private readonly revocation: TokenFamilyRevocation,
    private readonly recipients: LogoutRecipients,
    private readonly logouts: BackchannelLogouts,
    private readonly transactions: Transactions,
    private readonly audit: AuditLog,
  ) {}

  async end(sessionId: string, actor: Actor): Promise<void> {
    await this.endValid({ sessionId }, actor);
  }

  /**
   * As {@link end}, in the caller's transaction.
   * @returns what the caller must let take effect once the transaction is committed
   */
  endWithin(manager: EntityManager, sessionId: string, actor: Actor): Promise<EndedSession> {
    return this.endValidWithin(manager, { sessionId }, actor);
  }

  /** Ends all sessions of a user but one, those that ran out included: clients may still hold tokens of them. */
  async endOthers(userId: string, exceptSessionId: string, actor: Actor): Promise<void> {
    await this.endValid({ userId, exceptSessionId }, actor);
  }

  /** Ends the sessions of a user that are void by the user's token generation, as their tokens are. */
  async endVoid(userId: string, actor: Actor): Promise<void> {
    // Most changes of a user end nothing.
    if (!(await this.sessions.hasVoid(userId))) return;
    await this.transactions.run(async (manager) => {
      const selection = await this.sessions.lockVoid(userId, manager);
      await this.delete(selection, actor, manager);
      await this.sessions.detachFamilies(selection, manager);
    });
    this.logouts.deliverSoon();
  }

  /** Returns the users who have void sessions. */
  async findVoid(): Promise<Set<string>> {
    const found = new Set<string>();
    for (let from: number | undefined = 0; from !== undefined; ) {
      const { userIds, afterId } = await this.sessions.usersWithVoid(from);
      for (const userId of userIds) found.add(userId);
      from = afterId;
    }
    return found;
  }

  /** Ends the tokens that one client holds of a session, and nothing else: the client proved no more than that they are its own. */
  async endForClient(sessionId: string, clientId: string, actor: Actor): Promise<void> {
    const revoked = await this.transactions.run((manager) =>
      this.revocation.revokeWithin(manager, { sessionId, clientId }, 'client.signed_out', actor),
    );
    revoked.takeEffect();
  }

  private async endValid(selection: ValidSessions, actor: Actor): Promise<void> {
    const ended = await this.transactions.run((manager) => this.endValidWithin(manager, selection, actor));
    ended.takeEffect();
  }

  private async endValidWithin(manager: EntityManager, selection: ValidSessions, actor: Actor): Promise<EndedSession> {
    await this.delete(selection, actor, manager);
    const families = await this.revocation.revokeWithin(manager, selection, 'session.ended', actor);
    // Last: the selection finds them by their session.
    await this.sessions.detachFamilies(selection, manager);
    return {
      takeEffect: () => {
        families.takeEffect();
        this.logouts.deliverSoon();
      },
    };
  }

  /** Deletes the sessions, and writes down who is to be told. */
  private async delete(selection: SessionSelection, actor: Actor, manager: EntityManager): Promise<void> {
    const deleted = await this.sessions.deleteSessions(selection, manager);
    const clients = await this.sessions.lockClients(selection, manager);
    await this.logouts.enqueue(await this.recipients.of(clients, manager), manager);
    const ended = new Map([...deleted, ...clients].map(({ sessionId, userId }) => [sessionId, userId]));
    const records = [...ended].map(([sessionId, userId]) => {
      return { type: 'session.ended' as const, actor, userId, detail: { session_id: sessionId } };
    });
    await this.audit.recordAll(records, manager);
  }
}
