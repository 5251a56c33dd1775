import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTable, epochMs, text, varchar } from './columns.js';

/** Secrets that outlive a key encryption key, encrypted under it. */
export class CreateStoredSecrets1764580001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(runner, 'stored_secrets', [varchar('name', 64, { isPrimary: true }), text('sealed'), epochMs('stored_at')]);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('stored_secrets', true);
  }
}
