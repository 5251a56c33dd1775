import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Logger } from '../common/logging/logger.js';
import { Clock } from '../common/time/clock.js';
import { type HeldLease, Leases } from './leases.js';
import { Startup } from './startup.js';

const INTERVAL_MS = 60_000;
/** The next kind has its turn after this many rows of one. While a kind has more than that, rounds follow each other. */
const ROUND_ROWS = 10_000;

/** A kind of rows that expire. */
export interface Expiring {
  /** How many wait to be deleted. */
  countExpired(nowMs: number): Promise<number>;

  /** Deletes one small batch of what expired before a time, by primary key. Answers how many rows it deleted. */
  deleteExpired(nowMs: number): Promise<number>;

  /** Hears how many rows were deleted, once all rounds that follow each other have ended. */
  cleaned?(rows: number): void;
}

interface CleanupWork {
  readonly lease: HeldLease;
  /** Rows of each kind so far. */
  readonly deleted: Record<string, number>;
  readonly onDeleted: ((rows: number) => void) | undefined;
}

/**
 * Deletes expired rows: one instance at a time, in small batches that commit by themselves. It rests after each batch for as
 * long as that took, so half of the time the database is everybody else's, however many rows wait.
 */
@Injectable()
export class Cleanup implements OnApplicationShutdown {
  private readonly kinds = new Map<string, Expiring>();
  private readonly deletedRows = new Map<string, number>();
  private lastRoundAtMs: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<unknown> | undefined;
  private readonly stopping = new AbortController();

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

  /**
   * Deletes what has expired, unless another instance is at it. Returns how many rows of each kind it deleted.
   * @param onDeleted hears of every batch
   */
  async run(onDeleted?: (rows: number) => void): Promise<Record<string, number>> {
    const deleted: Record<string, number> = {};
    if (this.running || this.stopping.signal.aborted) return deleted;
    this.running = this.leases.tryHold('cleanup', (lease) => this.cleanAll({ lease, deleted, onDeleted }));
    try {
      await this.running;
    } catch (error) {
      this.logger.failure('the clean-up of expired rows failed', error);
    } finally {
      this.running = undefined;
      for (const [kind, rows] of Object.entries(deleted)) if (rows > 0) this.kinds.get(kind)!.cleaned?.(rows);
    }
    return deleted;
  }

  /** Ends after the batch that is under way. */
  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopping.abort();
    await this.running?.catch(() => undefined);
  }

  private async cleanAll(work: CleanupWork): Promise<void> {
    let reportedAt = Number.NEGATIVE_INFINITY;
    for (let full = true; full && !this.stopping.signal.aborted; ) {
      full = false;
      for (const [kind, expiring] of this.kinds) full = (await this.cleanKind(kind, expiring, work)) || full;
      this.lastRoundAtMs = this.clock.nowMs();
      if (!full || performance.now() - reportedAt < INTERVAL_MS) continue;
      reportedAt = performance.now();
      this.logger.info('more expired rows wait than one round deletes, so the next one follows at once', {
        deleted: work.deleted,
        backlog: await this.backlog(),
      });
    }
  }

  /** Returns whether it deleted as many rows as one round may. */
  private async cleanKind(kind: string, expiring: Expiring, { lease, deleted, onDeleted }: CleanupWork): Promise<boolean> {
    const signal = AbortSignal.any([lease.signal, this.stopping.signal]);
    deleted[kind] ??= 0;
    for (let total = 0; total < ROUND_ROWS; ) {
      lease.assertHeld();
      if (this.stopping.signal.aborted) return false;
      const began = performance.now();
      const rows = await expiring.deleteExpired(this.clock.nowMs());
      if (rows === 0) return false;
      total += rows;
      deleted[kind] += rows;
      this.deletedRows.set(kind, this.deletedRows.get(kind)! + rows);
      onDeleted?.(rows);
      await sleep(performance.now() - began, undefined, { signal }).catch(() => undefined);
    }
    return true;
  }
}
