import { setTimeout as sleep } from 'node:timers/promises';
import type { BetterSqlite3Driver } from 'typeorm/driver/better-sqlite3/BetterSqlite3Driver.js';
import { QueryFailedError, TransactionAlreadyStartedError, TransactionNotStartedError } from 'typeorm';
import { BetterSqlite3QueryRunner } from 'typeorm/driver/better-sqlite3/BetterSqlite3QueryRunner.js';
import { QueryResult } from 'typeorm/query-runner/QueryResult.js';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { asAvailability, isSqliteBusy } from './database-errors.js';
import { Deadline } from './deadline.js';
import type { ConnectionUse, StatementMetrics } from './statement-metrics.js';

/** Lets one holder at a time use the single SQLite connection; the others wait in line until their deadline. */
class Turnstile {
  private taken = false;
  private readonly waiting: (() => void)[] = [];

  get use(): ConnectionUse {
    return { limit: 1, inUse: Number(this.taken), idle: Number(!this.taken), waiting: this.waiting.length };
  }

  async enter(deadline: Deadline): Promise<void> {
    if (!this.taken) {
      this.taken = true;
      return;
    }
    let enter!: () => void;
    const turn = new Promise<void>((resolve) => {
      enter = resolve;
    });
    this.waiting.push(enter);
    await deadline.bound(turn, () => {
      const at = this.waiting.indexOf(enter);
      if (at >= 0) this.waiting.splice(at, 1);
      else this.leave();
    });
  }

  /** The next one's turn comes with the next turn of the event loop: the calls are synchronous, and those of many requests in a row would keep it from everything else. */
  leave(): void {
    setImmediate(() => {
      const next = this.waiting.shift();
      if (next) next();
      else this.taken = false;
    });
  }
}

interface SqliteStatement {
  readonly reader: boolean;
  all(...values: unknown[]): unknown[];
  run(...values: unknown[]): { changes: number; lastInsertRowid: number | bigint };
}

interface SqliteConnection {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  readonly inTransaction: boolean;
}

const WRITES = /^\s*(INSERT|UPDATE|DELETE|REPLACE|CREATE|ALTER|DROP)\b/i;

const MAX_PREPARED = 500;
const prepared = new WeakMap<SqliteConnection, Map<string, SqliteStatement>>();

/** By connection: TypeORM keeps them by query runner, and would prepare every statement anew for every caller. */
function prepare(connection: SqliteConnection, sql: string): SqliteStatement {
  let statements = prepared.get(connection);
  if (!statements) prepared.set(connection, (statements = new Map<string, SqliteStatement>()));
  let statement = statements.get(sql);
  if (!statement) {
    if (statements.size === MAX_PREPARED) statements.clear();
    statements.set(sql, (statement = connection.prepare(sql)));
  }
  return statement;
}

/**
 * TypeORM's SQLite drivers share one query runner among all callers, so that parallel transactions run into each other. Here each caller has a
 * runner of its own and they take turns: one statement, or one whole transaction, at a time.
 *
 * Another process (or a second instance in this one) may hold the file's write lock. SQLite's own busy handler would wait for it with the event loop
 * stopped, and if the holder needs this very loop to go on, in vain; so it is off, and the wait is ours.
 */
class SerializedSqliteQueryRunner extends BetterSqlite3QueryRunner {
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
    await this.metrics.measure(() => this.patiently(() => this.run('COMMIT')));
    this.endTransaction();
  }

  override async rollbackTransaction(): Promise<void> {
    if (!this.isTransactionActive) throw new TransactionNotStartedError();
    try {
      const connection = (await this.connect()) as SqliteConnection;
      if (connection.inTransaction) connection.exec('ROLLBACK');
    } finally {
      this.endTransaction();
    }
  }

  override async release(): Promise<void> {
    if (this.isTransactionActive) await this.rollbackTransaction();
    await super.release();
  }

  private async inTurn(query: string, parameters: unknown[] | undefined, useStructuredResult: boolean): Promise<never> {
    if (this.inside) return this.patiently(() => this.run(query, parameters, useStructuredResult));
    await this.enter();
    try {
      return await (WRITES.test(query) ? this.write(query, parameters, useStructuredResult) : this.patiently(() => this.run(query, parameters, useStructuredResult)));
    } finally {
      this.leave();
    }
  }

  private async begin(): Promise<void> {
    await this.enter();
    try {
      await this.takeWriteLock();
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

  /** What TypeORM's own method does, without its logger and subscribers, of which there are none here: they cost several times what the statement does. */
  private async run(query: string, parameters: readonly unknown[] = [], useStructuredResult = false): Promise<never> {
    const values = parameters.map((value) => (typeof value === 'boolean' ? Number(value) : value));
    const result = new QueryResult();
    try {
      const statement = prepare((await this.connect()) as SqliteConnection, query);
      if (statement.reader) result.raw = result.records = statement.all(...values);
      else {
        const { changes, lastInsertRowid } = statement.run(...values);
        result.affected = changes;
        result.raw = lastInsertRowid;
      }
    } catch (error) {
      throw new QueryFailedError(query, values, error as Error);
    }
    return (useStructuredResult ? result : result.raw) as never;
  }

  /** A statement by itself, in a transaction of its own. */
  private async write(query: string, parameters: unknown[] | undefined, useStructuredResult: boolean): Promise<never> {
    const connection = await this.takeWriteLock();
    try {
      const result = await this.run(query, parameters, useStructuredResult);
      connection.exec('COMMIT');
      return result;
    } catch (error) {
      if (connection.inTransaction) connection.exec('ROLLBACK');
      throw asAvailability(error);
    }
  }

  /**
   * A transaction takes the write lock at once: one that read first could not upgrade after another has written. By `exec`, which leaves no statement behind: a
   * prepared one that met SQLITE_BUSY is not reset by the driver, counts as a write that is not finished, and keeps SQLite from committing all that come after it.
   */
  private async takeWriteLock(): Promise<SqliteConnection> {
    const connection = (await this.connect()) as SqliteConnection;
    await this.patiently(async () => connection.exec('BEGIN IMMEDIATE'));
    return connection;
  }

  private async patiently<T>(work: () => Promise<T>): Promise<T> {
    for (let wait = 1; ; wait = Math.min(wait * 2, 20)) {
      try {
        return await work();
      } catch (error) {
        if (!isSqliteBusy(error)) throw asAvailability(error);
        if (this.deadline!.passed) throw new TemporarilyUnavailableError('the database file is locked by another process', 1, { cause: error });
        await sleep(wait * (0.5 + Math.random()));
      }
    }
  }
}

/** Gives every caller a query runner of its own, in turns. */
export function serializeSqlite(driver: BetterSqlite3Driver, deadlineMs: number, metrics: StatementMetrics): void {
  const turnstile = new Turnstile();
  driver.createQueryRunner = () => new SerializedSqliteQueryRunner(driver, turnstile, deadlineMs, metrics);
  metrics.watch(() => turnstile.use);
}
