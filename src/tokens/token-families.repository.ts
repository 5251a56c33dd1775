import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Client } from '../clients/client.js';
import { Database, DELETE_BATCH } from '../database/database.js';
import { ACCESS_TOKEN_MARGIN_MS, MAX_ACCESS_TOKEN_LIFETIME_MS } from './token-family-times.js';
import { FAMILY_COLUMNS, type FamilyRow, toFamily } from './token-family-row.js';
import type { TokenFamilyEntity } from './token-family.entity.js';

/**
 * How a family moves on from one refresh token to the next. Times are milliseconds since the epoch; `purgeAfter` moves
 * no time back.
 */
export interface Rotation {
  currentDigest: string;
  successorSalt: string;
  retryUntil: number;
  idleExpiresAt: number;
  purgeAfter: number;
}

export type NewTokenFamily = Omit<TokenFamilyEntity, 'id'>;

/** The live families of a session, of one client in it, of all sessions of a user but one, or of a user and a client. */
export type FamilySelection =
  | { readonly sessionId: string; readonly clientId?: string }
  | { readonly userId: string; readonly exceptSessionId: string }
  | { readonly userId: string; readonly clientId: string };

/** What a revocation needs to know of a family. */
export type RevocableFamily = Pick<TokenFamilyEntity, 'familyId' | 'clientId' | 'userId'>;

type LockedFamily = RevocableFamily & Pick<TokenFamilyEntity, 'id' | 'scope'>;

const INSERT = `INSERT INTO token_families (${FAMILY_COLUMNS.join(', ')}) VALUES (${FAMILY_COLUMNS.map(() => '?').join(', ')})`;
const FIND = `SELECT id, ${FAMILY_COLUMNS.join(', ')} FROM token_families WHERE family_id = ?`;
// In this order: MySQL assigns from left to right, and reads what it has assigned. The idle end is never beyond the absolute one.
const rotateSql = (greatest: string) => `UPDATE token_families SET previous_digest = current_digest, current_digest = ?, successor_salt = ?, retry_until = ?, idle_expires_at = ?,
  purge_after = ${greatest}(purge_after, ?)
  WHERE family_id = ? AND current_digest = ? AND client_id = ? AND client_generation = ? AND revoked_at IS NULL AND idle_expires_at > ?`;

// A family with refresh tokens may have issued an access token just before its idle end. One without has an idle end that
// is the end of its access token, unless the previous version wrote it: then it is the time of issue.
const MAY_OUTLIVE = '(expires_at > issued_at OR idle_expires_at = issued_at)';

/** When the session of a family ends at the latest; no row: it has ended. */
const SESSION_END = 'SELECT expires_at FROM sessions WHERE sessions.session_id = token_families.session_id';

/** In SQL of its own: TypeORM's `insert` and `find` would cost a refresh more than all the rest of it. */
@Injectable()
export class TokenFamiliesRepository {
  private readonly rotateSql: string;

  constructor(private readonly database: Database) {
    this.rotateSql = rotateSql(database.greatestSql);
  }

  async insert(family: NewTokenFamily, manager?: EntityManager): Promise<void> {
    const values = [
      family.familyId, family.clientId, family.clientGeneration, family.userId, family.userGeneration,
      family.grantType, family.scope, JSON.stringify(family.audience), family.currentDigest, family.previousDigest,
      family.successorSalt, family.retryUntil, family.issuedAt, family.expiresAt, family.idleExpiresAt,
      family.revokedAt, family.purgeAfter, family.sessionId, family.openid && JSON.stringify(family.openid),
    ];
    await this.database.execute(INSERT, values, manager);
  }

  async find(familyId: string, manager?: EntityManager): Promise<TokenFamilyEntity | null> {
    const [row] = await this.database.query<FamilyRow>(FIND, [familyId], manager);
    return row ? toFamily(row) : null;
  }

  /**
   * Retires the current token and puts its successor in its place, in one statement: of any number of callers with one
   * token, one succeeds. Returns whether this was it; if not, the token is not the current one of a family of this
   * client, or the family is revoked or has ended.
   * @param manager of the transaction that stores what the rotation gives; without one the statement commits by itself
   */
  async rotate(
    familyId: string,
    currentDigest: string,
    { clientId, tokenGeneration }: Client,
    next: Rotation,
    nowMs: number,
    manager?: EntityManager,
  ): Promise<boolean> {
    const values = [
      next.currentDigest, next.successorSalt, next.retryUntil, next.idleExpiresAt, next.purgeAfter,
      familyId, currentDigest, clientId, tokenGeneration, nowMs,
    ];
    return (await this.database.execute(this.rotateSql, values, manager)) === 1;
  }

