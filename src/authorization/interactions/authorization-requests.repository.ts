import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../../database/database.js';
import { AuthorizationRequestEntity } from './authorization-request.entity.js';

@Injectable()
export class AuthorizationRequestsRepository {
  constructor(private readonly database: Database) {}

  async insert(request: Omit<AuthorizationRequestEntity, 'id'>): Promise<void> {
    await this.database.repository(AuthorizationRequestEntity).insert(request);
  }

  find(requestId: string): Promise<AuthorizationRequestEntity | null> {
    return this.database.repository(AuthorizationRequestEntity).findOneBy({ requestId });
  }

  /** Notes the session of a sign-in at its pages. Answers whether the request still waits. */
  async noteSignIn(id: number, sessionId: string, manager: EntityManager): Promise<boolean> {
    return (await this.database.execute('UPDATE authorization_requests SET signed_in_session = ? WHERE id = ? AND consumed_at IS NULL', [sessionId, id], manager)) === 1;
  }

  /** Notes who consented, to what. Returns whether the request still waits. */
  async approve(id: number, userId: string, digest: string, manager: EntityManager): Promise<boolean> {
    const sql = 'UPDATE authorization_requests SET approved_by = ?, approved_digest = ? WHERE id = ? AND consumed_at IS NULL';
    return (await this.database.execute(sql, [userId, digest, id], manager)) === 1;
  }

  /** Returns who consented, read in a transaction that has {@link consume}d the request and so holds its row. */
  async findApprover(id: number, manager: EntityManager): Promise<string | null> {
    const sql = 'SELECT approved_by FROM authorization_requests WHERE id = ?';
    const [row] = await this.database.query<{ approved_by: string | null }>(sql, [id], manager);
    return row?.approved_by ?? null;
  }

  /** Takes back what a user allowed a client in requests that still wait. Returns whether there was any. */
  async withdrawApprovals(userId: string, clientId: string, manager: EntityManager): Promise<boolean> {
    const sql = `UPDATE authorization_requests SET approved_by = NULL, approved_digest = NULL
      WHERE approved_by = ? AND client_id = ? AND consumed_at IS NULL`;
    return (await this.database.execute(sql, [userId, clientId], manager)) > 0;
  }

  /**
   * Uses the request up: of any number of callers, one does. Its row goes with the next clean-up. Returns whether it was
   * this call.
   */
  async consume(id: number, nowMs: number, manager: EntityManager): Promise<boolean> {
    const sql = 'UPDATE authorization_requests SET consumed_at = ?, expires_at = ? WHERE id = ? AND consumed_at IS NULL';
    return (await this.database.execute(sql, [nowMs, nowMs, id], manager)) === 1;
  }

  countExpired(nowMs: number): Promise<number> {
    return this.database.countBelow('authorization_requests', 'expires_at', nowMs);
  }

  /** Deletes a batch of requests that wait no longer. Answers how many it deleted. */
  deleteExpired(nowMs: number): Promise<number> {
    return this.database.deleteBelow('authorization_requests', 'expires_at', nowMs);
  }
}
