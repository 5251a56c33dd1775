import { QueryFailedError } from 'typeorm';
import { isRefusalToWrite } from './database-errors.js';
import { Deadline } from './deadline.js';
import { tryStatement } from './mysql-conflicts.js';
import type { Done, PooledConnection, Result } from './mysql-connection.js';
import type { MysqlPool } from './mysql-pool.js';
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

/**
 * Single statements on the pool, prepared once for each connection and sent in the binary protocol. The rules are those
 * of the query runner: a deadline, after which the connection is destroyed, and another try after a lock conflict.
 */
export class MysqlStatements implements Statements {
  constructor(
    private readonly pool: MysqlPool,
    private readonly deadlineMs: number,
    private readonly metrics: StatementMetrics,
  ) {}

  run(sql: string, parameters: readonly unknown[]): Promise<StatementResult> {
    return this.runOn(this.pool.obtain, sql, parameters);
  }

  runReserved(sql: string, parameters: readonly unknown[]): Promise<StatementResult> {
    return this.runOn(this.pool.obtainReserved, sql, parameters);
  }

  private runOn(obtain: MysqlPool['obtain'], sql: string, parameters: readonly unknown[]): Promise<StatementResult> {
    const deadline = new Deadline(this.deadlineMs);
    const attempt = () => this.attempt(obtain, sql, parameters, deadline);
    return this.metrics.measure(() => tryStatement(attempt, deadline, this.metrics));
  }

  private attempt(
    obtain: MysqlPool['obtain'],
    sql: string,
    parameters: readonly unknown[],
    deadline: Deadline,
  ): Promise<StatementResult> {
    let connection: PooledConnection | undefined;
    let expired = false;
    const work = async (): Promise<StatementResult> => {
      const obtained = await obtain();
      try {
        if (expired) throw new Error('the statement is no longer waited for');
        connection = obtained;
        return await this.send(obtained, sql, parameters);
      } catch (error) {
        if (isRefusalToWrite(error)) this.pool.retire(obtained);
        throw error;
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
