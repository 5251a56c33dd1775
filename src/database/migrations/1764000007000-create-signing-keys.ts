import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, NULLABLE, text, varchar } from './columns.js';

export class CreateSigningKeys1764000007000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'signing_keys',
      [
        autoIncrement(),
        varchar('kid', 64),
        varchar('alg', 16),
        varchar('status', 16),
        // `<alg>:active` or `<alg>:next`, and the kid itself once retired: unique, so that no algorithm ever has two active keys.
        varchar('slot', 64),
        text('public_jwk'),
        text('sealed_private_jwk'),
        epochMs('published_at'),
        epochMs('activated_at', NULLABLE),
        epochMs('retired_at', NULLABLE),
        epochMs('expires_at', NULLABLE),
      ],
      [
        { name: 'signing_keys_kid', columnNames: ['kid'], isUnique: true },
        { name: 'signing_keys_slot', columnNames: ['slot'], isUnique: true },
      ],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('signing_keys', true);
  }
}
