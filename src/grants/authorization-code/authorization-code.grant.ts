import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Actor } from '../../audit/audit-log.js';
import type { Client } from '../../clients/client.js';
import { digestOf } from '../../common/crypto/opaque-value.js';
import type { FormParams } from '../../common/oauth/form-params.js';
import { invalidGrant, invalidRequest } from '../../common/oauth/oauth-error.js';
import { Clock } from '../../common/time/clock.js';
import { Transactions } from '../../database/transactions.js';
import { SessionsRepository } from '../../sessions/sessions.repository.js';
import type { GrantedAccess } from '../../tokens/granted-access.js';
import { RefreshTokens } from '../../tokens/refresh-tokens.js';
import { TokenFamilyRevocation } from '../../tokens/token-family-revocation.js';
import type { User } from '../../users/user.js';
import { UserDirectory } from '../../users/user-directory.js';
import type { GrantHandler } from '../grant-handler.js';
import { GrantedTarget } from '../granted-target.js';
import { givesRefreshToken } from '../user-scope.js';
import type { AuthorizationCodeEntity } from './authorization-code.entity.js';
import { AuthorizationCodesRepository } from './authorization-codes.repository.js';

interface AuthorizationCodeRequest {
  readonly code: string;
  readonly redirectUri: string | undefined;
  readonly codeVerifier: string | undefined;
  readonly resource: readonly string[] | undefined;
}

/** RFC 7636 §4.1. */
const CODE_VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;
const MAX_FAILED_VERIFIERS = 3;

const refused = (detail: string) => invalidGrant('The authorization code is not valid.', detail);

/**
 * The authorization code grant, RFC 6749 §4.1.3, with PKCE (RFC 7636 §4.6). A code is used once: the database decides by whom, and a second use revokes all that
 * the first one gave (RFC 6749 §4.1.2).
 */
@Injectable()
export class AuthorizationCodeGrant implements GrantHandler<AuthorizationCodeRequest> {
  readonly grantType = 'authorization_code';
  readonly confidentialOnly = false;

  constructor(
    private readonly codes: AuthorizationCodesRepository,
    private readonly users: UserDirectory,
    private readonly sessions: SessionsRepository,
    private readonly targets: GrantedTarget,
    private readonly refreshTokens: RefreshTokens,
    private readonly revocation: TokenFamilyRevocation,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  parse({ code, redirect_uri: redirectUri, code_verifier: codeVerifier, resource }: FormParams): AuthorizationCodeRequest {
    if (code === undefined) throw invalidRequest('The parameter code is missing.');
    if (codeVerifier !== undefined && !CODE_VERIFIER.test(codeVerifier)) throw invalidRequest('The code_verifier is malformed.');
    return { code, redirectUri, codeVerifier, resource };
  }

  async authorize(client: Client, request: AuthorizationCodeRequest, actor: Actor): Promise<GrantedAccess> {
    const code = await this.codes.find(digestOf(request.code));
    if (!code) throw refused('unknown');
    // Another client's: neither used up nor taken for a replay, or anyone could end a session by guessing in public.
    if (code.clientId !== client.clientId || code.clientGeneration !== client.tokenGeneration) throw refused('issued to another client');
    if (code.consumedAt !== null) return this.replayed(code, actor);
    if (code.expiresAt <= this.clock.nowMs()) throw refused('expired');
    this.checkRedirectUri(code, request);
    await this.checkVerifier(code, request);
    const user = await this.users.findOfGeneration(code.userId, code.userGeneration);
    if (!user) throw refused('what it was issued for has ended');
    const access = await this.redeem(client, user, code, request);
    return access ?? this.replayed(code, actor);
  }

  private async redeem(client: Client, user: User, code: AuthorizationCodeEntity, { resource }: AuthorizationCodeRequest): Promise<GrantedAccess | undefined> {
    const target = this.targets.resolve(client, user, code, undefined, resource);
    const granted = { scope: code.scope.split(' ').filter(Boolean), audience: code.audience };
    const { nonce, ...openid } = code.openid ?? {};
    const beginning = { familyId: code.familyId, sessionId: code.sessionId, refreshable: givesRefreshToken(client, granted.scope), ...(code.openid ? { openid: openid as typeof code.openid } : {}) };
    const family = await this.transactions.run(async (manager) => {
      if (!(await this.codes.consume(code.id, this.clock.nowMs(), manager))) return undefined;
      // Whoever ends the session waits for these tokens, and ends them as well.
      if (!(await this.sessions.lock(code.sessionId, manager))) throw refused('the session has ended');
      return this.refreshTokens.begin(client, user, this.grantType, { ...target, ...granted }, manager, beginning);
    });
    return family && { client, user, ...target, family, ...(code.openid ? { openid: { ...beginning.openid!, ...(nonce === undefined ? {} : { nonce }) } } : {}) };
  }

  private async replayed({ familyId }: AuthorizationCodeEntity, actor: Actor): Promise<never> {
    await this.revocation.revokeById(familyId, 'authorization_code.replayed', actor);
    throw refused('used before');
  }

  /** RFC 6749 §4.1.3: the same as in the authorization request, if that named one. */
  private checkRedirectUri(code: AuthorizationCodeEntity, { redirectUri }: AuthorizationCodeRequest): void {
    if (redirectUri === undefined ? code.redirectUriSent : redirectUri !== code.redirectUri) throw refused('another redirect_uri');
  }

  private async checkVerifier(code: AuthorizationCodeEntity, { codeVerifier }: AuthorizationCodeRequest): Promise<void> {
    // RFC 9700 §4.8.2: a verifier for a code that was asked for without a challenge is the trace of an attack.
    if (code.codeChallenge === null && codeVerifier !== undefined) throw invalidRequest('A code_verifier was sent for a code that has no code_challenge.');
    if (code.codeChallenge === null) return;
    if (codeVerifier === undefined) throw refused('the code_verifier is missing');
    const computed = createHash('sha256').update(codeVerifier).digest('base64url');
    if (timingSafeEqual(Buffer.from(computed), Buffer.from(code.codeChallenge))) return;
    await this.codes.countFailure(code.id, MAX_FAILED_VERIFIERS, this.clock.nowMs());
    throw refused('wrong code_verifier');
  }
}
