import { LRUCache } from 'lru-cache';
import type { Clock } from '../time/clock.js';

/** An entry is read again after a minute, in case a notice of a change was missed. */
const LIFETIME_MS = 60_000;
/** Entries that were read together, after a start or a gap, are not all read again together. */
const SPREAD_MS = 15_000;
/** Keys without a value that are remembered. Anybody can name keys that nobody has. */
const MAX_ABSENT = 1_000;

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
 * That a key has no value is kept too, so that a known key and an unknown one cost the same; in a place of its own, so that
 * unknown keys push out no values.
 */
export class ReadThroughCache<V extends object> {
  private readonly present: LRUCache<string, V>;
  private readonly absent: LRUCache<string, true>;
  private readonly loading = new Map<string, Promise<V | null>>();
  private hits = 0;
  private misses = 0;

  /** @param load may return `before`, the value that expired, where nothing has changed since */
  constructor(
    maxEntries: number,
    clock: Clock,
    private readonly load: (key: string, before: V | undefined) => Promise<V | null>,
  ) {
    // The clock is read with every lookup, for less than the timer costs that would save it.
    const expiry = { ttl: LIFETIME_MS, ttlResolution: 0, perf: { now: () => clock.nowMs() } };
    this.present = new LRUCache({ max: maxEntries, noDeleteOnStaleGet: true, ...expiry });
    this.absent = new LRUCache({ max: Math.min(maxEntries, MAX_ABSENT), ...expiry });
  }

  get use(): CacheUse {
    return { hits: this.hits, misses: this.misses, entries: this.present.size, maxEntries: this.present.max };
  }

  /** Returns the value when it is in memory, `null` for a key without one, `undefined` when it must be loaded first. */
  peek(key: string): V | null | undefined {
    const value = this.present.get(key) ?? (this.absent.has(key) ? null : undefined);
    if (value !== undefined) this.hits++;
    return value;
  }

  get(key: string): Promise<V | null> {
    const known = this.peek(key);
    if (known !== undefined) return Promise.resolve(known);
    this.misses++;
    return this.loading.get(key) ?? this.startLoading(key);
  }

  /** Loads a value that may be in memory. Until it is there, others get the one that they had. */
  reload(key: string): Promise<V | null> {
    this.misses++;
    return this.startLoading(key);
  }

  invalidate(key: string): void {
    this.present.delete(key);
    this.absent.delete(key);
    this.loading.delete(key);
  }

  clear(): void {
    this.present.clear();
    this.absent.clear();
    this.loading.clear();
  }

  private startLoading(key: string): Promise<V | null> {
    const promise = this.load(key, this.present.peek(key, { allowStale: true })).then(
      (value) => {
        if (this.loading.get(key) === promise) {
          this.loading.delete(key);
          this.keep(key, value);
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

  private keep(key: string, value: V | null): void {
    const ttl = LIFETIME_MS + Math.random() * SPREAD_MS;
    if (value === null) {
      this.present.delete(key);
      this.absent.set(key, true, { ttl });
    } else {
      this.absent.delete(key);
      this.present.set(key, value, { ttl });
    }
  }
}
