import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.js';
import type { BackchannelLogoutEntity } from './backchannel-logout.entity.js';

type Row = Record<string, string | number>;

const COLUMNS = ['client_id', 'subject', 'session_id', 'attempts', 'next_attempt_at', 'expires_at'];
/** Each is a row in the audit log. */
const EXPIRED_BATCH = 100;
const INSERT_BATCH = 500;
const PLACES = `(${COLUMNS.map(() => '?').join(', ')})`;

@Injectable()
export class BackchannelLogoutsRepository {
  constructor(private readonly database: Database) {}

  async insert(logouts: readonly Omit<BackchannelLogoutEntity, 'id'>[], manager: EntityManager): Promise<void> {
    for (let at = 0; at < logouts.length; at += INSERT_BATCH) {
      const batch = logouts.slice(at, at + INSERT_BATCH);
      const values = batch.flatMap((logout) => [
        logout.clientId,
        logout.subject,
        logout.sessionId,
        logout.attempts,
        logout.nextAttemptAt,
        logout.expiresAt,
      ]);
      const marks = batch.map(() => PLACES).join(', ');
      const sql = `INSERT INTO backchannel_logouts (${COLUMNS.join(', ')}) VALUES ${marks}`;
      await this.database.execute(sql, values, manager);
    }
  }

  /** What is to be sent now, to other clients than these, that which waits longest first. */
  async due(nowMs: number, limit: number, exceptClientIds: readonly string[]): Promise<BackchannelLogoutEntity[]> {
    const others = exceptClientIds.length === 0 ? '' : `AND client_id NOT IN (${exceptClientIds.map(() => '?').join(', ')})`;
    const sql = `SELECT id, ${COLUMNS.join(', ')} FROM backchannel_logouts WHERE next_attempt_at <= ? AND expires_at > ? ${others} ORDER BY next_attempt_at, id LIMIT ${limit}`;
    return (await this.database.query<Row>(sql, [nowMs, nowMs, ...exceptClientIds])).map(toEntity);
  }

  /**
   * Takes a logout that is due for one attempt: of any number of instances one succeeds. Answers it as it is then, `undefined` when another was faster.
   * @param untilMs when others may take it over, since this instance must have died
   */
  async claim(read: BackchannelLogoutEntity, untilMs: number): Promise<BackchannelLogoutEntity | undefined> {
    const claimed = await this.database.execute('UPDATE backchannel_logouts SET attempts = attempts + 1, next_attempt_at = ? WHERE id = ? AND next_attempt_at = ?', [untilMs, read.id, read.nextAttemptAt]);
    return claimed === 1 ? { ...read, attempts: read.attempts + 1, nextAttemptAt: untilMs } : undefined;
  }

  /** Gives a claimed one back until a time, if it is still claimed by this call's instance. */
  async postpone(claimed: BackchannelLogoutEntity, nextAttemptAtMs: number): Promise<void> {
    await this.database.execute('UPDATE backchannel_logouts SET next_attempt_at = ? WHERE id = ? AND next_attempt_at = ?', [nextAttemptAtMs, claimed.id, claimed.nextAttemptAt]);
  }

  /** Answers whether it was there, and still claimed as it was. */
  async delete(claimed: BackchannelLogoutEntity, manager?: EntityManager): Promise<boolean> {
    return (await this.database.execute('DELETE FROM backchannel_logouts WHERE id = ? AND next_attempt_at = ?', [claimed.id, claimed.nextAttemptAt], manager)) === 1;
  }

  countAll(): Promise<number> {
    return this.database.countAll('backchannel_logouts');
  }

  countExpired(nowMs: number): Promise<number> {
    return this.database.countBelow('backchannel_logouts', 'expires_at', nowMs);
  }

  /** Some of what nobody tries to send any more. */
  async expired(nowMs: number): Promise<BackchannelLogoutEntity[]> {
    return (await this.database.query<Row>(`SELECT id, ${COLUMNS.join(', ')} FROM backchannel_logouts WHERE expires_at < ? ORDER BY expires_at LIMIT ${EXPIRED_BATCH}`, [nowMs])).map(toEntity);
  }
}

// MySQL's driver gives bigint columns as text.
const toEntity = (row: Row): BackchannelLogoutEntity => ({
  id: Number(row['id']),
  clientId: row['client_id'] as string,
  subject: row['subject'] as string,
  sessionId: row['session_id'] as string,
  attempts: Number(row['attempts']),
  nextAttemptAt: Number(row['next_attempt_at']),
  expiresAt: Number(row['expires_at']),
});
