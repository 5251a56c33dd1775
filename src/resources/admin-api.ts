/** One scope for each right in the admin API. */
export const ADMIN_SCOPES = {
  'clients:read': 'See clients and the metadata of their secrets',
  'clients:write': 'Register, change and delete clients and their secrets',
  'users:read': 'See users',
  'users:write': 'Create, change and delete users',
  'resources:read': 'See protected resources',
  'resources:write': 'Register, change and delete protected resources',
  'keys:read': 'See signing keys',
  'keys:write': 'Rotate and delete signing keys',
  'tokens:revoke': 'Revoke everything that a client or a user holds',
  'audit:read': 'Read the audit log',
} as const;

export type AdminScope = keyof typeof ADMIN_SCOPES;

/**
 * No token for the admin API lives longer, whatever its client's `access_token_lifetime` says: a client that may change
 * clients could set its own.
 */
export const ADMIN_TOKEN_LIFETIME_SECONDS = 15 * 60;

/** The admin API is a protected resource like any other: this is the audience of its tokens. */
export const adminAudience = (issuer: string): string => `${issuer}/admin`;

export const isAdminScope = (scope: string): scope is AdminScope => Object.hasOwn(ADMIN_SCOPES, scope);

/** Returns the rights in the admin API that a scope holds. */
export const adminScopesIn = (scope: string): AdminScope[] => scope.split(' ').filter(isAdminScope);
