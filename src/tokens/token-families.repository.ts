import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.js';
import { TokenFamilyEntity } from './token-family.entity.js';

/** How a family moves on from one refresh token to the next. Times are milliseconds since the epoch. */
export interface Rotation {
  currentDigest: string;
  successorSalt: string;
  retryUntil: number;
  idleExpiresAt: number;
  accessExpiresAt: number;
  purgeAfter: number;
}

@Injectable()
export class TokenFamiliesRepository {
  constructor(private readonly database: Database) {}

  async insert(family: Omit<TokenFamilyEntity, 'id'>): Promise<void> {
    await this.database.repository(TokenFamilyEntity).insert(family);
  }

  async find(familyId: string, manager?: EntityManager): Promise<TokenFamilyEntity | null> {
    return this.database.repository(TokenFamilyEntity, manager).findOneBy({ familyId });
  }

  /**
   * Retires the current token and puts its successor in its place, in one statement that commits by itself: of any number of callers with one
   * token, one succeeds. Answers whether this was it.
   */
  async rotate({ id, currentDigest }: TokenFamilyEntity, next: Rotation): Promise<boolean> {
    // In this order: MySQL assigns from left to right, and reads what it has assigned.
    const affected = await this.database.execute(
      `UPDATE token_families SET previous_digest = current_digest, current_digest = ?, successor_salt = ?, retry_until = ?, idle_expires_at = ?, access_expires_at = ?, purge_after = ?
        WHERE id = ? AND current_digest = ? AND revoked_at IS NULL`,
      [next.currentDigest, next.successorSalt, next.retryUntil, next.idleExpiresAt, next.accessExpiresAt, next.purgeAfter, id, currentDigest],
    );
    return affected === 1;
  }

  /** Lets the token before the current one be sent again for longer. Answers whether the rotation that retired it was committed, and is still the last one. */
  async extendRetry(familyId: string, currentDigest: string, retryUntil: number): Promise<boolean> {
    const affected = await this.database.execute('UPDATE token_families SET retry_until = ? WHERE family_id = ? AND current_digest = ?', [retryUntil, familyId, currentDigest]);
    return affected === 1;
  }

  /** Answers whether it was this call that revoked it. */
  async revoke(familyId: string, nowMs: number, manager: EntityManager): Promise<boolean> {
    return (await this.database.execute('UPDATE token_families SET revoked_at = ? WHERE family_id = ? AND revoked_at IS NULL', [nowMs, familyId], manager)) === 1;
  }

  countExpired(nowMs: number): Promise<number> {
    return this.database.countBelow('token_families', 'purge_after', nowMs);
  }

  /** Deletes a batch of families of which no token can be good any more. Answers how many it deleted. */
  deleteExpired(nowMs: number): Promise<number> {
    return this.database.deleteBelow('token_families', 'purge_after', nowMs);
  }
}
