import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addColumn, dropColumn } from './columns.js';

/** How an event ended, and how often it happened. Instances of the version before write neither: what they write happened once, and succeeded. */
export class AddResultsToAuditEvents1764300001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addColumn(runner, 'audit_events', 'last_occurred_at', 'bigint');
    await addColumn(runner, 'audit_events', 'occurrences', 'integer NOT NULL DEFAULT 1');
    await addColumn(runner, 'audit_events', 'result', `varchar(8) NOT NULL DEFAULT 'success'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const name of ['result', 'occurrences', 'last_occurred_at']) await dropColumn(runner, 'audit_events', name);
  }
}
