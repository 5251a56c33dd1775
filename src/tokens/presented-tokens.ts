import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Actor } from '../audit/audit-log.js';
import { digestOf } from '../common/crypto/opaque-value.js';
import { RateLimits } from '../rate-limits/rate-limits.js';
import { type AccessToken, AccessTokenVerifier } from './access-token-verifier.js';

/** Tokens that are remembered to have been valid. */
const MAX_VALID = 10_000;

/** Verifies bearer tokens of callers that are not authenticated otherwise: an address that failed too often costs no work. */
@Injectable()
export class PresentedTokens {
  /** Digests of tokens that were valid when they were presented last: these are worth a query or a signature. */
  private readonly valid = new LRUCache<string, true>({ max: MAX_VALID });

  constructor(
    private readonly verifier: AccessTokenVerifier,
    private readonly limits: RateLimits,
  ) {}

  /**
   * Returns the token if it may be used now.
   * @throws {RateLimitedError} when the token is not known and its caller's address failed too often
   */
  async verify(token: string, caller: Actor): Promise<AccessToken | undefined> {
    const digest = digestOf(token);
    if (!this.valid.has(digest)) this.limits.checkBearer(caller);
    const verified = await this.verifier.verify(token);
    if (verified) this.valid.set(digest, true);
    else this.refuse(digest, caller);
    return verified;
  }

  private refuse(digest: string, caller: Actor): void {
    this.valid.delete(digest);
    this.limits.bearerFailed(caller);
  }
}
