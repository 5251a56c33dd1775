import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { type CacheUse, ReadThroughCache } from '../common/cache/read-through-cache.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { ChangeFeed } from '../database/change-feed.js';
import { Client } from './client.js';
import { CLIENT_ID } from './client-metadata.js';
import { ClientOrigins } from './client-origins.js';
import { ClientsRepository } from './clients.repository.js';

/** Clients by id, from memory where possible. What another instance changed is seen within the change feed's interval. */
@Injectable()
export class ClientDirectory {
  private readonly cache: ReadThroughCache<Client>;
  /** Ids of clients that existed when they were read last, whatever the cache forgot since. */
  private readonly existing: LRUCache<string, true>;

  constructor(
    config: Config,
    clock: Clock,
    private readonly clients: ClientsRepository,
    private readonly origins: ClientOrigins,
    private readonly feed: ChangeFeed,
  ) {
    this.existing = new LRUCache({ max: config.clientCacheEntries });
    this.cache = new ReadThroughCache(config.clientCacheEntries, clock, (id, before) => this.load(id, before));
    feed.subscribe('client', (change) => this.cache.invalidate(change.subject));
    feed.onGap(async () => this.cache.clear());
  }

  get cacheUse(): CacheUse {
    return this.cache.use;
  }

  /**
   * A client whatever its state, `null` when there is none. A promise only when the database has to be asked.
   * @throws {TemporarilyUnavailableError} when the database is not available, also for a client in memory: it may have been disabled
   */
  find(clientId: string): Client | null | Promise<Client | null> {
    this.feed.assertFresh();
    const cached = this.cache.peek(clientId);
    if (cached !== undefined) return cached;
    return CLIENT_ID.test(clientId) ? this.cache.get(clientId) : null;
  }

  /** Whether there is such a client, as far as is known without a query; `undefined` when only a query can tell. */
  knowsOf(clientId: string): boolean | undefined {
    if (this.existing.has(clientId)) return true;
    return this.cache.peek(clientId) === null || !CLIENT_ID.test(clientId) ? false : undefined;
  }

  /** Forgets what is in memory, after a change was committed here. */
  invalidate(clientId: string): void {
    this.cache.invalidate(clientId);
    this.origins.clear();
  }

  /** Requests compare clients by identity: one that was not changed stays the same object. */
  private async load(clientId: string, before: Client | undefined): Promise<Client | null> {
    const found = await this.clients.findWithSecrets(clientId);
    if (!found) {
      this.existing.delete(clientId);
      return null;
    }
    this.existing.set(clientId, true);
    const client = new Client(found.client, found.secrets);
    return before?.isSameAs(client) ? before : client;
  }
}
