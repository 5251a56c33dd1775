import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { type CacheUse, ReadThroughCache } from '../common/cache/read-through-cache.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { ChangeFeed } from '../database/change-feed.js';
import { User } from './user.js';
import { USER_ID } from './user-profile.js';
import { UsersRepository } from './users.repository.js';

/** Users of whom generations that have ended are remembered, and how many of each. */
const MAX_ENDED_USERS = 5_000;
const MAX_ENDED_GENERATIONS = 20;
/** In case a notice of a change was missed. */
const ENDED_LIFETIME_MS = 60_000;

/** Users by id, from memory where possible. What another instance changed is seen within the change feed's interval. */
@Injectable()
export class UserDirectory {
  private readonly cache: ReadThroughCache<User>;
  /** Token generations that the database was asked about and that had ended, until something changes of their user. */
  private readonly ended = new LRUCache<string, Set<string>>({ max: MAX_ENDED_USERS, ttl: ENDED_LIFETIME_MS });
  private changes = 0;

  constructor(
    config: Config,
    clock: Clock,
    users: UsersRepository,
    private readonly feed: ChangeFeed,
  ) {
    this.cache = new ReadThroughCache(config.userCacheEntries, clock, async (userId) => {
      const entity = await users.find(userId);
      return entity && new User(entity);
    });
    feed.subscribe('user', (change) => this.invalidate(change.subject));
    feed.onGap(async () => {
      this.cache.clear();
      this.ended.clear();
      this.changes++;
    });
  }

  get cacheUse(): CacheUse {
    return this.cache.use;
  }

  /**
   * A user whatever its state, `null` when there is none. A promise only when the database has to be asked.
   * @throws {TemporarilyUnavailableError} when the database is not available, also for a user in memory: it may have been disabled
   */
  find(userId: string): User | null | Promise<User | null> {
    this.feed.assertFresh();
    if (!USER_ID.test(userId)) return null;
    const cached = this.cache.peek(userId);
    return cached === undefined ? this.cache.get(userId) : cached;
  }

  /**
   * Returns the user if they exist, are enabled, and have not ended all tokens of this generation since. Asks the database
   * where memory says no: the generation may be newer, if another instance has just signed the user in. It asks once for
   * each generation, and leaves what is in memory to the others meanwhile.
   */
  async findOfGeneration(userId: string, tokenGeneration: string): Promise<User | undefined> {
    const known = await this.find(userId);
    if (known && isOfGeneration(known, tokenGeneration)) return known;
    if (this.ended.get(userId)?.has(tokenGeneration) || !USER_ID.test(userId)) return undefined;
    const { changes } = this;
    const current = await this.cache.reload(userId);
    if (current && isOfGeneration(current, tokenGeneration)) return current;
    // What was read before a change is not remembered beyond it.
    if (changes === this.changes) this.noteEnded(userId, tokenGeneration);
    return undefined;
  }

  /** Forgets what is in memory, after a change was committed here. */
  invalidate(userId: string): void {
    this.cache.invalidate(userId);
    this.ended.delete(userId);
    this.changes++;
  }

  private noteEnded(userId: string, tokenGeneration: string): void {
    const generations = this.ended.get(userId);
    if (!generations || generations.size === MAX_ENDED_GENERATIONS) this.ended.set(userId, new Set([tokenGeneration]));
    else generations.add(tokenGeneration);
  }
}

const isOfGeneration = (user: User, tokenGeneration: string): boolean =>
  user.enabled && user.tokenGeneration === tokenGeneration;
