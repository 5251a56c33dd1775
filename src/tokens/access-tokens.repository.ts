import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull } from 'typeorm';
import { Database } from '../database/database.js';
import { AccessTokenEntity } from './access-token.entity.js';

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

  countExpired(nowMs: number): Promise<number> {
    return this.database.countBelow('access_tokens', 'expires_at', nowMs);
  }

  /** Deletes a batch of expired tokens. Answers how many it deleted. */
  deleteExpired(nowMs: number): Promise<number> {
    return this.database.deleteBelow('access_tokens', 'expires_at', nowMs);
  }
}
