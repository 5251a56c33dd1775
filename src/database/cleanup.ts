import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Logger } from '../common/logging/logger.js';
import { Clock } from '../common/time/clock.js';
import { Leases } from './leases.js';
import { Startup } from './startup.js';

const INTERVAL_MS = 60_000;
/** A round ends after so many batches of one kind; what is left waits for the next round, so that cleaning never crowds out requests. */
const MAX_BATCHES = 50;

/** Deletes one small batch of what expired before a time, by primary key. Answers how many rows it deleted. */
type DeleteBatch = (nowMs: number) => Promise<number>;

/** Deletes expired rows: one instance at a time, in small batches that commit by themselves. */
@Injectable()
export class Cleanup implements OnApplicationShutdown {
  private readonly kinds = new Map<string, DeleteBatch>();
  private timer: NodeJS.Timeout | undefined;
  private running = false;

  constructor(
    private readonly leases: Leases,
    private readonly clock: Clock,
    private readonly logger: Logger,
    startup: Startup,
  ) {
    startup.load(async () => {
      this.timer ??= setInterval(() => void this.run(), INTERVAL_MS).unref();
    });
  }

  register(kind: string, deleteBatch: DeleteBatch): void {
    this.kinds.set(kind, deleteBatch);
  }

  /** One round, unless another instance is at it. */
  async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    try {
      await this.leases.tryHold('cleanup', async () => {
        for (const [kind, deleteBatch] of this.kinds) await this.clean(kind, deleteBatch);
      });
    } catch (error) {
      this.logger.failure('the clean-up of expired rows failed', error);
    } finally {
      this.running = false;
    }
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async clean(kind: string, deleteBatch: DeleteBatch): Promise<void> {
    let total = 0;
    for (let batch = 0; batch < MAX_BATCHES; batch++) {
      const deleted = await deleteBatch(this.clock.nowMs());
      if (deleted === 0) break;
      total += deleted;
    }
    if (total > 0) this.logger.debug('deleted expired rows', { kind, rows: total });
  }
}
