import { isLoopbackHost } from '../oauth/redirect-uri.js';

/**
 * Whether the configuration allows requests to the host and port of a URL wherever they are, over http too.
 * @param allowedHosts `host`, for any of its ports, or `host:port`, as the URL parser writes them
 */
export function isAllowedHost(url: URL, allowedHosts: readonly string[]): boolean {
  const port = url.port || (url.protocol === 'http:' ? '80' : '443');
  return allowedHosts.includes(url.hostname) || allowedHosts.includes(`${url.hostname}:${port}`);
}

/**
 * What is wrong with a URI that a client wants registered for this server to send requests to, or `undefined` when nothing is. Whether there is a way to it
 * inside the rules is seen when a request is sent: names change their addresses.
 */
export function outboundUriProblem(uri: string, allowedHosts: readonly string[]): string | undefined {
  if (uri.length > 2000) return 'is longer than 2000 characters';
  if (!/^[\x21-\x7e]+$/.test(uri)) return 'may hold visible ASCII characters only';
  if (uri.includes('#')) return 'may not have a fragment';
  if (!URL.canParse(uri)) return 'is not an absolute URI';
  const url = new URL(uri);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must use https';
  if (url.username || url.password || /^[a-z]+:\/\/[^/?]*@/i.test(uri)) return 'may not hold user information';
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname) && !isAllowedHost(url, allowedHosts)) return 'may use http only for 127.0.0.1, [::1] and hosts in OUTBOUND_ALLOWED_HOSTS';
  return url.href === uri || url.href === `${uri}/` ? undefined : `is not in its normal form, ${url.href}`;
}
