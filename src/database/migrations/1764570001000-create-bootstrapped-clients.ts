import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, varchar } from './columns.js';

/** In the audit log only the server itself has no actor, and it makes no client but the first admin. */
const MADE_BEFORE = `
  SELECT client_id, MIN(occurred_at) FROM audit_events
  WHERE type = 'client.created' AND client_id IS NOT NULL
    AND actor_client_id IS NULL AND actor_user_id IS NULL AND actor_operator IS NULL
  GROUP BY client_id`;

/** The first admin clients that the server once made: what an admin deleted stays deleted. */
export class CreateBootstrappedClients1764570001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'bootstrapped_clients',
      [autoIncrement(), varchar('client_id', 255), epochMs('created_at')],
      [{ name: 'bootstrapped_clients_client_id', columnNames: ['client_id'], isUnique: true }],
    );
    const insert = runner.connection.options.type === 'better-sqlite3' ? 'INSERT OR IGNORE' : 'INSERT IGNORE';
    await runner.query(`${insert} INTO bootstrapped_clients (client_id, created_at) ${MADE_BEFORE}`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('bootstrapped_clients', true);
  }
}
