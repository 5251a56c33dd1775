import { Injectable } from '@nestjs/common';
import { digestOf, newOpaqueValue } from '../common/crypto/opaque-value.js';
import { OAuthError } from '../common/oauth/oauth-error.js';
import { formatScope } from '../common/oauth/scope.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { type AccessTokenClaims, AccessTokenJwt, MAX_ACCESS_TOKEN_LENGTH } from './access-token-jwt.js';
import { AccessTokenReuse } from './access-token-reuse.js';
import { AccessTokensRepository, type NewAccessToken } from './access-tokens.repository.js';
import type { GrantedAccess, TokenResponse } from './granted-access.js';
import { Subjects } from './subject.js';
import { newTokenId, type TokenTies } from './token-id.js';

/** An access token in the response that carries it. */
export interface PreparedAccessToken {
  readonly response: TokenResponse;
  /** Of an opaque token: store it before the response leaves. */
  readonly row?: NewAccessToken;
}

/** Turns what was granted into an access token and the response that carries it. A JWT touches no database; an opaque token is one insert. */
@Injectable()
export class AccessTokenIssuer {
  private readonly lasting = new WeakMap<GrantedAccess, string>();

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly jwt: AccessTokenJwt,
    private readonly tokens: AccessTokensRepository,
    private readonly subjects: Subjects,
    private readonly reuse: AccessTokenReuse,
  ) {}

  /**
   * Issues a token for which nothing else has to be stored.
   * @throws {OAuthError} `invalid_scope` for a JWT of more than {@link MAX_ACCESS_TOKEN_LENGTH} characters
   */
  issue(access: GrantedAccess): TokenResponse | Promise<TokenResponse> {
    const scope = formatScope(access.scope);
    if (access.format === 'jwt') return this.signJwt(access, scope);
    const { response, row } = this.makeOpaque(access, scope);
    return this.tokens.insert(row).then(() => response);
  }

  /**
   * Makes a token and writes nothing, so that whatever it stands on is used up only once it is there.
   * @throws {OAuthError} as {@link issue}
   */
  prepare(access: GrantedAccess): PreparedAccessToken {
    const scope = formatScope(access.scope);
    return access.format === 'jwt' ? { response: this.signJwt(access, scope) } : this.makeOpaque(access, scope);
  }

  private signJwt(access: GrantedAccess, scope: string): TokenResponse {
    const kept = this.reuse.find(access);
    if (kept) return toResponse(kept.token, access, scope, kept.expiresInSeconds);
    const iat = this.clock.nowSeconds();
    const exp = iat + access.lifetimeSeconds;
    const jti = newTokenId(this.tiesOf(access));
    const token = this.jwt.sign(`${this.lastingClaims(access, scope)},"iat":${iat},"exp":${exp},"jti":"${jti}"}`);
    if (token.length > MAX_ACCESS_TOKEN_LENGTH) throw new OAuthError('invalid_scope', 'The token would be too long. Ask for less scope, or for fewer resources.');
    this.reuse.keep(access, { iat, exp, jti }, token);
    return toResponse(token, access, scope);
  }

  /** Every claim but those of the single token, as the beginning of a JSON object; made once for what is granted again and again. */
  private lastingClaims(access: GrantedAccess, scope: string): string {
    let text = this.lasting.get(access);
    if (text !== undefined) return text;
    const claims: Omit<AccessTokenClaims, 'iat' | 'exp' | 'jti'> = {
      iss: this.config.issuer,
      sub: this.subjectOf(access),
      aud: access.audience.length === 1 ? access.audience[0] : [...access.audience],
      client_id: access.client.clientId,
      ...(scope === '' ? {} : { scope }),
      ...(access.user ? { roles: access.user.roles } : {}),
    };
    text = JSON.stringify(claims).slice(0, -1);
    // What a user granted is made anew for each request.
    if (!access.user) this.lasting.set(access, text);
    return text;
  }

  private makeOpaque(access: GrantedAccess, scope: string): Required<PreparedAccessToken> {
    const token = newOpaqueValue('accessToken');
    const issuedAt = this.clock.nowSeconds() * 1000;
    const { clientGeneration, userGeneration, familyId } = this.tiesOf(access);
    const row = {
      digest: digestOf(token),
      clientId: access.client.clientId,
      clientGeneration,
      userGeneration: userGeneration ?? null,
      familyId: familyId ?? null,
      subject: this.subjectOf(access),
      scope,
      audience: [...access.audience],
      issuedAt,
      expiresAt: issuedAt + access.lifetimeSeconds * 1000,
      revokedAt: null,
    };
    return { response: toResponse(token, access, scope), row };
  }

  /** Of the client when there is no user (RFC 9068 §2.2). */
  private subjectOf({ client, user }: GrantedAccess): string {
    return user ? this.subjects.of(client, user.userId) : client.clientId;
  }

  private tiesOf({ client, user, family }: GrantedAccess): TokenTies {
    return {
      clientGeneration: client.tokenGeneration,
      ...(user ? { userGeneration: this.subjects.generationOf(client, user) } : {}),
      ...(family ? { familyId: family.familyId } : {}),
    };
  }
}

function toResponse(
  token: string,
  { lifetimeSeconds, family }: GrantedAccess,
  scope: string,
  expiresInSeconds = lifetimeSeconds,
): TokenResponse {
  const body: TokenResponse = { access_token: token, token_type: 'Bearer', expires_in: expiresInSeconds };
  if (family?.refreshToken !== undefined) body.refresh_token = family.refreshToken;
  if (scope !== '') body.scope = scope;
  return body;
}
