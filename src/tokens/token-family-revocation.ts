import { Injectable } from '@nestjs/common';
import { type Actor, AuditLog } from '../audit/audit-log.js';
import { Clock } from '../common/time/clock.js';
import { ChangeFeed } from '../database/change-feed.js';
import { Transactions } from '../database/transactions.js';
import { RevokedTokens } from './revoked-tokens.js';
import { TokenFamiliesRepository } from './token-families.repository.js';
import type { TokenFamilyEntity } from './token-family.entity.js';

/** Why a family ends. */
export type FamilyEvent = 'refresh_token.revoked' | 'refresh_token.reused' | 'authorization_code.replayed' | 'consent.revoked' | 'session.ended';

/** Revokes families of tokens, refresh and access tokens alike: here at once, on every other instance with its next look at the change feed. */
@Injectable()
export class TokenFamilyRevocation {
  constructor(
    private readonly families: TokenFamiliesRepository,
    private readonly transactions: Transactions,
    private readonly feed: ChangeFeed,
    private readonly revoked: RevokedTokens,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  /** Revokes whatever came of one authorization, if anything did. */
  async revokeById(familyId: string, type: FamilyEvent, actor: Actor): Promise<void> {
    const family = await this.families.find(familyId);
    if (family) await this.revoke(family, type, actor);
  }

  async revoke({ familyId, clientId, userId }: TokenFamilyEntity, type: FamilyEvent, actor: Actor): Promise<void> {
    const accessExpiresAt = await this.transactions.run(async (manager) => {
      if (!(await this.families.revoke(familyId, this.clock.nowMs(), manager))) return undefined;
      // Read under the lock that the update took: a rotation just before it may have moved this on.
      const expiresAt = (await this.families.find(familyId, manager))!.accessExpiresAt;
      await this.feed.publishOnce('revoked-token', familyId, expiresAt, manager);
      await this.audit.record({ type, actor, clientId, userId, detail: { family_id: familyId } }, manager);
      return expiresAt;
    });
    if (accessExpiresAt !== undefined) this.revoked.add(familyId, accessExpiresAt);
  }
}
