import { Injectable } from '@nestjs/common';
import { type Actor, AuditLog } from '../audit/audit-log.js';
import { ClientDirectory } from '../clients/client-directory.js';
import { parseScope } from '../common/oauth/scope.js';
import { Clock } from '../common/time/clock.js';
import { Transactions } from '../database/transactions.js';
import { SessionsRepository } from '../sessions/sessions.repository.js';
import { Subjects } from '../tokens/subject.js';
import { TokenFamiliesRepository } from '../tokens/token-families.repository.js';
import { TokenFamilyRevocation } from '../tokens/token-family-revocation.js';
import { type BackchannelLogout, BackchannelLogouts } from './backchannel-logouts.js';

/**
 * Ends sessions: the browser is signed out, the clients to which it signed in are told (OpenID Connect Back-Channel Logout 1.0 §2.5), and the tokens of the session die, except for those
 * that were granted for when the user is not there (`offline_access`, §2.7).
 */
@Injectable()
export class SessionEnd {
  constructor(
    private readonly sessions: SessionsRepository,
    private readonly families: TokenFamiliesRepository,
    private readonly revocation: TokenFamilyRevocation,
    private readonly logouts: BackchannelLogouts,
    private readonly clients: ClientDirectory,
    private readonly subjects: Subjects,
    private readonly transactions: Transactions,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  /** Answers whether it was this call that ended it. */
  async end(sessionId: string, actor: Actor): Promise<boolean> {
    const session = await this.sessions.find(sessionId);
    if (!session) return false;
    const { userId } = session;
    const toTell = await this.clientsToTell(sessionId, userId);
    // Before the session: if this is broken off, the user is still signed in and can try again.
    await this.revokeTokens(sessionId, actor);
    const ended = await this.transactions.run(async (manager) => {
      if (!(await this.sessions.delete(sessionId, manager))) return false;
      await this.logouts.enqueue(toTell, manager);
      await this.audit.record({ type: 'session.ended', actor, userId, detail: { session_id: sessionId } }, manager);
      return true;
    });
    if (!ended) return false;
    this.logouts.deliverSoon();
    // Those of a code that was redeemed meanwhile.
    await this.revokeTokens(sessionId, actor);
    return true;
  }

  private async revokeTokens(sessionId: string, actor: Actor): Promise<void> {
    for (const family of await this.families.ofSession(sessionId, this.clock.nowMs())) {
      if (!parseScope(family.scope)?.includes('offline_access')) await this.revocation.revoke(family, 'session.ended', actor);
    }
  }

  private async clientsToTell(sessionId: string, userId: string): Promise<BackchannelLogout[]> {
    const toTell: BackchannelLogout[] = [];
    for (const clientId of await this.families.clientsOfSession(sessionId)) {
      const client = await this.clients.find(clientId);
      if (client?.backchannelLogoutUri) toTell.push({ clientId, subject: this.subjects.of(client, userId), sessionId: this.subjects.sidOf(client, sessionId) });
    }
    return toTell;
  }
}
