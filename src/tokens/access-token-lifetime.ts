/** The longest lifetime that a client, a resource or the configuration can set. */
const MAX_ACCESS_TOKEN_LIFETIME_SECONDS = 86_400;

/**
 * No access token outlives its issue by more. A family issues none after its idle end, so it has no valid token once
 * this time has passed since then.
 */
export const MAX_ACCESS_TOKEN_LIFETIME_MS = MAX_ACCESS_TOKEN_LIFETIME_SECONDS * 1000;
