import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, integer, varchar } from './columns.js';

/** How many tokens each client got by each grant, in all and with each scope, day by day. The scope is empty where all are counted. */
export class CreateGrantUsage1764100005000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'grant_usage',
      [autoIncrement(), varchar('client_id', 128), varchar('grant_type', 64), varchar('scope', 255), integer('day'), integer('tokens'), epochMs('last_used_at')],
      [
        { name: 'grant_usage_key', columnNames: ['client_id', 'grant_type', 'scope', 'day'], isUnique: true },
        { name: 'grant_usage_day', columnNames: ['day'] },
      ],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('grant_usage', true);
  }
}
