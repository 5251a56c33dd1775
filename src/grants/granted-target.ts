import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { OAuthError } from '../common/oauth/oauth-error.js';
import { parseScope } from '../common/oauth/scope.js';
import { Config } from '../config/config.js';
import { type Target, TargetResolver } from '../tokens/target-resolver.js';
import type { User } from '../users/user.js';
import { UserScope } from './user-scope.js';

/** Decides what a token that follows from an earlier decision of a user is for. */
@Injectable()
export class GrantedTarget {
  constructor(
    private readonly config: Config,
    private readonly userScope: UserScope,
    private readonly targets: TargetResolver,
  ) {}

  /**
   * Nothing beyond what was granted, scope and audience; and of that, what client and user may still have. Less in one
   * request is not less in the next.
   * @throws {OAuthError} `invalid_scope`, `invalid_target` (RFC 6749 §6, RFC 8707 §2.2)
   */
  resolve(client: Client, user: User, granted: { scope: string; audience: readonly string[] }, scope: readonly string[] | undefined, resource: readonly string[] | undefined): Target {
    const original = parseScope(granted.scope) ?? [];
    if (scope?.some((token) => !original.includes(token))) throw new OAuthError('invalid_scope', 'The scope holds what was not granted.');
    if (resource?.some((identifier) => !granted.audience.includes(identifier))) throw new OAuthError('invalid_target', 'The resource is not one that the token was granted for.');
    const allowed = this.userScope.allowed(client, user, scope ?? original);
    // The issuer stands for no resource, or beside others for the userinfo endpoint.
    const resources = granted.audience.filter((identifier) => identifier !== this.config.issuer);
    // An API that was registered since is not what the user granted, though it owns the scope (RFC 8707 §2.2).
    if (resource === undefined && resources.length === 0) return this.targets.ofIssuer(client, allowed);
    return this.targets.resolve(client, allowed, scope !== undefined, resource ?? resources);
  }
}
