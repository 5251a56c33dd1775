import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, NULLABLE, text, varchar } from './columns.js';

/** Opaque access tokens, by the digest of their value. JWTs leave no row. */
export class CreateAccessTokens1764000008000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'access_tokens',
      [
        autoIncrement(),
        varchar('digest', 64),
        varchar('client_id', 128),
        varchar('client_generation', 16),
        varchar('subject', 128),
        text('scope'),
        text('audience'),
        epochMs('issued_at'),
        epochMs('expires_at'),
        epochMs('revoked_at', NULLABLE),
      ],
      [
        { name: 'access_tokens_digest', columnNames: ['digest'], isUnique: true },
        { name: 'access_tokens_expires_at', columnNames: ['expires_at'] },
      ],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('access_tokens', true);
  }
}
