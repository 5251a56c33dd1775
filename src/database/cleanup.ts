import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Logger } from '../common/logging/logger.js';
import { Clock } from '../common/time/clock.js';
import { Leases } from './leases.js';
import { Startup } from './startup.js';

const INTERVAL_MS = 60_000;
/** A round ends after so many rows of one kind; what is left waits for the next round, so that cleaning never crowds out requests. */
const MAX_ROWS = 50_000;

/** A kind of rows that expire. */
export interface Expiring {
  /** How many wait to be deleted. */
  countExpired(nowMs: number): Promise<number>;

  /** Deletes one small batch of what expired before a time, by primary key. Answers how many rows it deleted. */
  deleteExpired(nowMs: number): Promise<number>;

  /** Told at the end of a round in which rows were deleted. */
  roundEnded?(rows: number): void;
}

/** Deletes expired rows: one instance at a time, in small batches that commit by themselves, after each of which it rests as long as that took. */
@Injectable()
export class Cleanup implements OnApplicationShutdown {
  private readonly kinds = new Map<string, Expiring>();
  private readonly deletedRows = new Map<string, number>();
  private lastRoundAtMs: number | undefined;
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

  /** @param kind the table */
  register(kind: string, expiring: Expiring): void {
    this.kinds.set(kind, expiring);
    this.deletedRows.set(kind, 0);
  }

  /** How many rows of each kind this instance has deleted since its start. */
  get deleted(): ReadonlyMap<string, number> {
    return this.deletedRows;
  }

  /** When this instance last finished a round, in milliseconds since the epoch. */
  get finishedAtMs(): number | undefined {
    return this.lastRoundAtMs;
  }

  /** How many rows of each kind wait to be deleted: what a round would delete. A kind is counted no further than a million. */
  async backlog(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const [kind, expiring] of this.kinds) counts[kind] = await expiring.countExpired(this.clock.nowMs());
    return counts;
  }

  /** One round, unless another instance is at it. Answers how many rows of each kind it deleted. @param onDeleted is told of every batch */
  async run(onDeleted?: (rows: number) => void): Promise<Record<string, number>> {
    const deleted: Record<string, number> = {};
    if (this.running) return deleted;
    this.running = true;
    try {
      await this.leases.tryHold('cleanup', async () => {
        for (const [kind, expiring] of this.kinds) deleted[kind] = await this.clean(kind, expiring, onDeleted);
        this.lastRoundAtMs = this.clock.nowMs();
      });
    } catch (error) {
      this.logger.failure('the clean-up of expired rows failed', error);
    } finally {
      this.running = false;
    }
    return deleted;
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async clean(kind: string, expiring: Expiring, onDeleted?: (rows: number) => void): Promise<number> {
    let total = 0;
    try {
      while (total < MAX_ROWS) {
        const began = performance.now();
        const deleted = await expiring.deleteExpired(this.clock.nowMs());
        total += deleted;
        onDeleted?.(deleted);
        this.deletedRows.set(kind, this.deletedRows.get(kind)! + deleted);
        if (deleted === 0) return total;
        // Half of the time the database is everybody else's.
        await sleep(performance.now() - began);
      }
    } finally {
      if (total > 0) expiring.roundEnded?.(total);
    }
    this.logger.info('more expired rows wait than one round deletes', { kind, deleted: total, backlog: await expiring.countExpired(this.clock.nowMs()) });
    return total;
  }
}
