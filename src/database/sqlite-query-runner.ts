import type { BetterSqlite3Driver } from 'typeorm/driver/better-sqlite3/BetterSqlite3Driver.js';
import { TransactionAlreadyStartedError, TransactionNotStartedError } from 'typeorm';
import { BetterSqlite3QueryRunner } from 'typeorm/driver/better-sqlite3/BetterSqlite3QueryRunner.js';
import { QueryResult } from 'typeorm/query-runner/QueryResult.js';
import { type BoundedRunner, Deadline } from './deadline.js';
import { patiently, runAlone, runOn, type SqliteConnection, type SqliteResult, takeWriteLock, Turnstile } from './sqlite-connection.js';
import { SqliteStatements } from './sqlite-statements.js';
import type { StatementMetrics } from './statement-metrics.js';
import type { Statements } from './statements.js';

/**
 * TypeORM's SQLite drivers share one query runner among all callers, so that parallel transactions run into each other. Here each caller has a
 * runner of its own and they take turns: one statement, or one whole transaction, at a time.
 */
class SerializedSqliteQueryRunner extends BetterSqlite3QueryRunner implements BoundedRunner {
  private deadline: Deadline | undefined;
  private inside = false;

  constructor(
    driver: BetterSqlite3Driver,
    private readonly turnstile: Turnstile,
    private readonly deadlineMs: number,
    private readonly metrics: StatementMetrics,
  ) {
    super(driver);
  }

  joinDeadline(deadline: Deadline): void {
    this.deadline = deadline;
  }

  override query(query: string, parameters?: unknown[], useStructuredResult = false): Promise<never> {
    return this.metrics.measure(() => this.inTurn(query, parameters, useStructuredResult));
  }

  /** Without the events of TypeORM's own method, of which nobody here is told, and without transactions inside of transactions, of which there are none. */
  override async startTransaction(): Promise<void> {
    if (this.isTransactionActive) throw new TransactionAlreadyStartedError();
    await this.metrics.measure(() => this.begin());
    this.isTransactionActive = true;
  }

  override async commitTransaction(): Promise<void> {
    if (!this.isTransactionActive) throw new TransactionNotStartedError();
    const connection = await this.opened();
    await this.metrics.measure(() => patiently(this.deadline!, () => runOn(connection, 'COMMIT', [])));
    this.endTransaction();
  }

  override async rollbackTransaction(): Promise<void> {
    if (!this.isTransactionActive) throw new TransactionNotStartedError();
    try {
      const connection = await this.opened();
      if (connection.inTransaction) connection.exec('ROLLBACK');
    } finally {
      this.endTransaction();
    }
  }

  override async release(): Promise<void> {
    if (this.isTransactionActive) await this.rollbackTransaction();
    await super.release();
  }

  /** What TypeORM's own method does, without its logger and subscribers, of which there are none here: they cost several times what the statement does. */
  private async inTurn(query: string, parameters: readonly unknown[] = [], useStructuredResult: boolean): Promise<never> {
    const connection = await this.opened();
    if (this.inside) return toQueryResult(await patiently(this.deadline!, () => runOn(connection, query, parameters)), useStructuredResult);
    await this.enter();
    try {
      return toQueryResult(await runAlone(connection, query, parameters, this.deadline!), useStructuredResult);
    } finally {
      this.leave();
    }
  }

  private async begin(): Promise<void> {
    await this.enter();
    try {
      await takeWriteLock(await this.opened(), this.deadline!);
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  private endTransaction(): void {
    this.isTransactionActive = false;
    this.leave();
  }

  private async enter(): Promise<void> {
    this.deadline ??= new Deadline(this.deadlineMs);
    await this.turnstile.enter(this.deadline);
    this.inside = true;
  }

  private leave(): void {
    this.inside = false;
    this.turnstile.leave();
  }

  private opened(): Promise<SqliteConnection> {
    return this.connect() as Promise<SqliteConnection>;
  }
}

function toQueryResult({ isQuery, rows, affected, lastInsertRowid }: SqliteResult, useStructuredResult: boolean): never {
  const result = new QueryResult();
  if (isQuery) result.raw = result.records = rows;
  else {
    result.affected = affected;
    result.raw = lastInsertRowid;
  }
  return (useStructuredResult ? result : result.raw) as never;
}

/** Gives every caller a query runner of its own, in turns. Answers the way of single statements over the same connection. */
export function serializeSqlite(driver: BetterSqlite3Driver, deadlineMs: number, metrics: StatementMetrics): Statements {
  const turnstile = new Turnstile();
  driver.createQueryRunner = () => new SerializedSqliteQueryRunner(driver, turnstile, deadlineMs, metrics);
  metrics.watch(() => turnstile.use);
  return new SqliteStatements(driver, turnstile, deadlineMs, metrics);
}
