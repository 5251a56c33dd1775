import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.js';

@Injectable()
export class ClientOriginsRepository {
  constructor(private readonly database: Database) {}

  /** Whether some enabled client has the origin. */
  async isRegistered(origin: string): Promise<boolean> {
    const sql = 'SELECT 1 AS one FROM client_origins JOIN clients ON clients.id = client_origins.client_row_id WHERE client_origins.origin = ? AND clients.enabled = 1 LIMIT 1';
    return (await this.database.query(sql, [origin])).length > 0;
  }

  /** Makes these the origins of a client, whose row the transaction holds. */
  async replace(clientRowId: number, origins: readonly string[], manager: EntityManager): Promise<void> {
    await this.database.execute('DELETE FROM client_origins WHERE client_row_id = ?', [clientRowId], manager);
    if (origins.length === 0) return;
    const sql = `INSERT INTO client_origins (client_row_id, origin) VALUES ${origins.map(() => '(?, ?)').join(', ')}`;
    await this.database.execute(sql, origins.flatMap((origin) => [clientRowId, origin]), manager);
  }
}
