import { Injectable } from '@nestjs/common';
import type { Actor } from '../../audit/audit-log.js';
import type { Client } from '../../clients/client.js';
import type { FormParams } from '../../common/oauth/form-params.js';
import { invalidRequest } from '../../common/oauth/oauth-error.js';
import type { GrantedAccess } from '../../tokens/granted-access.js';
import { RefreshTokens } from '../../tokens/refresh-tokens.js';
import type { GrantHandler } from '../grant-handler.js';
import { GrantedTarget } from '../granted-target.js';
import { parseRequestedScope } from '../requested-scope.js';

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
    private readonly refreshTokens: RefreshTokens,
    private readonly targets: GrantedTarget,
  ) {}

  parse({ refresh_token: refreshToken, scope, resource }: FormParams): RefreshTokenRequest {
    if (refreshToken === undefined) throw invalidRequest('The parameter refresh_token is missing.');
    return { refreshToken, scope: parseRequestedScope(scope), resource };
  }

  async authorize(client: Client, { refreshToken, scope, resource }: RefreshTokenRequest, actor: Actor): Promise<GrantedAccess> {
    const { family, user, decision: target, granted } = await this.refreshTokens.use(refreshToken, client, actor, (of, owner) => this.targets.resolve(client, owner, of, scope, resource));
    const openid = family.openid && target.scope.includes('openid') ? { openid: family.openid } : {};
    return { client, user, ...target, ...openid, family: granted };
  }
}
