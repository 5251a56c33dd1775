import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, NULLABLE, text, varchar } from './columns.js';

/** What one authorization by a user gave: the refresh token that is good now, and what all its successors may have. One row for a whole lineage. */
export class CreateTokenFamilies1764100003000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'token_families',
      [
        autoIncrement(),
        varchar('family_id', 32),
        varchar('client_id', 128),
        varchar('client_generation', 16),
        varchar('user_id', 32),
        varchar('user_generation', 16),
        varchar('grant_type', 64),
        text('scope'),
        text('audience'),
        varchar('current_digest', 64),
        varchar('previous_digest', 64, NULLABLE),
        varchar('successor_salt', 32, NULLABLE),
        epochMs('retry_until', NULLABLE),
        epochMs('issued_at'),
        epochMs('expires_at'),
        epochMs('idle_expires_at'),
        epochMs('access_expires_at'),
        epochMs('revoked_at', NULLABLE),
        epochMs('purge_after'),
      ],
      [
        { name: 'token_families_family_id', columnNames: ['family_id'], isUnique: true },
        { name: 'token_families_purge_after', columnNames: ['purge_after'] },
      ],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('token_families', true);
  }
}
