import { Injectable } from '@nestjs/common';
import { type CacheUse, ReadThroughCache } from '../common/cache/read-through-cache.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { ChangeFeed } from '../database/change-feed.js';
import { Client } from './client.js';
import { CLIENT_ID } from './client-metadata.js';
import { ClientOrigins } from './client-origins.js';
import { ClientSecretsRepository } from './client-secrets.repository.js';
import { ClientsRepository } from './clients.repository.js';

/** Clients by id, from memory where possible. What another instance changed is seen within the change feed's interval. */
@Injectable()
export class ClientDirectory {
  private readonly cache: ReadThroughCache<Client>;

  constructor(
    config: Config,
    clock: Clock,
    private readonly clients: ClientsRepository,
    private readonly secrets: ClientSecretsRepository,
    private readonly origins: ClientOrigins,
    private readonly feed: ChangeFeed,
  ) {
    this.cache = new ReadThroughCache(config.clientCacheEntries, clock, (clientId) => this.load(clientId));
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

  /** Whether there is such a client, as far as is known without asking. */
  isInMemory(clientId: string): boolean {
    return Boolean(this.cache.peek(clientId));
  }

  /** Forgets what is in memory, after a change was committed here. */
  invalidate(clientId: string): void {
    this.cache.invalidate(clientId);
    this.origins.clear();
  }

  private async load(clientId: string): Promise<Client | null> {
    const entity = await this.clients.find(clientId);
    return entity && new Client(entity, await this.secrets.ofClient(entity.id));
  }
}
