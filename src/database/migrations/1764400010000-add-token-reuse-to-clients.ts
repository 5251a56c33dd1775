import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addColumn, dropColumn } from './columns.js';

/** For how many seconds a client gets the same access token again. `null` means that every answer has a new one. */
export class AddTokenReuseToClients1764400010000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addColumn(runner, 'clients', 'access_token_reuse', runner.connection.options.type === 'better-sqlite3' ? 'integer' : 'int');
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropColumn(runner, 'clients', 'access_token_reuse');
  }
}
