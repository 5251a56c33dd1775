import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { EntityManager, QueryRunner } from 'typeorm';
import type { Counter } from '../common/metrics/counter.js';
import { Metrics } from '../common/metrics/metrics.js';
import { annotate, InSpan } from '../common/tracing/tracing.js';
import { Config } from '../config/config.js';
import { asAvailability, isConflict } from './database-errors.js';
import { Database } from './database.js';
import { type BoundedRunner, Deadline } from './deadline.js';
import { pauseMs } from './mysql-conflicts.js';

/** A try with less time than that would hardly reach its COMMIT. */
const SHORTEST_TRY_MS = 50;

/** Runs work in a transaction that is committed when this returns, and run anew as a whole when it lost a lock conflict. */
@Injectable()
export class Transactions {
  private readonly retries: Counter<Record<never, never>>;

  constructor(
    private readonly database: Database,
    private readonly config: Config,
    metrics: Metrics,
  ) {
    this.retries = metrics.counter({ name: 'database_transaction_retries_total', help: 'Transactions that were run anew as a whole after a conflict.' });
  }

  /**
   * @param work uses the manager that it is given for all its statements; it may run several times, so it does nothing
   * else but those
   * @throws {TemporarilyUnavailableError} when the database is not available, or kept conflicting until the deadline;
   * whatever `work` throws, after the rollback
   */
  @InSpan('database transaction')
  async run<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const deadline = new Deadline(this.config.databaseDeadlineMs);
    for (let tries = 1; ; tries++) {
      try {
        return await this.once(work, deadline);
      } catch (error) {
        const pause = pauseMs(tries);
        if (!isConflict(error) || deadline.remainingMs < pause + SHORTEST_TRY_MS) throw asAvailability(error);
        this.retries.inc({});
        annotate('mintgate.transaction.retries', tries);
        await sleep(pause);
      }
    }
  }

  private async once<T>(work: (manager: EntityManager) => Promise<T>, deadline: Deadline): Promise<T> {
    const runner = this.database.connected().createQueryRunner() as QueryRunner & BoundedRunner;
    runner.joinDeadline(deadline);
    try {
      await runner.startTransaction();
      const result = await work(runner.manager);
      await runner.commitTransaction();
      return result;
    } catch (error) {
      // Nothing is left to roll back on a connection that is gone; the first error is the one to tell.
      await runner.rollbackTransaction().catch(() => undefined);
      throw error;
    } finally {
      await runner.release().catch(() => undefined);
    }
  }
}
