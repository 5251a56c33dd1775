import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { ClockReading } from '../common/time/clock.js';
import { Database } from './database.js';

/** What happened to what: `topic` names the kind of thing, `subject` the one, and the row is of interest until `expiresAtMs`. */
export interface Change {
  id: number;
  topic: string;
  subject: string;
  expiresAtMs: number;
}

/** A page of changes, oldest first; a page that is not complete may be followed by more. */
export interface ChangePage {
  readonly changes: Change[];
  readonly complete: boolean;
}

interface ChangeRow {
  id: number | string;
  topic: string;
  subject: string;
  expires_at: number | string;
}

/** Each row also tells the database's time; where there is no change, one row tells nothing else. */
interface TimedRow {
  now_ms: number | string;
  id: number | string | null;
}

const PAGE = 1000;
const COLUMNS = 'id, topic, subject, expires_at';

/** How long a change counts that only tells others to read something again. */
export const NOTICE_MS = 10 * 60_000;

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

  async newest(): Promise<Change | undefined> {
    const [row] = await this.database.query<ChangeRow>(`SELECT ${COLUMNS} FROM changes WHERE id = (SELECT MAX(id) FROM changes)`);
    return row && toChange(row);
  }

  /**
   * Changes from a number on, and the database's clock, in one statement: instances ask this several times a second. It
   * takes the connection that requests cannot take.
   */
  async from(id: number): Promise<ChangePage & { reading: ClockReading }> {
    const sentAt = performance.now();
    const rows = await this.database.queryReserved<TimedRow & ChangeRow>(
      `SELECT now_ms, ${COLUMNS} FROM (SELECT ${this.database.nowMsSql} AS now_ms) AS the_time
       LEFT JOIN changes ON id >= ? ORDER BY id LIMIT ${PAGE}`,
      [id],
    );
    const reading = { databaseMs: Number(rows[0].now_ms), sentAt, receivedAt: performance.now() };
    return { changes: rows.filter((row) => row.id !== null).map(toChange), complete: rows.length < PAGE, reading };
  }

  /** What of one topic still counts, a page at a time from `afterId`. */
  async current(topic: string, nowMs: number, afterId: number): Promise<ChangePage> {
    const rows = await this.database.query<ChangeRow>(`SELECT ${COLUMNS} FROM changes WHERE topic = ? AND id > ? AND expires_at > ? ORDER BY id LIMIT ${PAGE}`, [topic, afterId, nowMs]);
    return { changes: rows.map(toChange), complete: rows.length < PAGE };
  }

  countExpired(nowMs: number): Promise<number> {
    return this.database.countBelow('changes', 'expires_at', nowMs);
  }

  /**
   * Deletes a batch of expired changes, and returns how many it deleted. The newest row shows every instance that the table
   * did not go back (see {@link ChangeWindow}), so another takes its place before it goes.
   */
  async deleteExpired(nowMs: number): Promise<number> {
    const newest = await this.newest();
    if (newest && newest.expiresAtMs < nowMs) await this.append('placeholder', '', nowMs + NOTICE_MS);
    return this.database.deleteBelow('changes', 'expires_at', nowMs);
  }
}

const toChange = (row: ChangeRow): Change => ({ id: Number(row.id), topic: row.topic, subject: row.subject, expiresAtMs: Number(row.expires_at) });
