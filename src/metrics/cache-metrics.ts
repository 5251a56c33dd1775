import { Injectable } from '@nestjs/common';
import { ClientDirectory } from '../clients/client-directory.js';
import { ClientOrigins } from '../clients/client-origins.js';
import type { CacheUse } from '../common/cache/read-through-cache.js';
import { Metrics } from '../common/metrics/metrics.js';
import type { Sample } from '../common/metrics/series.js';
import { AccessTokenReuse } from '../tokens/access-token-reuse.js';
import { VerifiedSignatures } from '../tokens/verified-signatures.js';
import { UserDirectory } from '../users/user-directory.js';

const CACHES = ['clients', 'client_origins', 'users', 'verified_tokens', 'reusable_tokens'] as const;

/** How often memory saves a look into the database, or the making or checking of a signature. */
@Injectable()
export class CacheMetrics {
  constructor(metrics: Metrics, clients: ClientDirectory, origins: ClientOrigins, users: UserDirectory, verified: VerifiedSignatures, reuse: AccessTokenReuse) {
    const uses = (): Readonly<Record<(typeof CACHES)[number], CacheUse>> => ({ clients: clients.cacheUse, client_origins: origins.cacheUse, users: users.cacheUse, verified_tokens: verified.cacheUse, reusable_tokens: reuse.cacheUse });
    const samples = (valueOf: (use: CacheUse) => number): Sample[] => Object.entries(uses()).map(([cache, use]) => ({ labels: { cache }, value: valueOf(use) }));
    const labels = { cache: CACHES };
    metrics.readCounter({ name: 'cache_hits_total', help: 'Look-ups that were answered from memory, `there is none` included.', labels }, () => samples(({ hits }) => hits));
    metrics.readCounter({ name: 'cache_misses_total', help: 'Look-ups for which the database had to be asked, or a token signed or its signature verified.', labels }, () => samples(({ misses }) => misses));
    metrics.readGauge({ name: 'cache_entries', help: 'What is in memory.', labels, across: 'sum' }, () => samples(({ entries }) => entries));
    metrics.readGauge({ name: 'cache_entries_limit', help: 'What fits into memory, for each process; of clients and users CLIENT_CACHE_ENTRIES and USER_CACHE_ENTRIES.', labels, across: 'sum' }, () => samples(({ maxEntries }) => maxEntries));
  }
}
