import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Logger } from '../common/logging/logger.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { ClientSecretsRepository } from './client-secrets.repository.js';

/**
 * When each secret was last used, written behind: a token request only notes the time in memory. After a crash the last few seconds of notes are missing, which
 * "safe to delete" can bear; an orderly stop writes them.
 */
@Injectable()
export class ClientSecretUsage implements OnApplicationShutdown {
  private pending = new Map<number, number>();
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> = Promise.resolve();

  constructor(
    private readonly secrets: ClientSecretsRepository,
    private readonly clock: Clock,
    private readonly config: Config,
    private readonly logger: Logger,
  ) {}

  note(secretRowId: number): void {
    this.pending.set(secretRowId, this.clock.nowMs());
    this.schedule();
  }

  /** Writes what is noted. What cannot be written now is kept for the next time. */
  flush(): Promise<void> {
    this.flushing = this.flushing.then(() => this.write());
    return this.flushing;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.flush();
    clearTimeout(this.timer);
  }

  private schedule(): void {
    this.timer ??= setTimeout(() => void this.flush(), this.config.lastUsedFlushSeconds * 1000).unref();
  }

  private async write(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const uses = this.pending;
    if (uses.size === 0) return;
    this.pending = new Map();
    try {
      await this.secrets.recordUse(uses);
    } catch (error) {
      this.logger.failure('times of use of client secrets were not written', error, { secrets: uses.size });
      this.pending = new Map([...uses, ...this.pending]);
      this.schedule();
    }
  }
}
