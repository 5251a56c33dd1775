/**
 * A request target as path and query (RFC 9112 §3.2.1); an absolute one, which servers must accept (§3.2.2), without what stands before its path. `undefined` for
 * bytes that no URI has, a fragment included: the router would trim some of them away, and see another path than whoever looked before it.
 */
export function originForm(target: string): string | undefined {
  if (!/^[!"$-~]+$/.test(target)) return undefined;
  if (target.startsWith('/')) return target;
  const absolute = /^https?:\/\/[^/?]*(.*)$/i.exec(target);
  if (!absolute) return target === '*' ? target : undefined;
  return absolute[1].startsWith('/') ? absolute[1] : `/${absolute[1]}`;
}

/**
 * Whether a target, after the issuer's path has been cut off, is one of those that `MANAGEMENT_PORT` takes off the public listener. Routes are matched
 * byte for byte as well, so that no other spelling of these paths leads anywhere.
 */
export const isManagementPath = (target: string): boolean => /^\/(?:admin|metrics|health|docs|openapi\.json)(?:[/?]|$)/.test(target);
