import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../../database/database.js';
import { AuthorizationCodeEntity } from './authorization-code.entity.js';

export type NewAuthorizationCode = Omit<AuthorizationCodeEntity, 'id'>;

@Injectable()
export class AuthorizationCodesRepository {
  constructor(private readonly database: Database) {}

  async insert(code: NewAuthorizationCode, manager: EntityManager): Promise<void> {
    await this.database.repository(AuthorizationCodeEntity, manager).insert(code);
  }

  find(digest: string): Promise<AuthorizationCodeEntity | null> {
    return this.database.repository(AuthorizationCodeEntity).findOneBy({ digest });
  }

  /** Uses the code up: of any number of callers, one succeeds. Answers whether this was it. */
  async consume(id: number, nowMs: number, manager: EntityManager): Promise<boolean> {
    return (await this.database.execute('UPDATE authorization_codes SET consumed_at = ? WHERE id = ? AND consumed_at IS NULL', [nowMs, id], manager)) === 1;
  }

  /** Says that the answer to the use of a code has left. */
  async markAnswered(id: number, nowMs: number): Promise<void> {
    await this.database.execute('UPDATE authorization_codes SET answered_at = ? WHERE id = ?', [nowMs, id]);
  }

  /** Counts a wrong verifier; the last one that is allowed uses the code up. */
  async countFailure(id: number, limit: number, nowMs: number): Promise<void> {
    // In this order: MySQL assigns from left to right, and reads what it has assigned.
    await this.database.execute(
      'UPDATE authorization_codes SET consumed_at = CASE WHEN failed_verifiers + 1 >= ? THEN ? ELSE consumed_at END, failed_verifiers = failed_verifiers + 1 WHERE id = ? AND consumed_at IS NULL',
      [limit, nowMs, id],
    );
  }

  /**
   * Uses up what a client has not redeemed yet for a user. Answers how many codes that were. One that is being redeemed is waited for.
   * @param keptUntilMs codes that are purged by then are over anyway: only the newest part of the index is looked through
   */
  discardUnused(userId: string, clientId: string, keptUntilMs: number, nowMs: number, manager: EntityManager): Promise<number> {
    const sql = 'UPDATE authorization_codes SET consumed_at = ? WHERE purge_after > ? AND user_id = ? AND client_id = ? AND consumed_at IS NULL';
    return this.database.execute(sql, [nowMs, keptUntilMs, userId, clientId], manager);
  }

  countExpired(nowMs: number): Promise<number> {
    return this.database.countBelow('authorization_codes', 'purge_after', nowMs);
  }

  /** Deletes a batch of codes of which nothing can be alive any more. Answers how many it deleted. */
  deleteExpired(nowMs: number): Promise<number> {
    return this.database.deleteBelow('authorization_codes', 'purge_after', nowMs);
  }
}
