import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, text, varchar } from './columns.js';

/** What a user allowed a client to have, so that she is not asked again. */
export class CreateConsents1764200002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'consents',
      [autoIncrement(), varchar('user_id', 32), varchar('client_id', 128), varchar('client_generation', 16), text('scope'), epochMs('granted_at'), epochMs('expires_at')],
      [
        { name: 'consents_user_id_client_id', columnNames: ['user_id', 'client_id'], isUnique: true },
        { name: 'consents_expires_at', columnNames: ['expires_at'] },
      ],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('consents', true);
  }
}
