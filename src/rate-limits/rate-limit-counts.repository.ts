import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import type { RateLimitCountEntity } from './rate-limit-count.entity.js';

const BATCH = 100;

@Injectable()
export class RateLimitCountsRepository {
  constructor(private readonly database: Database) {}

  /** Writes what instances counted so far, each a row of its own: what is written twice counts once. In the order of the key, so that two instances do not wait for each other. */
  async write(rows: readonly Omit<RateLimitCountEntity, 'id'>[]): Promise<void> {
    await this.database.upsert('rate_limit_counts', ['count_key', 'instance'], { requests: 'max', expires_at: 'max' }, rows.map((row) => [row.countKey, row.instance, row.requests, row.expiresAt]), BATCH);
  }

  /** What all instances but one counted, by key. Keys of which they have nothing are left out. */
  async countedByOthers(instance: string, keys: readonly string[]): Promise<Map<string, number>> {
    if (keys.length === 0) return new Map();
    const rows = await this.database.query<{ count_key: string; requests: number | string }>(
      `SELECT count_key, SUM(requests) AS requests FROM rate_limit_counts WHERE count_key IN (${keys.map(() => '?').join(', ')}) AND instance <> ? GROUP BY count_key`,
      [...keys, instance],
    );
    return new Map(rows.map((row) => [row.count_key, Number(row.requests)]));
  }

  countExpired(nowMs: number): Promise<number> {
    return this.database.countBelow('rate_limit_counts', 'expires_at', nowMs);
  }

  deleteExpired(nowMs: number): Promise<number> {
    return this.database.deleteBelow('rate_limit_counts', 'expires_at', nowMs);
  }
}
