import { Injectable } from '@nestjs/common';
import { type Actor, AuditLog } from '../audit/audit-log.js';
import { ACCESS_TOKEN_FORMATS } from '../clients/client-metadata.js';
import type { Counter } from '../common/metrics/counter.js';
import { Metrics } from '../common/metrics/metrics.js';
import { Clock } from '../common/time/clock.js';
import { ChangeFeed } from '../database/change-feed.js';
import { Transactions } from '../database/transactions.js';
import type { AccessToken } from './access-token-verifier.js';
import { AccessTokensRepository } from './access-tokens.repository.js';
import { RevokedTokens } from './revoked-tokens.js';

/** Revokes single tokens: committed before it is answered, in force here at once and on every other instance with its next look at the change feed. */
@Injectable()
export class TokenRevocation {
  private readonly revocations: Counter<{ format: typeof ACCESS_TOKEN_FORMATS }>;

  constructor(
    private readonly transactions: Transactions,
    private readonly feed: ChangeFeed,
    private readonly revoked: RevokedTokens,
    private readonly tokens: AccessTokensRepository,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    this.revocations = metrics.counter({ name: 'access_tokens_revoked_total', help: 'Access tokens that were revoked one by one.', labels: { format: ACCESS_TOKEN_FORMATS } });
  }

  async revoke(token: AccessToken, actor: Actor): Promise<void> {
    if (token.revoked) return;
    const expiresAtMs = token.expiresAt * 1000;
    await this.transactions.run(async (manager) => {
      const first = token.format === 'jwt' ? await this.feed.publishOnce('revoked-token', token.id, expiresAtMs, manager) : await this.tokens.revoke(token.id, this.clock.nowMs(), manager);
      if (!first) return;
      await this.audit.record({ type: 'token.revoked', actor, clientId: token.clientId, detail: token.format === 'jwt' ? { jti: token.id } : {} }, manager);
    });
    if (token.format === 'jwt') this.revoked.add(token.id, expiresAtMs);
    this.revocations.inc({ format: token.format });
  }
}
