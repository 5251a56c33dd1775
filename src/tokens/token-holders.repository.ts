import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import type { TokenFamilyEntity } from './token-family.entity.js';

/** A client that may hold tokens of a user. */
export type TokenHolder = Pick<TokenFamilyEntity, 'clientId' | 'clientGeneration'> & {
  firstIssuedAt: number;
  lastExpiresAt: number;
};

export type GrantedToHolder = Pick<TokenFamilyEntity, 'clientId' | 'clientGeneration' | 'scope' | 'audience'>;

type Row<Column extends string> = Record<Column | 'client_id' | 'client_generation', string>;

const OF_USER = 'WHERE user_id = ? AND user_generation = ? AND revoked_at IS NULL AND idle_expires_at > ?';

/** Which clients hold tokens of a user, as their token families say. */
@Injectable()
export class TokenHoldersRepository {
  constructor(private readonly database: Database) {}

  /** @param afterMs families whose idle end was before are left out */
  async find(userId: string, userGeneration: string, afterMs: number): Promise<TokenHolder[]> {
    const rows = await this.database.query<Row<'first_issued_at' | 'last_expires_at'>>(
      `SELECT client_id, client_generation, MIN(issued_at) AS first_issued_at, MAX(idle_expires_at) AS last_expires_at
        FROM token_families ${OF_USER} GROUP BY client_id, client_generation`,
      [userId, userGeneration, afterMs],
    );
    return rows.map((row) => ({
      clientId: row.client_id,
      clientGeneration: row.client_generation,
      firstIssuedAt: Number(row.first_issued_at),
      lastExpiresAt: Number(row.last_expires_at),
    }));
  }

  /** What the families of {@link find} were granted, each combination once, and no more of them than the limit. */
  async findGranted(userId: string, userGeneration: string, afterMs: number, limit: number): Promise<GrantedToHolder[]> {
    const rows = await this.database.query<Row<'scope' | 'audience'>>(
      `SELECT DISTINCT client_id, client_generation, scope, audience FROM token_families ${OF_USER} LIMIT ${limit}`,
      [userId, userGeneration, afterMs],
    );
    return rows.map((row) => ({
      clientId: row.client_id,
      clientGeneration: row.client_generation,
      scope: row.scope,
      audience: JSON.parse(row.audience) as string[],
    }));
  }
}
