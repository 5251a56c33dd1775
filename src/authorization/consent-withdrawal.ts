import { Injectable } from '@nestjs/common';
import { type Actor, AuditLog } from '../audit/audit-log.js';
import { Clock } from '../common/time/clock.js';
import { ConsentsRepository } from '../consents/consents.repository.js';
import { Transactions } from '../database/transactions.js';
import { AuthorizationCodes } from '../grants/authorization-code/authorization-codes.js';
import { TokenFamiliesRepository } from '../tokens/token-families.repository.js';
import { TokenFamilyRevocation } from '../tokens/token-family-revocation.js';

/** Takes back what a user allowed a client, and with it all tokens that the client holds for her, or could get by a code that it has. */
@Injectable()
export class ConsentWithdrawal {
  constructor(
    private readonly consents: ConsentsRepository,
    private readonly codes: AuthorizationCodes,
    private readonly families: TokenFamiliesRepository,
    private readonly revocation: TokenFamilyRevocation,
    private readonly transactions: Transactions,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  /** Answers whether there was anything to take back. */
  async withdraw(userId: string, clientId: string, actor: Actor): Promise<boolean> {
    const withdrawn = await this.transactions.run(async (manager) => {
      const [consented, pending] = [await this.consents.delete(userId, clientId, manager), await this.codes.discardUnused(userId, clientId, manager)];
      if (consented) await this.audit.record({ type: 'consent.revoked', actor, clientId, userId }, manager);
      return consented || pending;
    });
    // After the codes: what one gave that was redeemed just before is among these.
    const families = await this.families.ofUserAndClient(userId, clientId, this.clock.nowMs());
    for (const family of families) await this.revocation.revoke(family, 'consent.revoked', actor);
    return withdrawn || families.length > 0;
  }
}
