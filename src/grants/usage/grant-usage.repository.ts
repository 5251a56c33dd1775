import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database.js';
import type { GrantUsageEntity } from './grant-usage.entity.js';
import type { PasswordGrantUserEntity } from './password-grant-user.entity.js';

export type UsageRow = Omit<GrantUsageEntity, 'id'>;
export type PasswordGrantUser = Omit<PasswordGrantUserEntity, 'id'>;

const BATCH = 100;
/** Not of one that had the id before it and was deleted. */
const OF_THIS_CLIENT = 'INNER JOIN clients AS c ON c.client_id = u.client_id AND c.created_at <= u.last_used_at';

@Injectable()
export class GrantUsageRepository {
  constructor(private readonly database: Database) {}

  /** Adds to the counts, a batch a statement, in the order of the key so that two instances do not wait for each other. */
  async add(rows: readonly UsageRow[]): Promise<void> {
    await this.database.upsert('grant_usage', ['client_id', 'grant_type', 'scope', 'day'], { tokens: 'sum', last_used_at: 'max' }, rows.map((row) => [row.clientId, row.grantType, row.scope, row.day, row.tokens, row.lastUsedAt]), BATCH);
  }

  async addPasswordGrantUsers(users: readonly PasswordGrantUser[]): Promise<void> {
    await this.database.upsert('password_grant_users', ['client_id', 'user_id'], { last_used_at: 'max' }, users.map((user) => [user.clientId, user.userId, user.lastUsedAt]), BATCH);
  }

  /** When clients last used a grant, in milliseconds since the epoch. Those that never did are left out. */
  async lastUses(clientIds: readonly string[], grantType: string): Promise<Map<string, number>> {
    if (clientIds.length === 0) return new Map();
    const rows = await this.database.query<{ client_id: string; last: number | string }>(
      `SELECT u.client_id, MAX(u.last_used_at) AS last FROM grant_usage AS u ${OF_THIS_CLIENT} WHERE u.client_id IN (${marks(clientIds)}) AND u.grant_type = ? AND u.scope = '' GROUP BY u.client_id`,
      [...clientIds, grantType],
    );
    return new Map(rows.map(({ client_id: clientId, last }) => [clientId, Number(last)]));
  }

  /** The scopes that a client got since a day. */
  async scopesSince(clientId: string, day: number): Promise<Set<string>> {
    const rows = await this.database.query<{ scope: string }>(`SELECT DISTINCT u.scope FROM grant_usage AS u ${OF_THIS_CLIENT} WHERE u.client_id = ? AND u.day >= ? AND u.scope <> ''`, [clientId, day]);
    return new Set(rows.map(({ scope }) => scope));
  }

  /** How many users signed in to clients by the password grant since a time. */
  async passwordGrantUsers(clientIds: readonly string[], sinceMs: number): Promise<Map<string, number>> {
    if (clientIds.length === 0) return new Map();
    const rows = await this.database.query<{ client_id: string; n: number | string }>(
      `SELECT u.client_id, COUNT(*) AS n FROM password_grant_users AS u ${OF_THIS_CLIENT} WHERE u.client_id IN (${marks(clientIds)}) AND u.last_used_at >= ? GROUP BY u.client_id`,
      [...clientIds, sinceMs],
    );
    return new Map(rows.map(({ client_id: clientId, n }) => [clientId, Number(n)]));
  }
}

const marks = (values: readonly unknown[]): string => values.map(() => '?').join(', ');
