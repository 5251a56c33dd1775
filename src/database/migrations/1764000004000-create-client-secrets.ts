import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, integer, NULLABLE, varchar } from './columns.js';

export class CreateClientSecrets1764000004000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'client_secrets',
      [
        autoIncrement(),
        varchar('secret_id', 32),
        integer('client_row_id'),
        varchar('digest', 64),
        epochMs('created_at'),
        epochMs('expires_at', NULLABLE),
        epochMs('last_used_at', NULLABLE),
      ],
      [
        { name: 'client_secrets_secret_id', columnNames: ['secret_id'], isUnique: true },
        { name: 'client_secrets_client_row_id', columnNames: ['client_row_id', 'id'] },
      ],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('client_secrets', true);
  }
}
