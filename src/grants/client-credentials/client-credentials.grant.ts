import { Injectable } from '@nestjs/common';
import type { Client } from '../../clients/client.js';
import type { FormParams } from '../../common/oauth/form-params.js';
import { USER_SCOPES } from '../../common/oauth/scope.js';
import { ResourceDirectory } from '../../resources/resource-directory.js';
import type { GrantedAccess } from '../../tokens/granted-access.js';
import { TargetResolver } from '../../tokens/target-resolver.js';
import type { GrantHandler } from '../grant-handler.js';
import { parseRequestedScope, scopeFor } from '../requested-scope.js';

interface ClientCredentialsRequest {
  /** As it was asked for. */
  readonly scope: string | undefined;
  readonly resource: readonly string[] | undefined;
}

/** A client asks for the same few scopes again and again; one that does not is not remembered for more. */
const MAX_REMEMBERED = 8;

interface Remembered {
  /** Of the resources. */
  readonly revision: number;
  /** By the text of the requested scope; empty for none. */
  readonly byScope: Map<string, GrantedAccess>;
}

/**
 * Client credentials, RFC 6749 §4.4: a client acts for itself, with its own scope. No refresh token (§4.4.3), and nothing that speaks of a user.
 * What it comes to is the same for every request with the same scope until the client or a resource changes, and is remembered so long.
 */
@Injectable()
export class ClientCredentialsGrant implements GrantHandler<ClientCredentialsRequest> {
  readonly grantType = 'client_credentials';
  readonly confidentialOnly = true;

  private readonly remembered = new WeakMap<Client, Remembered>();

  constructor(
    private readonly targets: TargetResolver,
    private readonly resources: ResourceDirectory,
  ) {}

  parse({ scope, resource }: FormParams): ClientCredentialsRequest {
    return { scope, resource };
  }

  authorize(client: Client, { scope, resource }: ClientCredentialsRequest): GrantedAccess {
    if (resource !== undefined) return this.decide(client, scope, resource);
    const { byScope } = this.rememberedOf(client);
    const key = scope ?? '';
    let access = byScope.get(key);
    if (!access) {
      access = this.decide(client, scope, undefined);
      if (byScope.size < MAX_REMEMBERED) byScope.set(key, access);
    }
    return access;
  }

  private decide(client: Client, requested: string | undefined, resource: readonly string[] | undefined): GrantedAccess {
    const granted = scopeFor(client, parseRequestedScope(requested), (token) => !USER_SCOPES.has(token));
    return { client, ...this.targets.resolve(client, granted, requested !== undefined, resource), reuseSeconds: client.accessTokenReuseSeconds };
  }

  private rememberedOf(client: Client): Remembered {
    let remembered = this.remembered.get(client);
    if (remembered?.revision !== this.resources.revision) this.remembered.set(client, (remembered = { revision: this.resources.revision, byScope: new Map() }));
    return remembered;
  }
}
