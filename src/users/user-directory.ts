import { Injectable } from '@nestjs/common';
import { type CacheUse, ReadThroughCache } from '../common/cache/read-through-cache.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { ChangeFeed } from '../database/change-feed.js';
import { User } from './user.js';
import { USER_ID } from './user-profile.js';
import { UsersRepository } from './users.repository.js';

/** Users by id, from memory where possible. What another instance changed is seen within the change feed's interval. */
@Injectable()
export class UserDirectory {
  private readonly cache: ReadThroughCache<User>;

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
    feed.subscribe('user', (change) => this.cache.invalidate(change.subject));
    feed.onGap(async () => this.cache.clear());
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
   * The user, if what she was given under a token generation is still good: she is there, enabled, and has not let go of it since. Where memory says no the database is
   * asked, since the generation may be newer than what is in memory: another instance has just signed her in.
   */
  async findOfGeneration(userId: string, tokenGeneration: string): Promise<User | undefined> {
    const isGood = (user: User | null): user is User => user !== null && user.enabled && user.tokenGeneration === tokenGeneration;
    const known = await this.find(userId);
    if (isGood(known)) return known;
    this.invalidate(userId);
    const current = await this.find(userId);
    return isGood(current) ? current : undefined;
  }

  /** Forgets what is in memory, after a change was committed here. */
  invalidate(userId: string): void {
    this.cache.invalidate(userId);
  }
}
