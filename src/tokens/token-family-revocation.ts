import { Injectable } from '@nestjs/common';
import { type Actor, AuditLog } from '../audit/audit-log.js';
import type { Counter } from '../common/metrics/counter.js';
import { Metrics } from '../common/metrics/metrics.js';
import { Clock } from '../common/time/clock.js';
import { ChangeFeed } from '../database/change-feed.js';
import { Transactions } from '../database/transactions.js';
import { RevokedTokens } from './revoked-tokens.js';
import { TokenFamiliesRepository } from './token-families.repository.js';
import type { TokenFamilyEntity } from './token-family.entity.js';

const FAMILY_EVENTS = ['refresh_token.revoked', 'refresh_token.reused', 'authorization_code.replayed', 'consent.revoked', 'session.ended'] as const;

/** Why a family ends. */
export type FamilyEvent = (typeof FAMILY_EVENTS)[number];

/** Revokes families of tokens, refresh and access tokens alike: here at once, on every other instance with its next look at the change feed. */
@Injectable()
export class TokenFamilyRevocation {
  private readonly revocations: Counter<{ reason: typeof FAMILY_EVENTS }>;

  constructor(
    private readonly families: TokenFamiliesRepository,
    private readonly transactions: Transactions,
    private readonly feed: ChangeFeed,
    private readonly revoked: RevokedTokens,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    this.revocations = metrics.counter({
      name: 'token_families_revoked_total',
      help: 'Authorizations of users that ended with all of their tokens, by the event of the audit log; `refresh_token.reused` and `authorization_code.replayed` are signs of theft.',
      labels: { reason: FAMILY_EVENTS },
    });
  }

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
    if (accessExpiresAt === undefined) return;
    this.revoked.add(familyId, accessExpiresAt);
    this.revocations.inc({ reason: type });
  }
}
