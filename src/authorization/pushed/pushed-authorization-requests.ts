import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../../audit/audit-log.js';
import type { Client } from '../../clients/client.js';
import { digestOf } from '../../common/crypto/opaque-value.js';
import type { AuthorizationParams } from '../../common/oauth/form-params.js';
import { OAuthError } from '../../common/oauth/oauth-error.js';
import { Clock } from '../../common/time/clock.js';
import { RateLimits } from '../../rate-limits/rate-limits.js';
import type { PushedAuthorizationRequestEntity, StoredParams } from './pushed-authorization-request.entity.js';
import { PushedAuthorizationRequestsRepository } from './pushed-authorization-requests.repository.js';

const PREFIX = 'urn:ietf:params:oauth:request_uri:';
const LIFETIME_SECONDS = 90;
/** Until a browser that came at the last moment has its pages. */
const GRACE_MS = 2 * 60_000;

const invalidRequestUri = (detail: string) => new OAuthError('invalid_request_uri', 'The request_uri is not valid, or not any more.', 400, {}, detail);

/** Authorization requests that clients pushed, RFC 9126: known by a reference that is stored as a hash, bound to its client, answered once. */
@Injectable()
export class PushedAuthorizationRequests {
  constructor(
    private readonly repository: PushedAuthorizationRequestsRepository,
    private readonly limits: RateLimits,
    private readonly clock: Clock,
  ) {}

  /** Whether a request_uri has the form of those that are given here. */
  isReference(requestUri: string | undefined): boolean {
    return requestUri?.startsWith(PREFIX) ?? false;
  }

  /**
   * RFC 9126 §2.2. An ID token is not stored: the user whom it named is.
   * @param hintedUserId as the check of these parameters found it
   * @throws {RateLimitedError} when an address stores too much by clients that do not authenticate
   */
  async push(
    client: Client,
    params: AuthorizationParams,
    hintedUserId: string | undefined,
    caller: Actor,
  ): Promise<{ request_uri: string; expires_in: number }> {
    const requestUri = PREFIX + randomBytes(32).toString('base64url');
    const nowMs = this.clock.nowMs();
    const expiresAt = nowMs + LIFETIME_SECONDS * 1000;
    const stored = storedParams(params, hintedUserId);
    // The address of a client that authenticates may be that of all its users.
    if (!client.confidential) this.limits.takeAuthorizationStorage(bytesOf(stored), caller);
    await this.repository.insert({
      digest: digestOf(requestUri),
      clientId: client.clientId,
      clientGeneration: client.tokenGeneration,
      params: stored,
      consumedAt: null,
      expiresAt,
      purgeAfter: expiresAt + GRACE_MS,
    });
    return { request_uri: requestUri, expires_in: LIFETIME_SECONDS };
  }

  /** @throws {OAuthError} `invalid_request_uri`: unknown, another client's, expired, or answered before */
  async find(requestUri: string, client: Client): Promise<PushedAuthorizationRequestEntity> {
    const pushed = await this.repository.find(digestOf(requestUri));
    if (!pushed) throw invalidRequestUri('unknown');
    if (pushed.clientId !== client.clientId || pushed.clientGeneration !== client.tokenGeneration) throw invalidRequestUri('pushed by another client');
    if (pushed.consumedAt !== null) throw invalidRequestUri('answered before');
    if (pushed.expiresAt <= this.clock.nowMs()) throw invalidRequestUri('expired');
    return pushed;
  }

  /** While a user is asked, the request can still be answered. */
  keepUntil(id: number, ms: number): Promise<void> {
    return this.repository.keepUntil(id, ms);
  }

  /** @throws {OAuthError} `invalid_request_uri` when it was answered before */
  async consume(id: number, manager?: EntityManager): Promise<void> {
    if (!(await this.repository.consume(id, this.clock.nowMs(), manager))) throw invalidRequestUri('answered before');
  }
}

const bytesOf = (params: StoredParams): number => Buffer.byteLength(JSON.stringify(params));

function storedParams(params: AuthorizationParams, hintedUserId: string | undefined): StoredParams {
  const kept = Object.fromEntries(Object.entries(params).filter(([name]) => name !== 'id_token_hint'));
  return hintedUserId === undefined ? kept : { ...kept, hinted_user_id: hintedUserId };
}
