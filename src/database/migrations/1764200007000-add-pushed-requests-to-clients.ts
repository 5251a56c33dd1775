import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addColumn, dropColumn } from './columns.js';

/** Clients whose authorization requests must be pushed (RFC 9126 §6). `null` means that they need not. */
export class AddPushedRequestsToClients1764200007000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addColumn(runner, 'clients', 'require_pushed_authorization_requests', runner.connection.options.type === 'better-sqlite3' ? 'boolean' : 'tinyint');
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropColumn(runner, 'clients', 'require_pushed_authorization_requests');
  }
}
