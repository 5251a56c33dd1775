import { QueryFailedError } from 'typeorm';
import { Deadline } from './deadline.js';
import { anotherTryFits, tryStatement } from './mysql-conflicts.js';
import type { StatementMetrics } from './statement-metrics.js';
import type { StatementResult, Statements } from './statements.js';

/** How many prepared statements a connection keeps. The server counts those of all its clients (`max_prepared_stmt_count`, 16,382 by default). */
export const PREPARED_PER_CONNECTION = 50;

const MAX_PREPARED_PARAMETERS = 32;

/**
 * Not a batch, of which hardly two have the same text: to prepare one would cost a round trip and save nothing. Nor a list: mysql2 gives a prepared statement every number as
 * a DOUBLE, which is exact, and for `=` and `<` as good to an index of integers as an integer, but for `IN` MariaDB would read the whole table.
 */
const isPreparable = (sql: string, parameters: readonly unknown[]): boolean => parameters.length <= MAX_PREPARED_PARAMETERS && !sql.includes(' IN (');

/** The server holds too many, does not prepare such a statement, or does not know it (any more): nothing was carried out, and the text does without. */
const NOT_PREPARED: ReadonlySet<number> = new Set([1461, 1295, 1243, 1615]);

type Result = readonly unknown[] | { affectedRows: number };
type Done = (error: (Error & { errno?: number }) | null, result: Result) => void;

export interface PooledConnection {
  execute(sql: string, parameters: readonly unknown[], done: Done): void;
  query(sql: string, parameters: readonly unknown[], done: Done): void;
  unprepare(sql: string): unknown;
  destroy(): void;
  release(): void;
}

/** Waits for a connection whose session is set up. */
export type Obtain = () => Promise<PooledConnection>;

/**
 * Single statements on the pool of TypeORM's driver, prepared once for each connection and sent in the binary protocol; under the same rules as in
 * the query runner: a deadline over all of it, after which the connection is destroyed, and another try after a lock conflict.
 */
export class MysqlStatements implements Statements {
  constructor(
    private readonly obtain: Obtain,
    private readonly obtainReserved: Obtain,
    private readonly deadlineMs: number,
    private readonly metrics: StatementMetrics,
  ) {}

  run(sql: string, parameters: readonly unknown[]): Promise<StatementResult> {
    return this.runOn(this.obtain, sql, parameters);
  }

  runReserved(sql: string, parameters: readonly unknown[]): Promise<StatementResult> {
    return this.runOn(this.obtainReserved, sql, parameters);
  }

  private runOn(obtain: Obtain, sql: string, parameters: readonly unknown[]): Promise<StatementResult> {
    const deadline = new Deadline(this.deadlineMs);
    const attempt = () => this.attempt(obtain, sql, parameters, deadline);
    const anotherTry = () => anotherTryFits(deadline.remainingMs, this.deadlineMs);
    return this.metrics.measure(() => tryStatement(attempt, anotherTry, this.metrics));
  }

  private attempt(
    obtain: Obtain,
    sql: string,
    parameters: readonly unknown[],
    deadline: Deadline,
  ): Promise<StatementResult> {
    let connection: PooledConnection | undefined;
    let expired = false;
    const work = async (): Promise<StatementResult> => {
      const obtained = await obtain();
      try {
        if (expired) throw new Error('nobody waits for the statement any more');
        connection = obtained;
        return await this.send(obtained, sql, parameters);
      } finally {
        obtained.release();
      }
    };
    return deadline.bound(work(), () => {
      expired = true;
      connection?.destroy();
    });
  }

  private send(connection: PooledConnection, sql: string, parameters: readonly unknown[]): Promise<StatementResult> {
    return new Promise((resolve, reject) => {
      const settle: Done = (error, result) => {
        if (error) reject(new QueryFailedError(sql, [...parameters], error));
        else resolve(toResult(result));
      };
      const sendText = () => connection.query(sql, parameters, settle);
      if (!isPreparable(sql, parameters)) return sendText();
      connection.execute(sql, parameters.map((value) => value ?? null), (error, result) => {
        if (!error || !NOT_PREPARED.has(error.errno ?? 0)) return settle(error, result);
        connection.unprepare(sql);
        sendText();
      });
    });
  }
}

const toResult = (result: Result): StatementResult => ('affectedRows' in result ? { rows: [], affected: result.affectedRows } : { rows: result as unknown[], affected: 0 });
