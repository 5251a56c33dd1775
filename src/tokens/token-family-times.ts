import type { Client } from '../clients/client.js';

const DAY_MS = 86_400_000;

/**
 * The longest lifetime that a client, a resource or the configuration can set: no access token outlives its issue by
 * more.
 */
export const MAX_ACCESS_TOKEN_LIFETIME_MS = DAY_MS;

/**
 * Returns the idle end of a family whose tokens are issued now, and when its row may go. A family issues no access
 * token after its idle end, so none of its tokens is valid once the longest lifetime has passed since then.
 * @param expiresAt the absolute end, which no refresh moves
 * @param neededUntil until when the row tells to which clients the user of a session signed in
 */
export function familyTimes(client: Client, nowMs: number, expiresAt: number, neededUntil = 0) {
  const idleExpiresAt = Math.min(nowMs + client.refreshTokenIdleLifetimeSeconds * 1000, expiresAt);
  const keptUntil = Math.max(idleExpiresAt + MAX_ACCESS_TOKEN_LIFETIME_MS, neededUntil);
  // In whole days, so that a refresh seldom writes the index of this column.
  return { idleExpiresAt, purgeAfter: Math.ceil(keptUntil / DAY_MS) * DAY_MS };
}
