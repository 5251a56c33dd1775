import { isIP } from 'node:net';

/** The network of the pods of a cluster, or of a site: too wide to hold proxies only. */
const MAX_WIDE_IPV4_PREFIX = 16;
const MAX_WIDE_IPV6_PREFIX = 56;
const NAMED = new Set(['loopback', 'linklocal', 'uniquelocal']);

/**
 * Addresses and ranges of trusted proxies. Refused: whatever trusts (nearly) everyone, and IPv4-mapped IPv6 ranges, whose prefix length
 * is easily mistaken for IPv4's.
 * @throws {Error} with one clear line
 */
export function parseTrustProxy(text: string): readonly string[] {
  const entries = text.split(',').map((entry) => entry.trim()).filter((entry) => entry !== '');
  for (const entry of entries) {
    const problem = problemOf(entry);
    if (problem) throw new Error(`TRUST_PROXY: ${problem}`);
  }
  return Object.freeze(entries);
}

function problemOf(entry: string): string | undefined {
  if (NAMED.has(entry)) return undefined;
  if (/^(true|yes|on|all|\*|\d+)$/i.test(entry)) return `"${entry}" would trust everyone: name the addresses of the proxies`;
  const [address = '', prefix, ...rest] = entry.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return 'is not a list of addresses, CIDR ranges, loopback, linklocal or uniquelocal';
  if (family === 6 && new URL(`http://[${address.split('%')[0]}]`).hostname.startsWith('[::ffff:')) return 'an IPv4-mapped IPv6 address is not accepted: write the IPv4 address';
  if (prefix === undefined) return undefined;
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (family === 4 ? 32 : 128)) return 'a CIDR range has no valid prefix length';
  if (Number(prefix) < (family === 4 ? 8 : 16)) return 'a range so wide would trust everyone: name the addresses of the proxies';
  return undefined;
}

/**
 * Returns the entries that name a network rather than proxies: whoever calls from inside it chooses the address that
 * rate limits and the audit log see.
 */
export const wideEntries = (entries: readonly string[]): string[] => entries.filter(isWide);

function isWide(entry: string): boolean {
  if (NAMED.has(entry)) return entry !== 'loopback';
  const [address = '', prefix] = entry.split('/');
  return prefix !== undefined && Number(prefix) <= (isIP(address) === 4 ? MAX_WIDE_IPV4_PREFIX : MAX_WIDE_IPV6_PREFIX);
}
