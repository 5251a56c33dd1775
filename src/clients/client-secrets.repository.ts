import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.js';
import { ClientSecretEntity } from './client-secret.entity.js';

const BATCH = 200;

@Injectable()
export class ClientSecretsRepository {
  constructor(private readonly database: Database) {}

  async insert(secret: Omit<ClientSecretEntity, 'id'>, manager: EntityManager): Promise<void> {
    await this.database.repository(ClientSecretEntity, manager).insert(secret);
  }

  /** Newest first. */
  ofClient(clientRowId: number, manager?: EntityManager): Promise<ClientSecretEntity[]> {
    return this.database.repository(ClientSecretEntity, manager).find({ where: { clientRowId }, order: { id: 'DESC' } });
  }

  /** Ends the secrets that a client has now, at a time; those that end sooner keep their end. */
  async expireAll(clientRowId: number, atMs: number, manager: EntityManager): Promise<void> {
    await this.database.execute('UPDATE client_secrets SET expires_at = ? WHERE client_row_id = ? AND (expires_at IS NULL OR expires_at > ?)', [atMs, clientRowId, atMs], manager);
  }

  async deleteExpired(clientRowId: number, nowMs: number, manager: EntityManager): Promise<void> {
    await this.database.execute('DELETE FROM client_secrets WHERE client_row_id = ? AND expires_at <= ?', [clientRowId, nowMs], manager);
  }

  async delete(clientRowId: number, secretId: string, manager: EntityManager): Promise<boolean> {
    const result = await this.database.repository(ClientSecretEntity, manager).delete({ clientRowId, secretId });
    return result.affected === 1;
  }

  async deleteAll(clientRowId: number, manager: EntityManager): Promise<void> {
    await this.database.repository(ClientSecretEntity, manager).delete({ clientRowId });
  }

  /** Writes times of use, a batch a statement; a later time that another instance wrote stays. @param uses milliseconds since the epoch by row id */
  async recordUse(uses: ReadonlyMap<number, number>): Promise<void> {
    await this.database.raiseColumn('client_secrets', 'last_used_at', uses, BATCH);
  }
}
