import { Injectable } from '@nestjs/common';
import { In, MoreThanOrEqual } from 'typeorm';
import { Database } from '../../database/database.js';
import { GrantUsageEntity } from './grant-usage.entity.js';
import { PasswordGrantUserEntity } from './password-grant-user.entity.js';

export type UsageRow = Omit<GrantUsageEntity, 'id'>;
export type PasswordGrantUser = Omit<PasswordGrantUserEntity, 'id'>;

/** Of one client and grant. */
export interface GrantUse {
  tokens: number;
  /** Milliseconds since the epoch. */
  lastUsedAtMs: number;
}

const BATCH = 100;

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

  /** What clients used since a day, by client id and then by grant type. */
  async since(clientIds: readonly string[], day: number): Promise<Map<string, Map<string, GrantUse>>> {
    const rows = await this.database.repository(GrantUsageEntity).findBy({ clientId: In([...clientIds]), scope: '', day: MoreThanOrEqual(day) });
    const uses = new Map<string, Map<string, GrantUse>>();
    for (const { clientId, grantType, tokens, lastUsedAt } of rows) {
      const ofClient = uses.get(clientId) ?? new Map<string, GrantUse>();
      const before = ofClient.get(grantType);
      ofClient.set(grantType, { tokens: tokens + (before?.tokens ?? 0), lastUsedAtMs: Math.max(lastUsedAt, before?.lastUsedAtMs ?? 0) });
      uses.set(clientId, ofClient);
    }
    return uses;
  }

  /** The scopes that a client got since a day. */
  async scopesSince(clientId: string, day: number): Promise<Set<string>> {
    const rows = await this.database.query<{ scope: string }>(`SELECT DISTINCT scope FROM grant_usage WHERE client_id = ? AND day >= ? AND scope <> ''`, [clientId, day]);
    return new Set(rows.map(({ scope }) => scope));
  }

  /** How many users signed in to a client by the password grant since a time. */
  async passwordGrantUsers(clientId: string, sinceMs: number): Promise<number> {
    return this.database.repository(PasswordGrantUserEntity).countBy({ clientId, lastUsedAt: MoreThanOrEqual(sinceMs) });
  }
}
