/** A scope token by RFC 6749 §3.3: one or more of %x21 / %x23-5B / %x5D-7E. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Scopes that speak of a user (OIDC Core §5.4, §11): a client that acts for itself cannot have them. */
export const USER_SCOPES: ReadonlySet<string> = new Set(['openid', 'profile', 'email', 'address', 'phone', 'offline_access']);

export const isScopeToken = (text: string): boolean => SCOPE_TOKEN.test(text);

/**
 * The tokens of a scope string, in its order, each once; `undefined` when it breaks the grammar of RFC 6749 §3.3 (single spaces between
 * tokens, none around). The empty string is the empty scope.
 */
export function parseScope(text: string): string[] | undefined {
  if (text === '') return [];
  const tokens = text.split(' ');
  if (!tokens.every(isScopeToken)) return undefined;
  return tokens.length === 1 ? tokens : [...new Set(tokens)];
}

export const formatScope = (tokens: readonly string[]): string => tokens.join(' ');
