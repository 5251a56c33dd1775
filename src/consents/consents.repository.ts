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

  /** Puts a consent in place of the one that this user gave this client before, if any. */
  async put({ userId, clientId, clientGeneration, scope, grantedAt, expiresAt }: Omit<ConsentEntity, 'id'>, manager: EntityManager): Promise<void> {
    await this.database.execute(`${this.database.insertIfAbsentSql} consents (user_id, client_id, client_generation, scope, granted_at, expires_at) VALUES (?, ?, '', '', 0, 0)`, [userId, clientId], manager);
    await this.database.execute(
      'UPDATE consents SET client_generation = ?, scope = ?, granted_at = ?, expires_at = ? WHERE user_id = ? AND client_id = ?',
      [clientGeneration, scope, grantedAt, expiresAt, userId, clientId],
      manager,
    );
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
