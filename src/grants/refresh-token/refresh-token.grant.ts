import { Injectable } from '@nestjs/common';
import type { Actor } from '../../audit/audit-log.js';
import type { Client } from '../../clients/client.js';
import type { FormParams } from '../../common/oauth/form-params.js';
import { invalidRequest, OAuthError } from '../../common/oauth/oauth-error.js';
import { parseScope } from '../../common/oauth/scope.js';
import { Config } from '../../config/config.js';
import type { GrantedAccess } from '../../tokens/granted-access.js';
import { RefreshTokens } from '../../tokens/refresh-tokens.js';
import { type Target, TargetResolver } from '../../tokens/target-resolver.js';
import type { TokenFamilyEntity } from '../../tokens/token-family.entity.js';
import type { User } from '../../users/user.js';
import type { GrantHandler } from '../grant-handler.js';
import { parseRequestedScope } from '../requested-scope.js';
import { UserScope } from '../user-scope.js';

interface RefreshTokenRequest {
  readonly refreshToken: string;
  readonly scope: readonly string[] | undefined;
  readonly resource: readonly string[] | undefined;
}

/** Refreshing an access token, RFC 6749 §6. The refresh token is used up only when every check has passed. */
@Injectable()
export class RefreshTokenGrant implements GrantHandler<RefreshTokenRequest> {
  readonly grantType = 'refresh_token';
  readonly confidentialOnly = false;

  constructor(
    private readonly config: Config,
    private readonly refreshTokens: RefreshTokens,
    private readonly userScope: UserScope,
    private readonly targets: TargetResolver,
  ) {}

  parse({ refresh_token: refreshToken, scope, resource }: FormParams): RefreshTokenRequest {
    if (refreshToken === undefined) throw invalidRequest('The parameter refresh_token is missing.');
    return { refreshToken, scope: parseRequestedScope(scope), resource };
  }

  async authorize(client: Client, { refreshToken, scope, resource }: RefreshTokenRequest, actor: Actor): Promise<GrantedAccess> {
    const { family, user } = await this.refreshTokens.present(refreshToken, client, actor);
    const target = this.target(client, user, family, scope, resource);
    return { client, user, ...target, family: await this.refreshTokens.advance(family, refreshToken, client, actor) };
  }

  /** Nothing beyond the original grant; and of that, what client and user may still have. Less in one request is not less in the next. */
  private target(client: Client, user: User, family: TokenFamilyEntity, scope: readonly string[] | undefined, resource: readonly string[] | undefined): Target {
    const original = parseScope(family.scope) ?? [];
    if (scope?.some((token) => !original.includes(token))) throw new OAuthError('invalid_scope', 'The scope holds what was not granted.');
    if (resource?.some((identifier) => !family.audience.includes(identifier))) throw new OAuthError('invalid_target', 'The resource is not one that the token was granted for.');
    const granted = this.userScope.allowed(client, user, scope ?? original);
    const ofNoResource = family.audience.includes(this.config.issuer);
    return this.targets.resolve(client, granted, scope !== undefined, resource ?? (ofNoResource ? undefined : family.audience));
  }
}
