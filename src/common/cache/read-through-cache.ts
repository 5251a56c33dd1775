import { LRUCache } from 'lru-cache';
import type { Clock } from '../time/clock.js';

/** An entry is read again after a minute, in case a notice of a change was missed. */
const LIFETIME_MS = 60_000;
/** Entries that were read together, after a start or a gap, are not all read again together. */
const SPREAD_MS = 15_000;

/** How a cache has been used since the start. */
export interface CacheUse {
  readonly hits: number;
  readonly misses: number;
  readonly entries: number;
  readonly maxEntries: number;
}

/**
 * A bounded cache in front of a loader. Concurrent misses of one key share one load, and a load that was overtaken by an invalidation is
 * handed to those who wait for it but never kept, so that a value read before a change cannot outlive the change.
 *
 * `null` (nothing there) is kept too: a known key and an unknown one then cost the same.
 */
export class ReadThroughCache<V extends object> {
  private readonly entries: LRUCache<string, { value: V | null }>;
  private readonly loading = new Map<string, Promise<V | null>>();
  private hits = 0;
  private misses = 0;

  constructor(
    maxEntries: number,
    clock: Clock,
    private readonly load: (key: string) => Promise<V | null>,
  ) {
    this.entries = new LRUCache({
      max: maxEntries,
      ttl: LIFETIME_MS,
      // The clock is read with every lookup, for less than the timer costs that would save it.
      ttlResolution: 0,
      perf: { now: () => clock.nowMs() },
    });
  }

  get use(): CacheUse {
    return { hits: this.hits, misses: this.misses, entries: this.entries.size, maxEntries: this.entries.max };
  }

  /** The value when it is in memory, `undefined` when it must be loaded first. */
  peek(key: string): V | null | undefined {
    const entry = this.entries.get(key);
    if (entry) this.hits++;
    return entry?.value;
  }

  get(key: string): Promise<V | null> {
    const entry = this.entries.get(key);
    if (entry) {
      this.hits++;
      return Promise.resolve(entry.value);
    }
    this.misses++;
    return this.loading.get(key) ?? this.startLoading(key);
  }

  invalidate(key: string): void {
    this.entries.delete(key);
    this.loading.delete(key);
  }

  clear(): void {
    this.entries.clear();
    this.loading.clear();
  }

  private startLoading(key: string): Promise<V | null> {
    const promise = this.load(key).then(
      (value) => {
        if (this.loading.get(key) === promise) {
          this.loading.delete(key);
          this.entries.set(key, { value }, { ttl: LIFETIME_MS + Math.random() * SPREAD_MS });
        }
        return value;
      },
      (error: unknown) => {
        if (this.loading.get(key) === promise) this.loading.delete(key);
        throw error;
      },
    );
    this.loading.set(key, promise);
    return promise;
  }
}
