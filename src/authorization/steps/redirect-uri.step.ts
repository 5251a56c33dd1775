import type { Client } from '../../clients/client.js';
import { isRegistered } from '../../clients/registered-redirect-uri.js';
import { invalidRequest } from '../../common/oauth/oauth-error.js';
import type { AuthorizationForm } from '../../common/oauth/form-params.js';

/**
 * Finds the redirect URI: one that is registered, byte by byte (RFC 9700 §2.1); on a loopback address with any port. Nothing is sent to it before this has passed.
 * @throws {OAuthError} `invalid_request`, for a page
 */
export function redirectUriOf(client: Client, { params, repeated }: AuthorizationForm): { redirectUri: string; redirectUriSent: boolean } {
  if (repeated.has('redirect_uri')) throw invalidRequest('The parameter redirect_uri is repeated.');
  const given = params.redirect_uri;
  if (given !== undefined) {
    if (!isRegistered(client, given)) throw invalidRequest('The redirect_uri is not one that the client has registered.');
    return { redirectUri: given, redirectUriSent: true };
  }
  // OIDC Core §3.1.2.1 requires it; RFC 6749 §3.1.2.3 does when several are registered.
  const only = client.redirectUris.length === 1 ? client.redirectUris[0] : undefined;
  if (only === undefined || params.scope?.split(' ').includes('openid')) throw invalidRequest('The parameter redirect_uri is missing.');
  return { redirectUri: only, redirectUriSent: false };
}
