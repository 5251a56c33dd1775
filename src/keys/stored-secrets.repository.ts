import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { StoredSecretEntity } from './stored-secret.entity.js';

@Injectable()
export class StoredSecretsRepository {
  constructor(private readonly database: Database) {}

  all(): Promise<StoredSecretEntity[]> {
    return this.database.repository(StoredSecretEntity).find();
  }

  /** Inserts the secret unless there is one of its name. */
  async insertIfAbsent({ name, sealed, storedAt }: StoredSecretEntity): Promise<void> {
    const { insertIfAbsentSql } = this.database;
    await this.database.execute(`${insertIfAbsentSql} stored_secrets (name, sealed, stored_at) VALUES (?, ?, ?)`, [name, sealed, storedAt]);
  }

  /** Returns whether the sealed value was still `from`. */
  async reseal(name: string, from: string, sealed: string): Promise<boolean> {
    return (await this.database.repository(StoredSecretEntity).update({ name, sealed: from }, { sealed })).affected === 1;
  }
}
