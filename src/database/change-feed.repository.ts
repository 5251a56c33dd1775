import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from './database.js';

/** What happened to what: `topic` names the kind of thing, `subject` the one, and the row is of interest until `expiresAtMs`. */
export interface Change {
  id: number;
  topic: string;
  subject: string;
  expiresAtMs: number;
}

interface ChangeRow {
  id: number | string;
  topic: string;
  subject: string;
  expires_at: number | string;
}

const PAGE = 1000;
const COLUMNS = 'id, topic, subject, expires_at';

/** The table `changes`: appended to in the transaction that makes a change, read by every instance. */
@Injectable()
export class ChangeFeedRepository {
  constructor(private readonly database: Database) {}

  async append(topic: string, subject: string, expiresAtMs: number, manager?: EntityManager): Promise<void> {
    await this.database.execute('INSERT INTO changes (topic, subject, expires_at) VALUES (?, ?, ?)', [topic, subject, expiresAtMs], manager);
  }

  /** As {@link append}, unless this was said before. Answers whether it was this call that said it. */
  async appendOnce(topic: string, subject: string, expiresAtMs: number, manager: EntityManager): Promise<boolean> {
    const sql = `${this.database.insertIfAbsentSql} changes (topic, subject, expires_at, once_key) VALUES (?, ?, ?, ?)`;
    return (await this.database.execute(sql, [topic, subject, expiresAtMs, `${topic}:${subject}`], manager)) === 1;
  }

  /** Appends one row for each subject that has none yet, in one statement. */
  async appendAllOnce(
    topic: string,
    subjects: readonly string[],
    expiresAtMs: number,
    manager: EntityManager,
  ): Promise<void> {
    const marks = subjects.map(() => '(?, ?, ?, ?)').join(', ');
    const sql = `${this.database.insertIfAbsentSql} changes (topic, subject, expires_at, once_key) VALUES ${marks}`;
    const values = subjects.flatMap((subject) => [topic, subject, expiresAtMs, `${topic}:${subject}`]);
    await this.database.execute(sql, values, manager);
  }

  async lastId(): Promise<number> {
    const [row] = await this.database.query<{ id: number | string | null }>('SELECT MAX(id) AS id FROM changes');
    return Number(row?.id ?? 0);
  }

  /** Changes after a number, oldest first, at most {@link PAGE}: a full page may be followed by more. */
  async after(id: number): Promise<{ changes: Change[]; complete: boolean }> {
    const rows = await this.database.query<ChangeRow>(`SELECT ${COLUMNS} FROM changes WHERE id > ? ORDER BY id LIMIT ${PAGE}`, [id]);
    return { changes: rows.map(toChange), complete: rows.length < PAGE };
  }

  /** What of one topic still counts, a page at a time from `afterId`. */
  async current(topic: string, nowMs: number, afterId: number): Promise<{ changes: Change[]; complete: boolean }> {
    const rows = await this.database.query<ChangeRow>(`SELECT ${COLUMNS} FROM changes WHERE topic = ? AND id > ? AND expires_at > ? ORDER BY id LIMIT ${PAGE}`, [topic, afterId, nowMs]);
    return { changes: rows.map(toChange), complete: rows.length < PAGE };
  }

  countExpired(nowMs: number): Promise<number> {
    return this.database.countBelow('changes', 'expires_at', nowMs);
  }

  /** Deletes a batch of what no longer counts. Answers how many it deleted. */
  deleteExpired(nowMs: number): Promise<number> {
    return this.database.deleteBelow('changes', 'expires_at', nowMs);
  }
}

const toChange = (row: ChangeRow): Change => ({ id: Number(row.id), topic: row.topic, subject: row.subject, expiresAtMs: Number(row.expires_at) });
