import { Injectable } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { Database } from '../database/database.js';
import { PasswordAttemptEntity } from './password-attempt.entity.js';

/** Times are milliseconds since the epoch. */
export interface Counter {
  key: string;
  account: string | null;
  /** Guesses that may be wrong or under way in one window. */
  limit: number;
}

export interface CountingTimes {
  nowMs: number;
  windowEndsMs: number;
  pendingUntilMs: number;
  purgeAfterMs: number;
}

const marksFor = (count: number): string => Array<string>(count).fill('?').join(', ');

/** Whether a counter still has a place, by two times and, for each of the counters, its key and limit. */
const hasPlace = (counters: number) =>
  `(CASE WHEN window_ends_at <= ? THEN 0 ELSE failures END) + (CASE WHEN pending_until < ? THEN 0 ELSE pending END) < CASE attempt_key ${'WHEN ? THEN ? '.repeat(counters)}END`;

/**
 * Takes a place at each of so many counters, or at none of them. By itself a statement commits once, and MariaDB is asked once: hence one statement, and no transaction. The inner query locks what
 * it reads, so that nobody takes a place between it and the update; MySQL wants it wrapped, for it reads the table that is updated.
 */
const reserveSql = (counters: number, lock: string) => `UPDATE password_attempts SET
  pending = CASE WHEN pending_until < ? THEN 1 ELSE pending + 1 END,
  failures = CASE WHEN window_ends_at <= ? THEN 0 ELSE failures END,
  window_ends_at = CASE WHEN window_ends_at <= ? THEN ? ELSE window_ends_at END,
  pending_until = ?,
  purge_after = CASE WHEN purge_after < ? THEN ? ELSE purge_after END
  WHERE attempt_key IN (${marksFor(counters)})
    AND (SELECT COUNT(*) FROM (SELECT attempt_key FROM password_attempts WHERE attempt_key IN (${marksFor(counters)}) AND ${hasPlace(counters)}${lock}) AS places) = ${counters}`;

const ONE_PENDING_LESS = 'pending = CASE WHEN pending > 0 THEN pending - 1 ELSE 0 END';

/** Every step is one statement that decides and counts at once, so that no number of parallel guesses gets past a limit. */
@Injectable()
export class PasswordAttemptsRepository {
  constructor(private readonly database: Database) {}

  /** Whether every commit is a wait of this process for its disk. */
  get isEmbedded(): boolean {
    return this.database.isSqlite;
  }

  /** Takes one of the guesses that each of the counters still allows, from all of them or from none; none of a counter that is new. Answers whether it did. */
  async reserveAll(counters: readonly Counter[], { nowMs, windowEndsMs, pendingUntilMs, purgeAfterMs }: CountingTimes, manager?: EntityManager): Promise<boolean> {
    const keys = counters.map(({ key }) => key);
    const limits = counters.flatMap(({ key, limit }) => [key, limit]);
    const values = [nowMs, nowMs, nowMs, windowEndsMs, pendingUntilMs, purgeAfterMs, purgeAfterMs, ...keys, ...keys, nowMs, nowMs, ...limits];
    return (await this.database.execute(reserveSql(counters.length, this.database.isSqlite ? '' : ' FOR UPDATE'), values, manager)) === counters.length;
  }

  /** Takes one of the guesses that the counter still allows, also of one that is new. Answers whether there was one. */
  async reserve(counter: Counter, times: CountingTimes): Promise<boolean> {
    if (await this.reserveAll([counter], times)) return true;
    const made = await this.database.execute(
      `${this.database.insertIfAbsentSql} password_attempts (attempt_key, account, pending, failures, window_ends_at, pending_until, announced_window, purge_after) VALUES (?, ?, 1, 0, ?, ?, 0, ?)`,
      [counter.key, counter.account, times.windowEndsMs, times.pendingUntilMs, times.purgeAfterMs],
    );
    // Another one may have made it between the two.
    return made === 1 || this.reserveAll([counter], times);
  }

  /** Gives back guesses that were not looked at. */
  async release(keys: readonly string[], manager?: EntityManager): Promise<void> {
    await this.database.execute(`UPDATE password_attempts SET ${ONE_PENDING_LESS} WHERE attempt_key IN (${marksFor(keys.length)})`, keys, manager);
  }

  async recordFailure(keys: readonly string[], manager?: EntityManager): Promise<void> {
    await this.database.execute(`UPDATE password_attempts SET ${ONE_PENDING_LESS}, failures = failures + 1 WHERE attempt_key IN (${marksFor(keys.length)})`, keys, manager);
  }

  /** Starts the counters of the account anew, and remembers that the right password came from this address. Other accounts' failures from there stay counted. */
  async recordSuccess(keys: readonly string[], addressKey: string, pairKey: string, nowMs: number, purgeAfterMs: number, manager: EntityManager): Promise<void> {
    await this.database.execute(
      `UPDATE password_attempts SET ${ONE_PENDING_LESS}, failures = CASE WHEN attempt_key = ? THEN failures ELSE 0 END,
        succeeded_at = CASE WHEN attempt_key = ? THEN ? ELSE succeeded_at END,
        purge_after = CASE WHEN attempt_key = ? AND purge_after < ? THEN ? ELSE purge_after END
        WHERE attempt_key IN (${marksFor(keys.length)})`,
      [addressKey, pairKey, nowMs, pairKey, purgeAfterMs, purgeAfterMs, ...keys],
      manager,
    );
  }

  find(keys: readonly string[]): Promise<PasswordAttemptEntity[]> {
    return this.database.repository(PasswordAttemptEntity).findBy({ attemptKey: In([...keys]) });
  }

  /** Returns whether it was this call that announced the counter's current window. */
  async announce(key: string, manager: EntityManager): Promise<boolean> {
    const sql = `UPDATE password_attempts SET announced_window = window_ends_at
      WHERE attempt_key = ? AND announced_window <> window_ends_at`;
    return (await this.database.execute(sql, [key], manager)) === 1;
  }

  /** Starts every counter of an account anew. */
  async reset(account: string, manager: EntityManager): Promise<void> {
    await this.database.execute('UPDATE password_attempts SET failures = 0 WHERE account = ?', [account], manager);
  }

  async deleteAccount(account: string, manager: EntityManager): Promise<void> {
    await this.database.execute('DELETE FROM password_attempts WHERE account = ?', [account], manager);
  }

  countExpired(nowMs: number): Promise<number> {
    return this.database.countBelow('password_attempts', 'purge_after', nowMs);
  }

  /** Deletes a batch of counters that nothing is read from any more. Answers how many it deleted. */
  deleteExpired(nowMs: number): Promise<number> {
    return this.database.deleteBelow('password_attempts', 'purge_after', nowMs);
  }
}
