import { Inject, Injectable } from '@nestjs/common';
import { type Actor, AuditLog } from '../audit/audit-log.js';
import type { Client } from '../clients/client.js';
import type { FormParams } from '../common/oauth/form-params.js';
import { invalidClient, invalidRequest, OAuthError } from '../common/oauth/oauth-error.js';
import { annotate, InSpan } from '../common/tracing/tracing.js';
import { AccessTokenIssuer } from '../tokens/access-token-issuer.js';
import type { TokenResponse } from '../tokens/granted-access.js';
import { IdTokenIssuer } from '../tokens/id-token-issuer.js';
import { authorizationGranted } from './authorization-granted.js';
import { GRANT_HANDLERS, type GrantHandler } from './grant-handler.js';
import { TokenMetrics } from './token-metrics.js';
import { GrantUsage } from './usage/grant-usage.js';

/** Finds the grant that a token request is for and sees it through. */
@Injectable()
export class GrantDispatcher {
  private readonly handlers: ReadonlyMap<string, GrantHandler>;

  constructor(
    @Inject(GRANT_HANDLERS) handlers: readonly GrantHandler[],
    private readonly issuer: AccessTokenIssuer,
    private readonly idTokens: IdTokenIssuer,
    private readonly usage: GrantUsage,
    private readonly metrics: TokenMetrics,
    private readonly audit: AuditLog,
  ) {
    this.handlers = new Map(handlers.map((handler) => [handler.grantType, handler]));
  }

  /** Every grant type that the token endpoint serves. */
  get grantTypes(): string[] {
    return [...this.handlers.keys()];
  }

  /**
   * @param announce is given the headers that the answer carries whatever it will be
   * @throws {OAuthError} by RFC 6749 §5.2
   */
  @InSpan('grant')
  async dispatch(client: Client, params: FormParams, actor: Actor, announce: (headers: Readonly<Record<string, string>>) => void): Promise<TokenResponse> {
    if (params.grant_type === undefined) throw invalidRequest('The parameter grant_type is missing.');
    const handler = this.handlers.get(params.grant_type);
    if (!handler) throw new OAuthError('unsupported_grant_type', 'This server does not serve that grant type.');
    annotate('mintgate.grant_type', handler.grantType);
    if (handler.confidentialOnly && !client.confidential) throw invalidClient(false, 'public client');
    if (!client.grantTypes.has(handler.grantType)) throw new OAuthError('unauthorized_client', 'This client may not use that grant type.');
    if (handler.headers) announce(handler.headers(client));
    const decision = handler.authorize(client, handler.parse(params), actor);
    const access = decision instanceof Promise ? await decision : decision;
    const issued = this.issuer.issue(access);
    const response = issued instanceof Promise ? await issued : issued;
    if (access.openid) response.id_token = await this.idTokens.issue({ client, userId: access.user!.userId, openid: access.openid, accessToken: response.access_token });
    this.usage.note(handler.grantType, access);
    if (access.user && handler.grantType !== 'refresh_token') this.audit.note(authorizationGranted(handler.grantType, access, access.user, actor));
    this.metrics.tokenIssued(handler.grantType, access);
    this.metrics.granted(handler.grantType);
    return response;
  }
}
