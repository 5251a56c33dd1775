import type { Counter } from '../common/metrics/counter.js';
import type { Histogram } from '../common/metrics/histogram.js';
import type { Metrics } from '../common/metrics/metrics.js';
import { ERROR_CLASSES, errorClassOf } from './database-errors.js';

/** Seconds. From a lookup in the embedded database to the longest deadline. */
const DURATIONS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** How many callers use connections and wait for them. */
export interface ConnectionUse {
  limit: number;
  inUse: number;
  idle: number;
  waiting: number;
}

/** What the query runners, which are made outside of any module, tell of their statements. */
export class StatementMetrics {
  private readonly durations: Histogram<Record<never, never>>;
  private readonly errors: Counter<{ class: typeof ERROR_CLASSES }>;
  private readonly retries: Counter<Record<never, never>>;

  constructor(private readonly metrics: Metrics) {
    this.durations = metrics.histogram({ name: 'database_statement_duration_seconds', help: 'Time of a database statement, the wait for a connection and its retries included.' }, DURATIONS);
    this.errors = metrics.counter({
      name: 'database_errors_total',
      help:
        'Tries of a database statement that failed: `deadline` no answer in DATABASE_DEADLINE_MS, ' +
        '`conflict` deadlock, lock wait or a locked file, `connection` lost or not to be had, ' +
        '`unavailable` read-only, full, at one of its limits, not allowed to the account or without a quorum, ' +
        '`other` a fault of this server. A key that is taken is no failure.',
      labels: { class: ERROR_CLASSES },
    });
    this.retries = metrics.counter({ name: 'database_statement_retries_total', help: 'Single statements that were tried again after a conflict.' });
  }

  /** Measures one statement, and classes the error that it ends with. */
  async measure<T>(statement: () => Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      return await statement();
    } catch (error) {
      this.failed(error);
      throw error;
    } finally {
      this.durations.observe({}, (performance.now() - began) / 1000);
    }
  }

  failed(error: unknown): void {
    const errorClass = errorClassOf(error);
    if (errorClass) this.errors.inc({ class: errorClass });
  }

  /** @param error of the try that was in vain */
  retried(error: unknown): void {
    this.failed(error);
    this.retries.inc({});
  }

  /** Exposes the use of connections. */
  watch(use: () => ConnectionUse): void {
    const states = ['in_use', 'idle'] as const;
    this.metrics.readGauge({ name: 'database_connections', help: 'Connections to the database by state. The embedded database has one, which callers take in turns.', labels: { state: states }, across: 'sum' }, () => {
      const { inUse, idle } = use();
      return [{ labels: { state: states[0] }, value: inUse }, { labels: { state: states[1] }, value: idle }];
    });
    this.metrics.readGauge({ name: 'database_connections_limit', help: 'Connections that may be open: DATABASE_POOL_SIZE, for each process.', across: 'sum' }, () => use().limit);
    this.metrics.readGauge({ name: 'database_connection_waiters', help: 'Callers that wait for a connection.', across: 'sum' }, () => use().waiting);
  }
}
