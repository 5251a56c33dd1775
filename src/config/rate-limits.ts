import type { RawSettings } from './settings.js';

/** Every limit on requests, by the name that its headers, metrics and audit events have. */
export const RATE_LIMIT_NAMES = ['token', 'introspection', 'inactive_tokens', 'client_failures', 'address_failures', 'account_logins', 'address_logins', 'authorization', 'authorization_storage', 'admin'] as const;
export type RateLimitName = (typeof RATE_LIMIT_NAMES)[number];

/** How much each limit lets through in its window; 0 = all. */
export type RateLimitQuotas = Readonly<Record<RateLimitName, number>>;

export function readRateLimits(raw: RawSettings): RateLimitQuotas {
  const quotas: RateLimitQuotas = {
    token: raw.rateLimitTokenPerMinute,
    introspection: raw.rateLimitIntrospectionPerMinute,
    inactive_tokens: raw.rateLimitInactiveTokensPerMinute,
    client_failures: raw.rateLimitClientFailuresPer5Minutes,
    address_failures: raw.rateLimitAddressFailuresPer5Minutes,
    account_logins: raw.rateLimitAccountLoginsPerMinute,
    address_logins: raw.rateLimitAddressLoginsPerMinute,
    authorization: raw.rateLimitAuthorizationPerMinute,
    authorization_storage: raw.rateLimitAuthorizationKibPerHour,
    admin: raw.rateLimitAdminPerMinute,
  };
  return Object.freeze(raw.rateLimitEnabled ? quotas : (Object.fromEntries(RATE_LIMIT_NAMES.map((name) => [name, 0])) as Record<RateLimitName, number>));
}
