import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FormRequest } from '../../common/http/form-body.guard.js';
import { requestOf, responseOf } from '../../common/http/http-context.js';
import { isRepeated } from '../../common/http/repeated-header.js';
import { invalidClient, invalidRequest } from '../../common/oauth/oauth-error.js';
import { annotate, InSpan } from '../../common/tracing/tracing.js';
import type { Client } from '../client.js';
import type { TokenEndpointAuthMethod } from '../client-metadata.js';
import { confineToOriginsOf } from '../cross-origin/cross-origin.guard.js';
import { ClientAuthenticationMetrics } from './client-authentication-metrics.js';
import { ClientFailures } from './client-failures.js';
import { ClientSecretBasicStrategy } from './client-secret-basic.strategy.js';
import { ClientSecretPostStrategy } from './client-secret-post.strategy.js';
import { type Authenticate, authenticateBy } from './passport-attempt.js';
import { PublicClientStrategy } from './public-client.strategy.js';

interface ClientRequest extends FormRequest {
  client?: Client;
}

/**
 * Authenticates the client of an OAuth request. It finds the one method that the request uses (RFC 6749 §2.3: a client MUST NOT use more than one)
 * and runs that one Passport strategy. A claimed attempt never falls through to another strategy, as Passport's list of strategies would let it, and nothing is built per request
 * but the object on which the strategy reports ({@link authenticateBy}).
 */
@Injectable()
export class ClientAuthGuard implements CanActivate {
  private readonly strategies: Readonly<Record<TokenEndpointAuthMethod, Authenticate>>;

  constructor(
    basic: ClientSecretBasicStrategy,
    post: ClientSecretPostStrategy,
    none: PublicClientStrategy,
    private readonly failures: ClientFailures,
    private readonly metrics: ClientAuthenticationMetrics,
  ) {
    this.strategies = { client_secret_basic: authenticateBy(basic), client_secret_post: authenticateBy(post), none: authenticateBy(none) };
  }

  @InSpan('client authentication')
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const req = requestOf<ClientRequest>(context);
    const method = methodOf(req);
    annotate('mintgate.client_authentication.method', method);
    this.failures.check(req, method);
    const result = await this.strategies[method](req);
    this.metrics.count(method, result);
    const challenge = method === 'client_secret_basic';
    if ('refusal' in result) {
      this.failures.note(req, method, result);
      throw invalidClient(challenge, result.refusal);
    }
    confineToOriginsOf(result.client, req, responseOf(context));
    const claimed = req.body.client_id;
    if (claimed !== undefined && claimed !== result.client.clientId) throw invalidRequest('client_id differs from the authenticated client.');
    req.client = result.client;
    annotate('mintgate.client_id', result.client.clientId);
    return true;
  }
}

/** As {@link ClientAuthGuard}, for endpoints that only a client with credentials may call (RFC 7662 §2.1). */
@Injectable()
export class ConfidentialClientAuthGuard extends ClientAuthGuard {
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    await super.canActivate(context);
    if (!requestOf<ClientRequest>(context).client!.confidential) throw invalidClient(false, 'public client');
    return true;
  }
}

/** The client that a {@link ClientAuthGuard} authenticated. */
export const AuthenticatedClient = createParamDecorator((_: unknown, context: ExecutionContext): Client => requestOf<ClientRequest>(context).client!);

function methodOf(req: ClientRequest): TokenEndpointAuthMethod {
  const { body } = req;
  const authorization = req.headers.authorization;
  if (authorization !== undefined && isRepeated(req.rawHeaders, 'authorization')) throw invalidRequest('The Authorization header is repeated.');
  if (body.client_assertion !== undefined || body.client_assertion_type !== undefined) {
    if (authorization !== undefined || body.client_secret !== undefined) throw invalidRequest('More than one method of client authentication is used.');
    throw invalidClient(false, 'client assertions are not accepted');
  }
  if (authorization !== undefined) {
    if (body.client_secret !== undefined) throw invalidRequest('More than one method of client authentication is used.');
    return 'client_secret_basic';
  }
  if (body.client_id === undefined) throw invalidClient(true, 'no client authentication');
  return body.client_secret === undefined ? 'none' : 'client_secret_post';
}
