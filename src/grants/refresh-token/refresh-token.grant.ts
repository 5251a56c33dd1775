import { Injectable } from '@nestjs/common';
import type { Actor } from '../../audit/audit-log.js';
import type { Client } from '../../clients/client.js';
import type { FormParams } from '../../common/oauth/form-params.js';
import { invalidRequest } from '../../common/oauth/oauth-error.js';
import { RefreshTokens } from '../../tokens/refresh-tokens.js';
import { TokenIssuance } from '../../tokens/token-issuance.js';
import type { CommittedTokens, GrantHandler } from '../grant-handler.js';
import { GrantedTarget } from '../granted-target.js';
import { parseRequestedScope } from '../requested-scope.js';

interface RefreshTokenRequest {
  readonly refreshToken: string;
  readonly scope: readonly string[] | undefined;
  readonly resource: readonly string[] | undefined;
}

/**
 * Refreshing an access token, RFC 6749 §6. The refresh token is used up only when every check has passed and the tokens
 * are made.
 */
@Injectable()
export class RefreshTokenGrant implements GrantHandler<RefreshTokenRequest> {
  readonly grantType = 'refresh_token';
  readonly confidentialOnly = false;

  constructor(
    private readonly refreshTokens: RefreshTokens,
    private readonly targets: GrantedTarget,
    private readonly issuance: TokenIssuance,
  ) {}

  parse({ refresh_token: refreshToken, scope, resource }: FormParams): RefreshTokenRequest {
    if (refreshToken === undefined) throw invalidRequest('The parameter refresh_token is missing.');
    return { refreshToken, scope: parseRequestedScope(scope), resource };
  }

  authorize(client: Client, request: RefreshTokenRequest, actor: Actor): Promise<CommittedTokens> {
    const { refreshToken, scope, resource } = request;
    return this.refreshTokens.use(refreshToken, client, actor, (family, user) => {
      const target = this.targets.resolve(client, user, family, scope, resource);
      const openid = family.openid && target.scope.includes('openid') ? { openid: family.openid } : {};
      return this.issuance.prepare({ client, user, ...target, ...openid, family: { familyId: family.familyId } });
    });
  }
}
