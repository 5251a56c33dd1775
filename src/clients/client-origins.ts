import { Injectable } from '@nestjs/common';
import { type CacheUse, ReadThroughCache } from '../common/cache/read-through-cache.js';
import { isWebOrigin } from '../common/oauth/web-origin.js';
import { Clock } from '../common/time/clock.js';
import { ChangeFeed } from '../database/change-feed.js';
import { ClientOriginsRepository } from './client-origins.repository.js';

/** Anyone may send any origin, and each takes up an entry: far more than there are web applications in use at a time, in little memory. */
const MAX_ENTRIES = 5_000;

const REGISTERED = Object.freeze({});

/** Which origins web applications are registered with: those of the redirect URIs of enabled clients. Kept in memory, and followed by the change feed. */
@Injectable()
export class ClientOrigins {
  private readonly cache: ReadThroughCache<object>;

  constructor(repository: ClientOriginsRepository, feed: ChangeFeed, clock: Clock) {
    const load = async (origin: string) => ((await repository.isRegistered(origin)) ? REGISTERED : null);
    this.cache = new ReadThroughCache(MAX_ENTRIES, clock, load);
    feed.subscribe('client', () => this.clear());
    feed.onGap(async () => this.clear());
  }

  get cacheUse(): CacheUse {
    return this.cache.use;
  }

  /**
   * Whether some enabled client has an origin. A promise only when the database has to be asked. What is in memory counts without the database too: it
   * decides who may read an answer, an outage's 503 among them, and not what is in it.
   * @param origin as the `Origin` header has it
   * @throws {TemporarilyUnavailableError} when the database has to be asked and is not available
   */
  isRegistered(origin: string): boolean | Promise<boolean> {
    if (!isWebOrigin(origin)) return false;
    const known = this.cache.peek(origin);
    return known === undefined ? this.cache.get(origin).then((found) => found !== null) : known !== null;
  }

  /** Forgets what is in memory, after a change was committed here. */
  clear(): void {
    this.cache.clear();
  }
}
