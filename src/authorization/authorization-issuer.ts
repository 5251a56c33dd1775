import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Actor, AuditLog } from '../audit/audit-log.js';
import { Config } from '../config/config.js';
import { authorizationGranted } from '../grants/authorization-granted.js';
import { AuthorizationCodes } from '../grants/authorization-code/authorization-codes.js';
import { TokenMetrics } from '../grants/token-metrics.js';
import { GrantUsage } from '../grants/usage/grant-usage.js';
import type { Session } from '../sessions/sessions.js';
import { AccessTokenIssuer } from '../tokens/access-token-issuer.js';
import type { GrantedAccess } from '../tokens/granted-access.js';
import { IdTokenIssuer } from '../tokens/id-token-issuer.js';
import { type OpenIdGrant, PASSWORD_ACR } from '../tokens/openid-grant.js';
import { RefreshTokens } from '../tokens/refresh-tokens.js';
import type { Target } from '../tokens/target-resolver.js';
import type { AuthorizationAnswer } from './authorization-answer.js';
import type { AuthorizationRequest } from './authorization-request.js';
import type { CheckedRequest } from './authorize.pipeline.js';

/** Makes what a granted request is answered with. */
@Injectable()
export class AuthorizationIssuer {
  constructor(
    private readonly config: Config,
    private readonly codes: AuthorizationCodes,
    private readonly refreshTokens: RefreshTokens,
    private readonly accessTokens: AccessTokenIssuer,
    private readonly idTokens: IdTokenIssuer,
    private readonly usage: GrantUsage,
    private readonly metrics: TokenMetrics,
    private readonly audit: AuditLog,
  ) {}

  /** Writes what the answer stands on. @returns what makes the answer, once that is committed */
  async prepare({ client, request }: CheckedRequest, target: Target, session: Session, actor: Actor, manager: EntityManager): Promise<() => Promise<AuthorizationAnswer>> {
    const { user, sessionId } = session;
    const openid = target.scope.includes('openid') ? { openid: openIdGrant(request, session) } : {};
    if (request.responseType === 'code') {
      const { redirectUri, redirectUriSent, codeChallenge } = request;
      const challenge = codeChallenge === undefined ? {} : { codeChallenge };
      const code = await this.codes.begin({ client, user, sessionId, redirectUri, redirectUriSent, ...challenge, target, ...openid }, manager);
      return () => Promise.resolve(this.answer(request, { code }));
    }
    const family = await this.refreshTokens.begin(client, user, 'implicit', target, manager, { sessionId, refreshable: false, ...openid });
    return async () => {
      const access = { client, user, ...target, family, ...openid };
      const params = await this.implicit(request, access);
      this.audit.note(authorizationGranted('implicit', access, user, actor));
      return this.answer(request, params);
    };
  }

  /** RFC 6749 §4.2.2, OIDC Core §3.2.2.5. */
  private async implicit({ responseType }: AuthorizationRequest, access: GrantedAccess): Promise<Record<string, string>> {
    this.usage.note('implicit', access);
    const { client, user, openid, scope } = access;
    const token = responseType === 'id_token' ? undefined : await this.accessTokens.issue(access);
    if (token) this.metrics.tokenIssued('implicit', access);
    const contents = token ? { accessToken: token.access_token } : { scope };
    return {
      ...(token ? { access_token: token.access_token, token_type: token.token_type, expires_in: String(token.expires_in), ...(token.scope === undefined ? {} : { scope: token.scope }) } : {}),
      ...(responseType === 'token' ? {} : { id_token: await this.idTokens.issue({ client, userId: user!.userId, openid: openid!, ...contents }) }),
    };
  }

  private answer(target: AuthorizationRequest, params: Record<string, string>): AuthorizationAnswer {
    return { target, params: { ...params, ...(target.state === undefined ? {} : { state: target.state }), iss: this.config.issuer } };
  }
}

function openIdGrant({ nonce, claims }: AuthorizationRequest, { sessionId, authenticatedAtMs, amr }: Session): OpenIdGrant {
  return {
    sid: sessionId,
    auth_time: Math.floor(authenticatedAtMs / 1000),
    acr: PASSWORD_ACR,
    amr,
    ...(nonce === undefined ? {} : { nonce }),
    ...(claims === undefined ? {} : { claims }),
  };
}