  /** Lets the token before the current one be sent again for longer. Answers whether the rotation that retired it was committed, and is still the last one. */
  async extendRetry(familyId: string, currentDigest: string, retryUntil: number): Promise<boolean> {
    return (await this.database.execute('UPDATE token_families SET retry_until = ? WHERE family_id = ? AND current_digest = ?', [retryUntil, familyId, currentDigest])) === 1;
  }

  /** Returns whether it was this call that revoked it. */
  async revoke(familyId: string, nowMs: number, manager: EntityManager): Promise<boolean> {
    const sql = 'UPDATE token_families SET revoked_at = ? WHERE family_id = ? AND revoked_at IS NULL';
    return (await this.database.execute(sql, [nowMs, familyId], manager)) === 1;
  }

  /** As {@link revoke}, if the current refresh token is still the one that the caller knows of. */
  async revokeUnchanged(
    familyId: string,
    currentDigest: string,
    nowMs: number,
    manager: EntityManager,
  ): Promise<boolean> {
    const sql = `UPDATE token_families SET revoked_at = ?
      WHERE family_id = ? AND revoked_at IS NULL AND current_digest = ?`;
    return (await this.database.execute(sql, [nowMs, familyId, currentDigest], manager)) === 1;
  }

  /**
   * Locks families that match, are not revoked and may still have valid tokens, in the order of their ids.
   * @param afterId the last id of the batch before
   */
  async lockLive(
    selection: FamilySelection,
    afterId: number,
    limit: number,
    nowMs: number,
    manager: EntityManager,
  ): Promise<LockedFamily[]> {
    const matches = conditionsOf(selection);
    const rows = await this.database.query<FamilyRow>(
      `SELECT id, family_id, client_id, user_id, scope FROM token_families
        WHERE ${matches.map(([condition]) => condition).join(' AND ')}
          AND id > ? AND revoked_at IS NULL AND (idle_expires_at > ? OR (idle_expires_at > ? AND ${MAY_OUTLIVE}))
        ORDER BY id LIMIT ${limit}${this.database.isSqlite ? '' : ' FOR UPDATE'}`,
      [
        ...matches.map(([, value]) => value),
        afterId,
        nowMs - ACCESS_TOKEN_MARGIN_MS,
        nowMs - MAX_ACCESS_TOKEN_LIFETIME_MS,
      ],
      manager,
    );
    return rows.map((row) => ({
      id: Number(row['id']),
      familyId: row['family_id'] as string,
      clientId: row['client_id'] as string,
      userId: row['user_id'] as string,
      scope: row['scope'] as string,
    }));
  }

  /** Revokes rows that {@link lockLive} locked. */
  async revokeLocked(ids: readonly number[], nowMs: number, manager: EntityManager): Promise<void> {
    const sql = `UPDATE token_families SET revoked_at = ? WHERE id IN (${ids.map(() => '?').join(', ')})`;
    await this.database.execute(sql, [nowMs, ...ids], manager);
  }

  countExpired(nowMs: number): Promise<number> {
    return this.database.countBelow('token_families', 'purge_after', nowMs);
  }

  /**
   * Deletes a batch of families that can have no valid token any more. While the session of a family goes on, the row
   * stays: it tells which client must be told when the session ends, and a sign-in may move that end at any time.
   * @returns how many it deleted
   */
  async deleteExpired(nowMs: number): Promise<number> {
    for (;;) {
      const batch = await this.expired(nowMs);
      if (batch.length === 0) return 0;
      const marks = batch.map(() => '?').join(', ');
      const kept = await this.database.execute(
        `UPDATE token_families SET purge_after = (${SESSION_END})
          WHERE id IN (${marks}) AND session_id IS NOT NULL AND (${SESSION_END}) >= ?`,
        [...batch, nowMs],
      );
      if (kept === batch.length) continue;
      return this.database.execute(`DELETE FROM token_families WHERE id IN (${marks}) AND purge_after < ?`, [...batch, nowMs]);
    }
  }

  private async expired(nowMs: number): Promise<(number | string)[]> {
    const sql = `SELECT id FROM token_families WHERE purge_after < ? ORDER BY purge_after LIMIT ${DELETE_BATCH}`;
    return (await this.database.query<{ id: number | string }>(sql, [nowMs])).map(({ id }) => id);
  }
}

function conditionsOf(selection: FamilySelection): (readonly [condition: string, value: string])[] {
  if ('exceptSessionId' in selection) {
    const { userId, exceptSessionId } = selection;
    // A family of no session has NULL there, which is not unequal to anything.
    return [['user_id = ?', userId], ['session_id <> ?', exceptSessionId]];
  }
  const client = selection.clientId === undefined ? [] : ([['client_id = ?', selection.clientId]] as const);
  return 'sessionId' in selection
    ? [['session_id = ?', selection.sessionId], ...client]
    : [['user_id = ?', selection.userId], ...client];
}
