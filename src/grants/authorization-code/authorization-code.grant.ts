import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Actor } from '../../audit/audit-log.js';
import type { Client } from '../../clients/client.js';
import { isRegistered } from '../../clients/registered-redirect-uri.js';
import { digestOf } from '../../common/crypto/opaque-value.js';
import type { FormParams } from '../../common/oauth/form-params.js';
import { invalidRequest } from '../../common/oauth/oauth-error.js';
import { Clock } from '../../common/time/clock.js';
import type { CommittedTokens, GrantHandler } from '../grant-handler.js';
import type { AuthorizationCodeEntity } from './authorization-code.entity.js';
import { AuthorizationCodesRepository } from './authorization-codes.repository.js';
import { CodeRedemption } from './code-redemption.js';
import { type AuthorizationCodeRequest, CodeTokens } from './code-tokens.js';
import { refusedCode } from './refused-code.js';
import { UsedCodes } from './used-codes.js';

/** RFC 7636 §4.1. */
const CODE_VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;
const MAX_FAILED_VERIFIERS = 3;

/**
 * The authorization code grant, RFC 6749 §4.1.3, with PKCE (RFC 7636 §4.6). A code is used once: the database decides
 * by whom.
 */
@Injectable()
export class AuthorizationCodeGrant implements GrantHandler<AuthorizationCodeRequest> {
  readonly grantType = 'authorization_code';
  readonly confidentialOnly = false;

  constructor(
    private readonly codes: AuthorizationCodesRepository,
    private readonly tokens: CodeTokens,
    private readonly redemption: CodeRedemption,
    private readonly used: UsedCodes,
    private readonly clock: Clock,
  ) {}

  parse({ code, redirect_uri: redirectUri, code_verifier: codeVerifier, resource }: FormParams): AuthorizationCodeRequest {
    if (code === undefined) throw invalidRequest('The parameter code is missing.');
    if (codeVerifier !== undefined && !CODE_VERIFIER.test(codeVerifier)) throw invalidRequest('The code_verifier is malformed.');
    return { code, redirectUri, codeVerifier, resource };
  }

  async authorize(client: Client, request: AuthorizationCodeRequest, actor: Actor): Promise<CommittedTokens> {
    const code = await this.codes.find(digestOf(request.code));
    if (!code) throw refusedCode('unknown');
    // Another client's: neither used up nor taken for a replay, or anyone could end a session by trying codes.
    const isOfClient = code.clientId === client.clientId && code.clientGeneration === client.tokenGeneration;
    if (!isOfClient) throw refusedCode('issued to another client');
    // Before the code is found used: the code alone, without the verifier, is no reason to revoke what it gave.
    this.checkRedirectUri(code, request);
    await this.checkVerifier(code, request);
    if (code.consumedAt !== null) return this.repeat(client, code, request, actor);
    if (code.expiresAt <= this.clock.nowMs()) throw refusedCode('expired');
    if (!isRegistered(client, code.redirectUri)) throw refusedCode('its redirect_uri is not registered any more');
    if (code.codeChallenge === null && client.needsPkce) throw refusedCode('its client must use PKCE by now');
    const tokens = await this.tokens.prepare(client, code, request);
    if (!(await this.redemption.commit(code, tokens))) return this.repeat(client, code, request, actor);
    return this.used.untilAnswered(code, tokens);
  }

  /** Answers a code that came again, where its first answer was lost. @throws {OAuthError} otherwise */
  private async repeat(
    client: Client,
    code: AuthorizationCodeEntity,
    request: AuthorizationCodeRequest,
    actor: Actor,
  ): Promise<CommittedTokens> {
    const family = await this.used.unanswered(code, request.code, actor);
    const tokens = await this.tokens.prepareAgain(client, code, request, family);
    await this.redemption.storeAgain(tokens);
    return this.used.untilAnswered(code, tokens);
  }

  /** RFC 6749 §4.1.3: the same as in the authorization request, if that named one. */
  private checkRedirectUri(code: AuthorizationCodeEntity, { redirectUri }: AuthorizationCodeRequest): void {
    const differs = redirectUri === undefined ? code.redirectUriSent : redirectUri !== code.redirectUri;
    if (differs) throw refusedCode('another redirect_uri');
  }

  private async checkVerifier(code: AuthorizationCodeEntity, { codeVerifier }: AuthorizationCodeRequest): Promise<void> {
    // RFC 9700 §4.8.2: a verifier for a code that was asked for without a challenge is the trace of an attack.
    if (code.codeChallenge === null && codeVerifier !== undefined) throw invalidRequest('A code_verifier was sent for a code that has no code_challenge.');
    if (code.codeChallenge === null) return;
    if (codeVerifier === undefined) throw refusedCode('the code_verifier is missing');
    const computed = createHash('sha256').update(codeVerifier).digest('base64url');
    if (timingSafeEqual(Buffer.from(computed), Buffer.from(code.codeChallenge))) return;
    await this.codes.countFailure(code.id, MAX_FAILED_VERIFIERS, this.clock.nowMs());
    throw refusedCode('wrong code_verifier');
  }
}
