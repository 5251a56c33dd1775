import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull } from 'typeorm';
import { Database } from '../database/database.js';
import { AccessTokenEntity } from './access-token.entity.js';

const BATCH = 1000;

@Injectable()
export class AccessTokensRepository {
  constructor(private readonly database: Database) {}

  async insert(token: Omit<AccessTokenEntity, 'id'>): Promise<void> {
    await this.database.repository(AccessTokenEntity).insert(token);
  }

  find(digest: string): Promise<AccessTokenEntity | null> {
    return this.database.repository(AccessTokenEntity).findOneBy({ digest });
  }

  /** Answers whether it was this call that revoked it. */
  async revoke(digest: string, nowMs: number, manager: EntityManager): Promise<boolean> {
    const result = await this.database.repository(AccessTokenEntity, manager).update({ digest, revokedAt: IsNull() }, { revokedAt: nowMs });
    return result.affected === 1;
  }

  /** Deletes a batch of expired tokens by primary key, so that no range of the table is locked. Answers how many it deleted. */
  async deleteExpired(nowMs: number): Promise<number> {
    const rows = await this.database.query<{ id: number }>(`SELECT id FROM access_tokens WHERE expires_at < ? ORDER BY expires_at LIMIT ${BATCH}`, [nowMs]);
    if (rows.length === 0) return 0;
    return this.database.execute(`DELETE FROM access_tokens WHERE id IN (${rows.map(() => '?').join(', ')})`, rows.map((row) => row.id));
  }
}
