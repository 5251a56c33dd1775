import { Injectable } from '@nestjs/common';
import { type Actor, AuditLog } from '../audit/audit-log.js';
import { ConsentsRepository } from '../consents/consents.repository.js';
import { Transactions } from '../database/transactions.js';
import { AuthorizationCodes } from '../grants/authorization-code/authorization-codes.js';
import { TokenFamilyRevocation } from '../tokens/token-family-revocation.js';
import { AuthorizationRequestsRepository } from './interactions/authorization-requests.repository.js';

/**
 * Takes back what a user allowed a client, and with it all tokens that the client holds for them, or could get by a code
 * or a request that waits.
 */
@Injectable()
export class ConsentWithdrawal {
  constructor(
    private readonly requests: AuthorizationRequestsRepository,
    private readonly consents: ConsentsRepository,
    private readonly codes: AuthorizationCodes,
    private readonly revocation: TokenFamilyRevocation,
    private readonly transactions: Transactions,
    private readonly audit: AuditLog,
  ) {}

  /** Returns whether there was anything to take back. */
  async withdraw(userId: string, clientId: string, actor: Actor): Promise<boolean> {
    const { withdrawn, families } = await this.transactions.run(async (manager) => {
      // In the order in which authorizations write: each step waits for the one under way, and the next finds what it left.
      const approved = await this.requests.withdrawApprovals(userId, clientId, manager);
      const consented = await this.consents.delete(userId, clientId, manager);
      const pending = await this.codes.discardUnused(userId, clientId, manager);
      if (consented) await this.audit.record({ type: 'consent.revoked', actor, clientId, userId }, manager);
      const families = await this.revocation.revokeWithin(manager, { userId, clientId }, 'consent.revoked', actor);
      return { withdrawn: approved || consented || pending || families.count > 0, families };
    });
    families.takeEffect();
    return withdrawn;
  }
}
