import { formatScope, parseScope } from '../common/oauth/scope.js';

/** What may be had at each audience: the same scope may mean more at another API (RFC 8707 §3). */
export type ScopeByAudience = ReadonlyMap<string, readonly string[]>;

/** A text column of MySQL holds 65,535 bytes. */
const MAX_BYTES = 60_000;

/** Whether nothing is asked for that is not allowed. An audience without a scope has to be allowed, too. */
export function covers(allowed: ScopeByAudience, asked: ScopeByAudience): boolean {
  return [...asked].every(([audience, scope]) => {
    const there = allowed.get(audience);
    return there !== undefined && scope.every((token) => there.includes(token));
  });
}

/** The audiences that were added come first. */
export function add(added: ScopeByAudience, before: ScopeByAudience): ScopeByAudience {
  const all = new Map<string, readonly string[]>();
  for (const [audience, scope] of [...added, ...before]) {
    all.set(audience, [...new Set([...(before.get(audience) ?? []), ...(all.get(audience) ?? []), ...scope])]);
  }
  return all;
}

/** As text for a column. The last audiences are left out if it would be too long: the user is then asked again for them. */
export function serialize(scopeByAudience: ScopeByAudience): string {
  const entries: string[] = [];
  let bytes = 2;
  for (const [audience, scope] of scopeByAudience) {
    const entry = JSON.stringify([audience, formatScope(scope)]);
    bytes += Buffer.byteLength(entry) + 1;
    if (bytes > MAX_BYTES) break;
    entries.push(entry);
  }
  return `[${entries.join(',')}]`;
}

/** @param text that {@link serialize} returned */
export function deserialize(text: string): ScopeByAudience {
  const entries = JSON.parse(text) as [string, string][];
  return new Map(entries.map(([audience, scope]) => [audience, parseScope(scope) ?? []]));
}
