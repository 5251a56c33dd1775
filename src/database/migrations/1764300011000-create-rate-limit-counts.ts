import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, integer, varchar } from './columns.js';

/** What instances tell each other of callers who come near a rate limit. */
export class CreateRateLimitCounts1764300011000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'rate_limit_counts',
      [autoIncrement(), varchar('count_key', 32), varchar('instance', 16), integer('requests'), epochMs('expires_at')],
      [
        { name: 'rate_limit_counts_key', columnNames: ['count_key', 'instance'], isUnique: true },
        { name: 'rate_limit_counts_expires_at', columnNames: ['expires_at'] },
      ],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('rate_limit_counts', true);
  }
}
