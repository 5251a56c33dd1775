import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.js';
import { SessionEntity } from './session.entity.js';

@Injectable()
export class SessionsRepository {
  constructor(private readonly database: Database) {}

  async insert(session: Omit<SessionEntity, 'id'>, manager: EntityManager): Promise<void> {
    await this.database.repository(SessionEntity, manager).insert(session);
  }

  find(sessionId: string): Promise<SessionEntity | null> {
    return this.database.repository(SessionEntity).findOneBy({ sessionId });
  }

  async findByDigest(digest: string): Promise<SessionEntity | null> {
    return this.database.repository(SessionEntity).findOneBy({ digest });
  }

  /** Newest first. */
  ofUser(userId: string): Promise<SessionEntity[]> {
    return this.database.repository(SessionEntity).find({ where: { userId }, order: { id: 'DESC' } });
  }

  /** The same session, from now on by another cookie. Answers whether it was still there. */
  async renew({ sessionId, ...row }: Omit<SessionEntity, 'id'>, manager: EntityManager): Promise<boolean> {
    return (await this.database.repository(SessionEntity, manager).update({ sessionId }, row)).affected === 1;
  }

  /** Holds the row until the transaction ends, on databases that know row locks and on those that do not. Answers whether it is there. */
  async lock(sessionId: string, manager: EntityManager): Promise<boolean> {
    return (await this.database.execute('UPDATE sessions SET digest = digest WHERE session_id = ?', [sessionId], manager)) === 1;
  }

  /** Moves the idle end, unless another request did. */
  async touch({ id, lastSeenAt }: SessionEntity, nowMs: number, idleExpiresAt: number): Promise<void> {
    await this.database.execute('UPDATE sessions SET last_seen_at = ?, idle_expires_at = ? WHERE id = ? AND last_seen_at = ?', [nowMs, idleExpiresAt, id, lastSeenAt]);
  }

  countExpired(nowMs: number): Promise<number> {
    return this.database.countBelow('sessions', 'expires_at', nowMs);
  }

  /** Deletes a batch of sessions that are over. Answers how many it deleted. */
  deleteExpired(nowMs: number): Promise<number> {
    return this.database.deleteBelow('sessions', 'expires_at', nowMs);
  }
}
