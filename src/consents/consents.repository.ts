import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.js';
import { ConsentEntity } from './consent.entity.js';

@Injectable()
export class ConsentsRepository {
  constructor(private readonly database: Database) {}

  find(userId: string, clientId: string, manager?: EntityManager): Promise<ConsentEntity | null> {
    return this.database.repository(ConsentEntity, manager).findOneBy({ userId, clientId });
  }

  /** Latest first. */
  ofUser(userId: string): Promise<ConsentEntity[]> {
    return this.database.repository(ConsentEntity).find({ where: { userId }, order: { grantedAt: 'DESC', id: 'DESC' } });
  }

  /**
   * Locks the row of a user and a client until the transaction ends, and returns it. Inserts one that is expired if there
   * is none: a change of another transaction waits also then.
   */
  async lock(userId: string, clientId: string, manager: EntityManager): Promise<ConsentEntity> {
    await this.database.execute(
      `INSERT INTO consents (user_id, client_id, client_generation, scope, granted_at, expires_at)
        VALUES (?, ?, '', '', 0, 0) ${this.database.orLockExistingSql('user_id')}`,
      [userId, clientId],
      manager,
    );
    return (await this.find(userId, clientId, manager))!;
  }

  /** Replaces what {@link lock} returned. */
  async replace(
    { id }: ConsentEntity,
    { clientGeneration, scope, scopeByAudience, grantedAt, expiresAt }: Omit<ConsentEntity, 'id' | 'userId' | 'clientId'>,
    manager: EntityManager,
  ): Promise<void> {
    await this.database.execute(
      `UPDATE consents SET client_generation = ?, scope = ?, scope_by_audience = ?, granted_at = ?, expires_at = ?
        WHERE id = ?`,
      [clientGeneration, scope, scopeByAudience, grantedAt, expiresAt, id],
      manager,
    );
  }

  /** Locks a consent until the transaction ends. Returns false if it is not there any more as it was read. */
  async hold(consent: ConsentEntity, manager: EntityManager): Promise<boolean> {
    const { id, userId, clientId, scope, scopeByAudience, grantedAt } = consent;
    const held = await this.database.execute(
      `UPDATE consents SET granted_at = granted_at
        WHERE id = ? AND user_id = ? AND client_id = ? AND granted_at = ? AND scope = ?
          AND COALESCE(scope_by_audience, '') = ?`,
      [id, userId, clientId, grantedAt, scope, scopeByAudience ?? ''],
      manager,
    );
    return held === 1;
  }

  /** Answers whether there was one. */
  async delete(userId: string, clientId: string, manager: EntityManager): Promise<boolean> {
    return (await this.database.execute('DELETE FROM consents WHERE user_id = ? AND client_id = ?', [userId, clientId], manager)) === 1;
  }

  countExpired(nowMs: number): Promise<number> {
    return this.database.countBelow('consents', 'expires_at', nowMs);
  }

  /** Deletes a batch of consents that do not count any more. Answers how many it deleted. */
  deleteExpired(nowMs: number): Promise<number> {
    return this.database.deleteBelow('consents', 'expires_at', nowMs);
  }
}
