import { Injectable } from '@nestjs/common';
import type { Client } from '../../clients/client.js';
import type { FormParams } from '../../common/oauth/form-params.js';
import { USER_SCOPES } from '../../common/oauth/scope.js';
import type { GrantedAccess } from '../../tokens/granted-access.js';
import { TargetResolver } from '../../tokens/target-resolver.js';
import type { GrantHandler } from '../grant-handler.js';
import { parseRequestedScope, scopeFor } from '../requested-scope.js';

interface ClientCredentialsRequest {
  readonly scope: readonly string[] | undefined;
  readonly resource: readonly string[] | undefined;
}

/** Client credentials, RFC 6749 §4.4: a client acts for itself, with its own scope. No refresh token (§4.4.3), and nothing that speaks of a user. */
@Injectable()
export class ClientCredentialsGrant implements GrantHandler<ClientCredentialsRequest> {
  readonly grantType = 'client_credentials';
  readonly confidentialOnly = true;

  constructor(private readonly targets: TargetResolver) {}

  parse(params: FormParams): ClientCredentialsRequest {
    return { scope: parseRequestedScope(params.scope), resource: params.resource };
  }

  authorize(client: Client, { scope, resource }: ClientCredentialsRequest): GrantedAccess {
    const granted = scopeFor(client, scope, (token) => !USER_SCOPES.has(token));
    return { client, ...this.targets.resolve(client, granted, scope !== undefined, resource) };
  }
}
