import type { Client } from '../clients/client.js';
import { OAuthError } from '../common/oauth/oauth-error.js';
import { parseScope } from '../common/oauth/scope.js';

/** @throws {OAuthError} `invalid_scope` when the grammar of RFC 6749 §3.3 is broken */
export function parseRequestedScope(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const scope = parseScope(text);
  if (!scope) throw new OAuthError('invalid_scope', 'The scope is malformed.');
  return scope;
}

/**
 * What of the client's scope a request is for: what it asks for, all of which the client must have, or the client's default.
 * @param usable which scopes make sense in this grant
 * @throws {OAuthError} `invalid_scope`
 */
export function scopeFor(client: Client, requested: readonly string[] | undefined, usable: (scope: string) => boolean): readonly string[] {
  if (requested === undefined) return client.defaultScope.filter(usable);
  if (!requested.every((scope) => client.scope.has(scope) && usable(scope))) throw new OAuthError('invalid_scope', 'The scope holds what is unknown or not allowed for this client.');
  return requested;
}
