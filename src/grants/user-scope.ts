import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { OAuthError } from '../common/oauth/oauth-error.js';
import { USER_SCOPES } from '../common/oauth/scope.js';
import { AllowedScope } from '../tokens/allowed-scope.js';
import type { User } from '../users/user.js';

/** Which scopes make sense where a client signs a user in by itself: all but those of an ID token, which speaks of a sign-in at our pages. */
export const isUsableForUsers = (scope: string): boolean => scope === 'offline_access' || !USER_SCOPES.has(scope);

/** Whether a refresh token comes with a scope that a user granted in a browser. A client of OpenID Connect asks for it by `offline_access` (OIDC Core §11). */
export function givesRefreshToken(client: Client, scope: readonly string[]): boolean {
  return client.grantTypes.has('refresh_token') && (!scope.includes('openid') || scope.includes('offline_access'));
}

/** What of a scope a user may hand on to a client. */
@Injectable()
export class UserScope {
  constructor(private readonly allowedScope: AllowedScope) {}

  /**
   * What the client may have, and her roles allow. The client is told what it got (RFC 6749 §3.3).
   * @throws {OAuthError} `invalid_scope` when that is nothing of what was asked for
   */
  allowed(client: Client, user: User, requested: readonly string[]): readonly string[] {
    const allowed = this.allowedScope.of(client, user, requested);
    if (allowed.length === 0 && requested.length > 0) throw new OAuthError('invalid_scope', 'The user may have nothing of the scope.');
    return allowed;
  }
}
