import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../../database/database.js';
import { PushedAuthorizationRequestEntity } from './pushed-authorization-request.entity.js';

@Injectable()
export class PushedAuthorizationRequestsRepository {
  constructor(private readonly database: Database) {}

  async insert(request: Omit<PushedAuthorizationRequestEntity, 'id'>): Promise<void> {
    await this.database.repository(PushedAuthorizationRequestEntity).insert(request);
  }

  find(digest: string): Promise<PushedAuthorizationRequestEntity | null> {
    return this.database.repository(PushedAuthorizationRequestEntity).findOneBy({ digest });
  }

  /**
   * Uses it up: of any number of answers, one is given. The row goes with the next clean-up. Returns whether it was this
   * call.
   */
  async consume(id: number, nowMs: number, manager?: EntityManager): Promise<boolean> {
    const sql = `UPDATE pushed_authorization_requests SET consumed_at = ?, purge_after = ?
      WHERE id = ? AND consumed_at IS NULL`;
    return (await this.database.execute(sql, [nowMs, nowMs, id], manager)) === 1;
  }

  /** Moves the time from which it may be deleted, while it is not used up. */
  async keepUntil(id: number, purgeAfterMs: number): Promise<void> {
    const sql = 'UPDATE pushed_authorization_requests SET purge_after = ? WHERE id = ? AND consumed_at IS NULL';
    await this.database.execute(sql, [purgeAfterMs, id]);
  }

  countExpired(nowMs: number): Promise<number> {
    return this.database.countBelow('pushed_authorization_requests', 'purge_after', nowMs);
  }

  /** Deletes a batch of requests that nobody can come back to. Answers how many it deleted. */
  deleteExpired(nowMs: number): Promise<number> {
    return this.database.deleteBelow('pushed_authorization_requests', 'purge_after', nowMs);
  }
}
