import { Injectable } from '@nestjs/common';
import type { Client } from '../../clients/client.js';
import type { OpenIdGrant } from '../../tokens/openid-grant.js';
import { NewTokenFamilies } from '../../tokens/new-token-families.js';
import type { Target } from '../../tokens/target-resolver.js';
import type { TokenFamilyEntity } from '../../tokens/token-family.entity.js';
import { type PreparedTokens, TokenIssuance } from '../../tokens/token-issuance.js';
import type { User } from '../../users/user.js';
import { UserDirectory } from '../../users/user-directory.js';
import { GrantedTarget } from '../granted-target.js';
import { givesRefreshToken } from '../user-scope.js';
import type { AuthorizationCodeEntity } from './authorization-code.entity.js';
import { refusedCode } from './refused-code.js';

export interface AuthorizationCodeRequest {
  readonly code: string;
  readonly redirectUri: string | undefined;
  readonly codeVerifier: string | undefined;
  readonly resource: readonly string[] | undefined;
}

/** Makes the tokens that a code gives, before the code is used up. */
@Injectable()
export class CodeTokens {
  constructor(
    private readonly users: UserDirectory,
    private readonly targets: GrantedTarget,
    private readonly families: NewTokenFamilies,
    private readonly issuance: TokenIssuance,
  ) {}

  /** @throws {OAuthError} `invalid_grant`, `invalid_scope`, `invalid_target` */
  async prepare(
    client: Client,
    code: AuthorizationCodeEntity,
    request: AuthorizationCodeRequest,
  ): Promise<PreparedTokens> {
    const { user, target } = await this.decide(client, code, request);
    const { familyId, sessionId, scope, audience, openid } = code;
    const granted = { ...target, scope: scope.split(' ').filter(Boolean), audience };
    const beginning = {
      familyId,
      sessionId,
      code: request.code,
      refreshable: givesRefreshToken(client, granted.scope),
      ...(openid ? { openid: withoutNonce(openid) } : {}),
    };
    const family = this.families.prepare(client, user, 'authorization_code', granted, beginning);
    return this.issuance.prepare({ client, user, ...target, ...openidOf(code), family: family.granted }, family.row);
  }

  /**
   * Makes tokens of the family that the code gave before, with the same refresh token.
   * @throws {OAuthError} as {@link prepare}
   */
  async prepareAgain(
    client: Client,
    code: AuthorizationCodeEntity,
    request: AuthorizationCodeRequest,
    family: TokenFamilyEntity,
  ): Promise<PreparedTokens> {
    const { user, target } = await this.decide(client, code, request);
    const refreshable = family.expiresAt > family.issuedAt;
    const refreshToken = refreshable ? { refreshToken: this.families.firstOf(request.code, family) } : {};
    const granted = { familyId: family.familyId, ...refreshToken };
    return this.issuance.prepare({ client, user, ...target, ...openidOf(code), family: granted });
  }

  private async decide(
    client: Client,
    code: AuthorizationCodeEntity,
    { resource }: AuthorizationCodeRequest,
  ): Promise<{ user: User; target: Target }> {
    const user = await this.users.findOfGeneration(code.userId, code.userGeneration);
    if (!user) throw refusedCode('what it was issued for has ended');
    return { user, target: this.targets.resolve(client, user, code, undefined, resource) };
  }
}

const openidOf = ({ openid }: AuthorizationCodeEntity) => (openid ? { openid } : {});

/** The nonce is for the first ID token alone (OIDC Core §12.2). */
function withoutNonce(openid: OpenIdGrant): OpenIdGrant {
  const { nonce, ...rest } = openid;
  return nonce === undefined ? openid : rest;
}
