/** Hosts for which plain http is allowed: the loopback literals of RFC 8252 §7.3. */
const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]']);

/** Schemes that run or read something where they are opened, so that a redirect to one is an attack. */
const FORBIDDEN_SCHEMES: ReadonlySet<string> = new Set([
  'javascript:', 'data:', 'vbscript:', 'file:', 'blob:', 'about:', 'filesystem:', 'view-source:', 'ws:', 'wss:', 'ftp:', 'mailto:',
]);

export const isLoopbackHost = (host: string): boolean => LOOPBACK_HOSTS.has(host);

/**
 * What is wrong with a URI that a client wants registered, or `undefined` when nothing is: RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1.
 * URIs are compared byte by byte later, so one that a parser would rewrite (dots, a backslash, upper case in the host) is refused here.
 */
export function redirectUriProblem(uri: string): string | undefined {
  if (uri.length > 2000) return 'is longer than 2000 characters';
  if (!/^[\x21-\x7e]+$/.test(uri)) return 'may hold visible ASCII characters only';
  if (uri.includes('*')) return 'may not hold a wildcard: redirect URIs are compared exactly';
  if (uri.includes('\\')) return 'may not hold a backslash';
  if (uri.includes('#')) return 'may not have a fragment';
  let url: URL;
  try {
    url = new URL(uri);
  } catch {
    return 'is not an absolute URI';
  }
  if (FORBIDDEN_SCHEMES.has(url.protocol)) return `may not use the scheme ${url.protocol.slice(0, -1)}`;
  if (url.username || url.password || /^[a-z][a-z0-9+.-]*:\/\/[^/?]*@/i.test(uri)) return 'may not hold user information';
  if (/(^|\/)(\.|%2e){1,2}(;[^/?]*)?([/?]|$)/i.test(uri.slice(url.protocol.length).replace(/^\/\/[^/?]*/, ''))) return 'may not hold dot segments';
  if (url.protocol === 'http:' && !isLoopbackHost(url.host.replace(/:\d+$/, ''))) {
    return 'may use http for the loopback addresses 127.0.0.1 and [::1] only';
  }
  if (url.protocol === 'http:' || url.protocol === 'https:') {
    return url.href === uri || url.href === `${uri}/` ? undefined : `is not in its normal form, ${url.href}`;
  }
  // RFC 8252 §7.1: a private-use scheme is a reversed domain name, so that two apps do not claim the same one.
  return url.protocol.includes('.') ? undefined : 'must use https, http on a loopback address, or a private-use scheme with a dot in it (com.example.app)';
}
