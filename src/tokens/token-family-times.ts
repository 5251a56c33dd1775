import type { Client } from '../clients/client.js';

const DAY_MS = 86_400_000;

/**
 * The longest lifetime that a client, a resource or the configuration can set: no access token outlives its issue by
 * more.
 */
export const MAX_ACCESS_TOKEN_LIFETIME_MS = DAY_MS;

/**
 * How much later than its row says a token of a family without refresh tokens may end: its code can be redeemed again for
 * five minutes when the answer was lost, and clocks of instances differ.
 */
export const ACCESS_TOKEN_MARGIN_MS = 10 * 60_000;

/**
 * Returns the idle end of a family whose tokens are issued now, and when its row may go. A family issues no access
 * token after its idle end, so none of its tokens is valid once the longest lifetime has passed since then.
 * @param expiresAt the absolute end, which no refresh moves
 */
export function familyTimes(client: Client, nowMs: number, expiresAt: number) {
  return endingAt(Math.min(nowMs + client.refreshTokenIdleLifetimeSeconds * 1000, expiresAt));
}

/** As {@link familyTimes}, of a family without refresh tokens: it ends with its access token. */
export function timesWithoutRefresh(client: Client, nowMs: number) {
  return endingAt(nowMs + client.accessTokenLifetimeSeconds * 1000);
}

function endingAt(idleExpiresAt: number) {
  const keptUntil = idleExpiresAt + MAX_ACCESS_TOKEN_LIFETIME_MS;
  // In whole days, so that a refresh seldom writes the index of this column.
  return { idleExpiresAt, purgeAfter: Math.ceil(keptUntil / DAY_MS) * DAY_MS };
}
