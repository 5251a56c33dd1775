import { isIP } from 'node:net';
import { isPublicAddress } from './public-address.js';

/**
 * Whether the configuration allows requests to the host and port of a URL wherever they are, over http too.
 * @param allowedHosts `host`, for any of its ports, or `host:port`, as the URL parser writes them
 */
export function isAllowedHost(url: URL, allowedHosts: readonly string[]): boolean {
  const port = url.port || (url.protocol === 'http:' ? '80' : '443');
  return allowedHosts.includes(url.hostname) || allowedHosts.includes(`${url.hostname}:${port}`);
}

/**
 * Says why `OutboundClient` would never send a request to a URL, or returns `undefined`: its rules, as far as they can
 * be applied before a name is resolved. Names change their addresses, so the rest is checked when a request is sent.
 */
function outboundRefusal(url: URL, allowedHosts: readonly string[]): string | undefined {
  if (isAllowedHost(url, allowedHosts)) return undefined;
  if (url.protocol !== 'https:') return 'must use https, other than for hosts in OUTBOUND_ALLOWED_HOSTS';
  if (url.port !== '') return 'must use port 443, other than for hosts in OUTBOUND_ALLOWED_HOSTS';
  if (isLocalName(url.hostname)) return `names ${url.hostname}, which is not in OUTBOUND_ALLOWED_HOSTS`;
  const address = addressOf(url);
  return address === undefined || isPublicAddress(address) ? undefined : `names ${address}, which is no public address and not in OUTBOUND_ALLOWED_HOSTS`;
}

/** The IP address that stands for the host of a URL, if one does: the parser has turned every spelling (0x7f.1, 2130706433) into the usual one. */
export function addressOf({ hostname }: URL): string | undefined {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(host) === 0 ? undefined : host;
}

/** RFC 6761 section 6.3: such names are loopback addresses, wherever they are asked for. */
const isLocalName = (hostname: string): boolean => /(?:^|\.)localhost\.?$/.test(hostname);

/** Says what is wrong with a URI that a client wants registered for this server to send requests to, or returns `undefined`. */
export function outboundUriProblem(uri: string, allowedHosts: readonly string[]): string | undefined {
  if (uri.length > 2000) return 'is longer than 2000 characters';
  if (!/^[\x21-\x7e]+$/.test(uri)) return 'may hold visible ASCII characters only';
  if (uri.includes('#')) return 'may not have a fragment';
  if (!URL.canParse(uri)) return 'is not an absolute URI';
  const url = new URL(uri);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must use https';
  if (url.username || url.password || /^[a-z]+:\/\/[^/?]*@/i.test(uri)) return 'may not hold user information';
  return outboundRefusal(url, allowedHosts) ?? (url.href === uri || url.href === `${uri}/` ? undefined : `is not in its normal form, ${url.href}`);
}
