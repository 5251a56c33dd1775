import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Logger } from '../common/logging/logger.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { WriteBehind } from '../database/write-behind.js';
import { UsersRepository } from './users.repository.js';

/** When each user last signed in, written behind. */
@Injectable()
export class UserLogins implements OnApplicationShutdown {
  /** Milliseconds since the epoch by the row of the user. */
  private readonly logins: WriteBehind<number, number>;

  constructor(
    users: UsersRepository,
    private readonly clock: Clock,
    config: Config,
    logger: Logger,
  ) {
    this.logins = new WriteBehind({
      what: 'times of login',
      intervalMs: config.lastUsedFlushSeconds * 1000,
      merge: Math.max,
      write: (logins) => users.recordLogins(logins),
      logger,
    });
  }

  /** How many notes wait to be written. */
  get pending(): number {
    return this.logins.size;
  }

  /** How many notes were lost because too many waited. */
  get dropped(): number {
    return this.logins.dropped;
  }

  note(userRowId: number): void {
    this.logins.note(userRowId, this.clock.nowMs());
  }

  /** Writes what is noted. */
  flush(): Promise<void> {
    return this.logins.flush();
  }

  onApplicationShutdown(): Promise<void> {
    return this.logins.close();
  }
}
