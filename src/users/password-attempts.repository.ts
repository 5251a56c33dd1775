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

const RESERVE = `UPDATE password_attempts SET
  pending = CASE WHEN pending_until < ? THEN 1 ELSE pending + 1 END,
  failures = CASE WHEN window_ends_at <= ? THEN 0 ELSE failures END,
  window_ends_at = CASE WHEN window_ends_at <= ? THEN ? ELSE window_ends_at END,
  pending_until = ?,
  purge_after = CASE WHEN purge_after < ? THEN ? ELSE purge_after END
  WHERE attempt_key = ? AND (CASE WHEN window_ends_at <= ? THEN 0 ELSE failures END) + (CASE WHEN pending_until < ? THEN 0 ELSE pending END) < ?`;

const ONE_PENDING_LESS = 'pending = CASE WHEN pending > 0 THEN pending - 1 ELSE 0 END';

/** Every step is one statement that decides and counts at once, so that no number of parallel guesses gets past a limit. */
@Injectable()
export class PasswordAttemptsRepository {
  constructor(private readonly database: Database) {}

  /** Takes one of the guesses that the counter still allows. Answers whether there was one. */
  async reserve({ key, account, limit }: Counter, times: CountingTimes): Promise<boolean> {
    const { nowMs, windowEndsMs, pendingUntilMs, purgeAfterMs } = times;
    const count = () => this.database.execute(RESERVE, [nowMs, nowMs, nowMs, windowEndsMs, pendingUntilMs, purgeAfterMs, purgeAfterMs, key, nowMs, nowMs, limit]);
    if ((await count()) === 1) return true;
    const made = await this.database.execute(
      `${this.database.insertIfAbsentSql} password_attempts (attempt_key, account, pending, failures, window_ends_at, pending_until, announced_window, purge_after) VALUES (?, ?, 1, 0, ?, ?, 0, ?)`,
      [key, account, windowEndsMs, pendingUntilMs, purgeAfterMs],
    );
    // Another one may have made it between the two.
    return made === 1 || (await count()) === 1;
  }

  /** Gives back guesses that were not looked at. */
  async release(keys: readonly string[]): Promise<void> {
    await this.database.execute(`UPDATE password_attempts SET ${ONE_PENDING_LESS} WHERE attempt_key IN (${marks(keys)})`, keys);
  }

  async recordFailure(keys: readonly string[]): Promise<void> {
    await this.database.execute(`UPDATE password_attempts SET ${ONE_PENDING_LESS}, failures = failures + 1 WHERE attempt_key IN (${marks(keys)})`, keys);
  }

  /** Starts the counters of the account anew, and remembers that the right password came from this address. Other accounts' failures from there stay counted. */
  async recordSuccess(keys: readonly string[], addressKey: string, pairKey: string, nowMs: number, purgeAfterMs: number): Promise<void> {
    await this.database.execute(
      `UPDATE password_attempts SET ${ONE_PENDING_LESS}, failures = CASE WHEN attempt_key = ? THEN failures ELSE 0 END,
        succeeded_at = CASE WHEN attempt_key = ? THEN ? ELSE succeeded_at END,
        purge_after = CASE WHEN attempt_key = ? AND purge_after < ? THEN ? ELSE purge_after END
        WHERE attempt_key IN (${marks(keys)})`,
      [addressKey, pairKey, nowMs, pairKey, purgeAfterMs, purgeAfterMs, ...keys],
    );
  }

  find(keys: readonly string[]): Promise<PasswordAttemptEntity[]> {
    return this.database.repository(PasswordAttemptEntity).findBy({ attemptKey: In([...keys]) });
  }

  /** Answers whether it was this call that announced the counter's current window. */
  async announce(key: string): Promise<boolean> {
    return (await this.database.execute('UPDATE password_attempts SET announced_window = window_ends_at WHERE attempt_key = ? AND announced_window <> window_ends_at', [key])) === 1;
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

const marks = (keys: readonly string[]): string => keys.map(() => '?').join(', ');
