import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Logger } from '../common/logging/logger.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { WriteBehind } from '../database/write-behind.js';
import { ClientSecretsRepository } from './client-secrets.repository.js';

/** When each secret was last used, written behind: "safe to delete" can bear that a crash loses the last few seconds. */
@Injectable()
export class ClientSecretUsage implements OnApplicationShutdown {
  /** Milliseconds since the epoch by the row of the secret. */
  private readonly uses: WriteBehind<number, number>;

  constructor(
    secrets: ClientSecretsRepository,
    private readonly clock: Clock,
    config: Config,
    logger: Logger,
  ) {
    this.uses = new WriteBehind({
      what: 'times of use of client secrets',
      intervalMs: config.lastUsedFlushSeconds * 1000,
      merge: Math.max,
      write: (uses) => secrets.recordUse(uses),
      logger,
    });
  }

  /** How many notes wait to be written. */
  get pending(): number {
    return this.uses.size;
  }

  /** How many notes were lost because too many waited. */
  get dropped(): number {
    return this.uses.dropped;
  }

  note(secretRowId: number): void {
    this.uses.note(secretRowId, this.clock.nowMs());
  }

  /** Writes what is noted. */
  flush(): Promise<void> {
    return this.uses.flush();
  }

  onApplicationShutdown(): Promise<void> {
    return this.uses.close();
  }
}
