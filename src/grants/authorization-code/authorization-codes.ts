import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Client } from '../../clients/client.js';
import { digestOf, newOpaqueValue } from '../../common/crypto/opaque-value.js';
import { randomId } from '../../common/crypto/random-id.js';
import { formatScope } from '../../common/oauth/scope.js';
import { Clock } from '../../common/time/clock.js';
import type { OpenIdGrant } from '../../tokens/openid-grant.js';
import type { Target } from '../../tokens/target-resolver.js';
import type { User } from '../../users/user.js';
import { AuthorizationCodesRepository, type NewAuthorizationCode } from './authorization-codes.repository.js';

const LIFETIME_MS = 60_000;
/** Longer than any access token lives: a second use of the code is to revoke what the first one gave. */
const KEEP_MS = 86_400_000 + 3_600_000;

/** What a user authorized in a browser. */
export interface Authorization {
  readonly client: Client;
  readonly user: User;
  readonly sessionId: string;
  readonly redirectUri: string;
  readonly redirectUriSent: boolean;
  readonly codeChallenge?: string;
  readonly target: Target;
  readonly openid?: OpenIdGrant;
}

/** Makes authorization codes, RFC 6749 §4.1.2: opaque, stored as a hash, good for a minute. */
@Injectable()
export class AuthorizationCodes {
  constructor(
    private readonly repository: AuthorizationCodesRepository,
    private readonly clock: Clock,
  ) {}

  /** Makes a code, which is nowhere else, and the row to store for it. */
  prepare(authorization: Authorization): { code: string; row: NewAuthorizationCode } {
    const { client, user, sessionId, redirectUri, redirectUriSent, codeChallenge, target, openid } = authorization;
    const code = newOpaqueValue('authorizationCode');
    const nowMs = this.clock.nowMs();
    const row = {
      digest: digestOf(code),
      clientId: client.clientId,
      clientGeneration: client.tokenGeneration,
      userId: user.userId,
      userGeneration: user.tokenGeneration,
      sessionId,
      familyId: randomId(),
      redirectUri,
      redirectUriSent,
      codeChallenge: codeChallenge ?? null,
      scope: formatScope(target.scope),
      audience: [...target.audience],
      openid: openid ?? null,
      failedVerifiers: 0,
      consumedAt: null,
      answeredAt: null,
      expiresAt: nowMs + LIFETIME_MS,
      purgeAfter: nowMs + LIFETIME_MS + KEEP_MS,
    };
    return { code, row };
  }

  store(row: NewAuthorizationCode, manager: EntityManager): Promise<void> {
    return this.repository.insert(row, manager);
  }

  /** Makes those codes useless by which a client could still get tokens of a user. Answers whether there were any. */
  async discardUnused(userId: string, clientId: string, manager: EntityManager): Promise<boolean> {
    const nowMs = this.clock.nowMs();
    return (await this.repository.discardUnused(userId, clientId, nowMs + KEEP_MS, nowMs, manager)) > 0;
  }
}
