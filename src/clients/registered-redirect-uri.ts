import type { Client } from './client.js';

/**
 * A loopback literal with or without a port, and the rest, which never varies (RFC 8252 §7.3). The URL parser decides
 * whether the number is a port.
 */
const LOOPBACK = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(?::\d{1,5})?(?=[/?]|$)(.*)$/;

/**
 * Checks whether answers for the client may go there: byte by byte (RFC 9700 §2.1), on a loopback address with any port.
 */
export function isRegistered({ redirectUris }: Client, given: string): boolean {
  return redirectUris.some((registered) => matches(registered, given));
}

function matches(registered: string, given: string): boolean {
  if (registered === given) return true;
  const [, host, rest] = LOOPBACK.exec(registered) ?? [];
  const [, givenHost, givenRest] = LOOPBACK.exec(given) ?? [];
  return host !== undefined && host === givenHost && rest === givenRest && URL.canParse(given);
}
