import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.js';

/** Sessions that end together: one; all of a user but one; or all of a user that began under another token generation. */
export type SessionSelection =
  | { readonly sessionId: string }
  | { readonly userId: string; readonly exceptSessionId: string }
  | VoidSessions;

/** @property exceptGeneration the user's own; `undefined` for a user who is disabled or gone */
export interface VoidSessions {
  readonly userId: string;
  readonly exceptGeneration: string | undefined;
}

/** A session whose row was deleted. */
export interface DeletedSession {
  readonly sessionId: string;
  readonly userId: string;
}

/** A client to which the user of a session signed in by it. */
export interface SessionClient extends DeletedSession {
  readonly clientId: string;
}

type Row = Record<'session_id' | 'user_id' | 'client_id', string> & { id: number | string };

/** How many rows one statement reads or deletes. */
const BATCH = 500;

/** What ending sessions reads and writes in the tables of sessions and of token families, by the columns that both have. */
@Injectable()
export class SessionEndRepository {
  constructor(private readonly database: Database) {}

  /** Whether a user has sessions of another token generation, or families of such sessions whose own rows are gone. */
  async hasVoid(userId: string): Promise<boolean> {
    const voidIn = (table: string) =>
      `SELECT 1 AS one FROM ${table} WHERE user_id = ? AND session_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM users
        WHERE users.user_id = ${table}.user_id AND token_generation = user_generation AND enabled = 1)`;
    const sql = `${voidIn('sessions')} UNION ALL ${voidIn('token_families')} LIMIT 1`;
    return (await this.database.query(sql, [userId, userId])).length > 0;
  }

  /**
   * Reads a page of all sessions, and returns the users of those that are void.
   * @returns `afterId` of the next page; `undefined` after the last one
   */
  async usersWithVoid(afterId: number): Promise<{ userIds: string[]; afterId: number | undefined }> {
    const rows = await this.database.query<Row & { valid: number | string }>(
      `SELECT id, user_id, EXISTS (SELECT 1 FROM users WHERE users.user_id = sessions.user_id
          AND token_generation = user_generation AND enabled = 1) AS valid
        FROM sessions WHERE id > ? ORDER BY id LIMIT ${BATCH}`,
      [afterId],
    );
    const userIds = rows.filter(({ valid }) => Number(valid) === 0).map((row) => row.user_id);
    return { userIds, afterId: rows.length < BATCH ? undefined : Number(rows.at(-1)!.id) };
  }

  /** Keeps the token generation of a user as it is until the transaction ends: no session of a newer one can begin. */
  async lockVoid(userId: string, manager: EntityManager): Promise<VoidSessions> {
    const select = `SELECT token_generation FROM users WHERE user_id = ? AND enabled = 1${this.forUpdate}`;
    const [user] = await this.database.query<{ token_generation: string }>(select, [userId], manager);
    return { userId, exceptGeneration: user?.token_generation };
  }

  /** Deletes the rows of sessions. A redemption holds the row of its session, so all families are committed after this. */
  async deleteSessions(selection: SessionSelection, manager: EntityManager): Promise<DeletedSession[]> {
    const { sql, values } = conditionsOf(selection);
    const select = `SELECT id, session_id, user_id FROM sessions WHERE ${sql} ORDER BY id${this.forUpdate}`;
    const rows = await this.database.query<Row>(select, values, manager);
    for (let at = 0; at < rows.length; at += BATCH) {
      const ids = rows.slice(at, at + BATCH).map(({ id }) => id);
      await this.database.execute(`DELETE FROM sessions WHERE id IN (${ids.map(() => '?').join(', ')})`, ids, manager);
    }
    return rows.map(toSession);
  }

  /**
   * Returns the clients that hold families of the sessions. It locks the families: of two callers that end a session
   * whose row is gone, the second finds none.
   */
  async lockClients(selection: SessionSelection, manager: EntityManager): Promise<SessionClient[]> {
    const { sql, values } = conditionsOf(selection);
    const select = `SELECT DISTINCT session_id, user_id, client_id FROM token_families WHERE ${sql} AND session_id IS NOT NULL`;
    const rows = await this.database.query<Row>(select + this.forUpdate, values, manager);
    return rows.map((row) => ({ ...toSession(row), clientId: row.client_id }));
  }

  /** Families of a session that has ended belong to none. */
  async detachFamilies(selection: SessionSelection, manager: EntityManager): Promise<void> {
    const { sql, values } = conditionsOf(selection);
    const update = `UPDATE token_families SET session_id = NULL WHERE ${sql} AND session_id IS NOT NULL`;
    await this.database.execute(update, values, manager);
  }

  /** SQLite runs one transaction at a time. */
  private get forUpdate(): string {
    return this.database.isSqlite ? '' : ' FOR UPDATE';
  }
}

const toSession = (row: Row): DeletedSession => ({ sessionId: row.session_id, userId: row.user_id });

function conditionsOf(selection: SessionSelection): { sql: string; values: string[] } {
  if ('sessionId' in selection) return { sql: 'session_id = ?', values: [selection.sessionId] };
  const { userId } = selection;
  if ('exceptSessionId' in selection) {
    return { sql: 'user_id = ? AND session_id <> ?', values: [userId, selection.exceptSessionId] };
  }
  const { exceptGeneration } = selection;
  if (exceptGeneration === undefined) return { sql: 'user_id = ?', values: [userId] };
  return { sql: 'user_id = ? AND user_generation <> ?', values: [userId, exceptGeneration] };
}
