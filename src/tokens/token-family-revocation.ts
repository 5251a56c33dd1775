import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Actor, AuditLog } from '../audit/audit-log.js';
import type { Counter } from '../common/metrics/counter.js';
import { Metrics } from '../common/metrics/metrics.js';
import { parseScope } from '../common/oauth/scope.js';
import { Clock } from '../common/time/clock.js';
import { ChangeFeed } from '../database/change-feed.js';
import { Transactions } from '../database/transactions.js';
import { RevokedTokens } from './revoked-tokens.js';
import { type FamilySelection, type RevocableFamily, TokenFamiliesRepository } from './token-families.repository.js';
import type { TokenFamilyEntity } from './token-family.entity.js';
import { MAX_ACCESS_TOKEN_LIFETIME_MS } from './token-family-times.js';

const FAMILY_EVENTS = ['refresh_token.revoked', 'refresh_token.reused', 'authorization_code.replayed', 'consent.revoked', 'session.ended', 'client.signed_out'] as const;

/** Why a family ends. */
export type FamilyEvent = (typeof FAMILY_EVENTS)[number];

/** How many families {@link TokenFamilyRevocation.revokeWithin} revokes with one statement of each kind. */
const BATCH = 500;

/** For clocks of instances that differ, and for a token that is issued while its family is revoked. */
const MARGIN_MS = 5 * 60_000;

/** Families that were revoked in a transaction which is not committed yet. */
export interface RevokedFamilies {
  readonly count: number;
  /** Makes this instance refuse their tokens at once. Call it after COMMIT. */
  takeEffect(): void;
}

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

  async revoke(family: RevocableFamily, type: FamilyEvent, actor: Actor): Promise<void> {
    await this.revokeIf(family, type, actor, (nowMs, manager) => this.families.revoke(family.familyId, nowMs, manager));
  }

  /**
   * Revokes a family if its refresh token is still the one that was read. A cluster node that lags behind shows an old
   * row, and a transaction that is run anew after a conflict meets a new one: a verdict stands only on what it was
   * found by.
   * @returns whether it did; if not, read the family again
   */
  revokeUnchanged(family: TokenFamilyEntity, type: FamilyEvent, actor: Actor): Promise<boolean> {
    const { familyId, currentDigest } = family;
    return this.revokeIf(family, type, actor, (nowMs, manager) =>
      this.families.revokeUnchanged(familyId, currentDigest, nowMs, manager),
    );
  }

  private async revokeIf(
    family: RevocableFamily,
    type: FamilyEvent,
    actor: Actor,
    write: (nowMs: number, manager: EntityManager) => Promise<boolean>,
  ): Promise<boolean> {
    const revoked = await this.transactions.run(async (manager) => {
      const nowMs = this.clock.nowMs();
      return (await write(nowMs, manager)) ? this.announce([family], type, actor, nowMs, manager) : undefined;
    });
    revoked?.takeEffect();
    return revoked !== undefined;
  }

  /**
   * Revokes all live families of a selection in the caller's transaction: three statements for every 500 of them,
   * and the audit rows. A rotation or a redemption that runs meanwhile waits for the rows, or is waited for. Families of a
   * session that were granted `offline_access` stay: they are for when the user is not there (OpenID Connect
   * Back-Channel Logout 1.0 §2.7).
   * @returns what the caller must let take effect once the transaction is committed
   */
  async revokeWithin(
    manager: EntityManager,
    selection: FamilySelection,
    type: FamilyEvent,
    actor: Actor,
  ): Promise<RevokedFamilies> {
    const nowMs = this.clock.nowMs();
    const outlivesSession = ({ scope }: { scope: string }) => parseScope(scope)?.includes('offline_access') ?? false;
    const batches: RevokedFamilies[] = [];
    for (let afterId = 0, complete = false; !complete; ) {
      const locked = await this.families.lockLive(selection, afterId, BATCH, nowMs, manager);
      const ofSessions = 'sessionId' in selection || 'exceptSessionId' in selection;
      const ended = ofSessions ? locked.filter((family) => !outlivesSession(family)) : locked;
      if (ended.length > 0) {
        const ids = ended.map(({ id }) => id);
        await this.families.revokeLocked(ids, nowMs, manager);
        batches.push(await this.announce(ended, type, actor, nowMs, manager));
      }
      afterId = locked.at(-1)?.id ?? afterId;
      complete = locked.length < BATCH;
    }
    return {
      count: batches.reduce((sum, { count }) => sum + count, 0),
      takeEffect: () => batches.forEach((batch) => batch.takeEffect()),
    };
  }

  /** Tells the other instances and the audit log. The families are revoked until no token of theirs can be valid. */
  private async announce(
    families: readonly RevocableFamily[],
    type: FamilyEvent,
    actor: Actor,
    nowMs: number,
    manager: EntityManager,
  ): Promise<RevokedFamilies> {
    const untilMs = nowMs + MAX_ACCESS_TOKEN_LIFETIME_MS + MARGIN_MS;
    const familyIds = families.map(({ familyId }) => familyId);
    await this.feed.publishAllOnce('revoked-token', familyIds, untilMs, manager);
    const records = families.map(({ familyId, clientId, userId }) => {
      return { type, actor, clientId, userId, detail: { family_id: familyId } };
    });
    await this.audit.recordAll(records, manager);
    const takeEffect = () => {
      for (const familyId of familyIds) this.revoked.add(familyId, untilMs);
      this.revocations.inc({ reason: type }, familyIds.length);
    };
    return { count: familyIds.length, takeEffect };
  }
}
