import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.js';
import { BootstrappedClientEntity } from './bootstrapped-client.entity.js';

@Injectable()
export class BootstrappedClientsRepository {
  constructor(private readonly database: Database) {}

  async has(clientId: string): Promise<boolean> {
    return this.database.repository(BootstrappedClientEntity).existsBy({ clientId });
  }

  /**
   * Remembers a client id for good.
   * @param manager of the transaction to take part in, if any
   * @returns whether it was not remembered before
   */
  async remember(clientId: string, nowMs: number, manager?: EntityManager): Promise<boolean> {
    const sql = `${this.database.insertIfAbsentSql} bootstrapped_clients (client_id, created_at) VALUES (?, ?)`;
    return (await this.database.execute(sql, [clientId, nowMs], manager)) === 1;
  }
}
