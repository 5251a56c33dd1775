import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.js';
import type { AccessTokenEntity } from './access-token.entity.js';

export type NewAccessToken = Omit<AccessTokenEntity, 'id'>;

type Row = Record<string, string | number | null>;

const COLUMNS = ['digest', 'client_id', 'client_generation', 'user_generation', 'family_id', 'subject', 'scope', 'audience', 'issued_at', 'expires_at', 'revoked_at'];
const INSERT = `INSERT INTO access_tokens (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})`;
const FIND = `SELECT id, ${COLUMNS.join(', ')} FROM access_tokens WHERE digest = ?`;

/** In SQL of its own: TypeORM's `insert` and `find` would cost a token more than all the rest of it. */
@Injectable()
export class AccessTokensRepository {
  constructor(private readonly database: Database) {}

  /** @param manager of the transaction that uses up what the token is issued for, if anything */
  async insert(token: NewAccessToken, manager?: EntityManager): Promise<void> {
    const values = [
      token.digest, token.clientId, token.clientGeneration, token.userGeneration, token.familyId, token.subject,
      token.scope, JSON.stringify(token.audience), token.issuedAt, token.expiresAt, token.revokedAt,
    ];
    await this.database.execute(INSERT, values, manager);
  }

  async find(digest: string): Promise<AccessTokenEntity | null> {
    const [row] = await this.database.query<Row>(FIND, [digest]);
    return row ? toEntity(row) : null;
  }

  /** Answers whether it was this call that revoked it. */
  async revoke(digest: string, nowMs: number, manager: EntityManager): Promise<boolean> {
    return (await this.database.execute('UPDATE access_tokens SET revoked_at = ? WHERE digest = ? AND revoked_at IS NULL', [nowMs, digest], manager)) === 1;
  }

  countExpired(nowMs: number): Promise<number> {
    return this.database.countBelow('access_tokens', 'expires_at', nowMs);
  }

  /** Deletes a batch of expired tokens. Answers how many it deleted. */
  deleteExpired(nowMs: number): Promise<number> {
    return this.database.deleteBelow('access_tokens', 'expires_at', nowMs);
  }
}

function toEntity(row: Row): AccessTokenEntity {
  const text = (column: string) => row[column] as string;
  const optionalText = (column: string) => row[column] as string | null;
  return {
    id: Number(row['id']),
    digest: text('digest'),
    clientId: text('client_id'),
    clientGeneration: text('client_generation'),
    userGeneration: optionalText('user_generation'),
    familyId: optionalText('family_id'),
    subject: text('subject'),
    scope: text('scope'),
    audience: JSON.parse(text('audience')) as string[],
    // MySQL's driver gives bigint columns as text.
    issuedAt: Number(row['issued_at']),
    expiresAt: Number(row['expires_at']),
    revokedAt: row['revoked_at'] === null ? null : Number(row['revoked_at']),
  };
}
