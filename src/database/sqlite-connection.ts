import { setTimeout as sleep } from 'node:timers/promises';
import { QueryFailedError } from 'typeorm';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { asAvailability, isSqliteBusy } from './database-errors.js';
import type { Deadline } from './deadline.js';
import type { ConnectionUse } from './statement-metrics.js';
import type { StatementResult } from './statements.js';

/** Lets one holder at a time use the single SQLite connection; the others wait in line until their deadline. */
export class Turnstile {
  private taken = false;
  private readonly waiting: (() => void)[] = [];

  get use(): ConnectionUse {
    return { limit: 1, inUse: Number(this.taken), idle: Number(!this.taken), waiting: this.waiting.length };
  }

  /** @param first ahead of all who wait */
  async enter(deadline: Deadline, first = false): Promise<void> {
    if (!this.taken) {
      this.taken = true;
      return;
    }
    let enter!: () => void;
    const turn = new Promise<void>((resolve) => {
      enter = resolve;
    });
    if (first) this.waiting.unshift(enter);
    else this.waiting.push(enter);
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

export interface SqliteConnection {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  readonly inTransaction: boolean;
}

/** `rows` of a query; of anything else the numbers. */
export interface SqliteResult extends StatementResult {
  readonly isQuery: boolean;
  readonly lastInsertRowid?: number | bigint;
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

/** Within the transaction that is open, if one is. */
export function runOn(connection: SqliteConnection, sql: string, parameters: readonly unknown[]): SqliteResult {
  const values = parameters.map((value) => (typeof value === 'boolean' ? Number(value) : value));
  try {
    const statement = prepare(connection, sql);
    if (statement.reader) return { isQuery: true, rows: statement.all(...values), affected: 0 };
    const { changes, lastInsertRowid } = statement.run(...values);
    return { isQuery: false, rows: [], affected: changes, lastInsertRowid };
  } catch (error) {
    throw new QueryFailedError(sql, values, error as Error);
  }
}

/** A statement that stands by itself; one that writes is in a transaction of its own. The caller has the connection to itself. */
export async function runAlone(connection: SqliteConnection, sql: string, parameters: readonly unknown[], deadline: Deadline): Promise<SqliteResult> {
  if (!WRITES.test(sql)) return patiently(deadline, () => runOn(connection, sql, parameters));
  await takeWriteLock(connection, deadline);
  try {
    const result = runOn(connection, sql, parameters);
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
export const takeWriteLock = (connection: SqliteConnection, deadline: Deadline): Promise<void> => patiently(deadline, () => connection.exec('BEGIN IMMEDIATE'));

/**
 * Another process (or a second instance in this one) may hold the file's write lock. SQLite's own busy handler would wait for it with the event loop
 * stopped, and if the holder needs this very loop to go on, in vain; so it is off, and the wait is ours.
 */
export async function patiently<T>(deadline: Deadline, work: () => T): Promise<T> {
  for (let wait = 1; ; wait = Math.min(wait * 2, 20)) {
    try {
      return work();
    } catch (error) {
      if (!isSqliteBusy(error)) throw asAvailability(error);
      if (deadline.passed) throw new TemporarilyUnavailableError('the database file is locked by another process', 1, { cause: error });
      await sleep(wait * (0.5 + Math.random()));
    }
  }
}
