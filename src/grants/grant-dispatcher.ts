import { Inject, Injectable } from '@nestjs/common';
import { type Actor, AuditLog } from '../audit/audit-log.js';
import type { Client } from '../clients/client.js';
import type { FormParams } from '../common/oauth/form-params.js';
import { invalidClient, invalidRequest, OAuthError } from '../common/oauth/oauth-error.js';
import { annotate, InSpan } from '../common/tracing/tracing.js';
import { AccessTokenIssuer } from '../tokens/access-token-issuer.js';
import type { GrantedAccess, TokenResponse } from '../tokens/granted-access.js';
import { authorizationGranted } from './authorization-granted.js';
import { GRANT_HANDLERS, type GrantHandler } from './grant-handler.js';
import { TokenMetrics } from './token-metrics.js';
import { GrantUsage } from './usage/grant-usage.js';

/** What the dispatcher does with the HTTP response before it is written: it is Express' own. */
export interface Reply {
  set(headers: Readonly<Record<string, string>>): unknown;
  once(event: 'finish', listener: () => void): unknown;
}

/** Finds the grant that a token request is for and sees it through. */
@Injectable()
export class GrantDispatcher {
  private readonly handlers: ReadonlyMap<string, GrantHandler>;

  constructor(
    @Inject(GRANT_HANDLERS) handlers: readonly GrantHandler[],
    private readonly issuer: AccessTokenIssuer,
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
   * @param reply is given the headers that the answer carries whatever it will be
   * @throws {OAuthError} by RFC 6749 §5.2
   */
  @InSpan('grant')
  async dispatch(client: Client, params: FormParams, actor: Actor, reply: Reply): Promise<TokenResponse> {
    if (params.grant_type === undefined) throw invalidRequest('The parameter grant_type is missing.');
    const handler = this.handlers.get(params.grant_type);
    if (!handler) throw new OAuthError('unsupported_grant_type', 'This server does not serve that grant type.');
    annotate('mintgate.grant_type', handler.grantType);
    if (handler.confidentialOnly && !client.confidential) throw invalidClient(false, 'public client');
    if (!client.grantTypes.has(handler.grantType)) throw new OAuthError('unauthorized_client', 'This client may not use that grant type.');
    if (handler.headers) reply.set(handler.headers(client));
    const decided = handler.authorize(client, handler.parse(params), actor);
    if (decided instanceof Promise) {
      const { access, response, onAnswered } = await decided;
      if (onAnswered) reply.once('finish', onAnswered);
      return this.note(handler.grantType, access, response, actor);
    }
    const issued = this.issuer.issue(decided);
    return this.note(handler.grantType, decided, issued instanceof Promise ? await issued : issued, actor);
  }

  private note(grantType: string, access: GrantedAccess, response: TokenResponse, actor: Actor): TokenResponse {
    this.usage.note(grantType, access);
    if (access.user && grantType !== 'refresh_token') this.audit.note(authorizationGranted(grantType, access, access.user, actor));
    this.metrics.tokenIssued(grantType, access);
    this.metrics.granted(grantType);
    return response;
  }
}
