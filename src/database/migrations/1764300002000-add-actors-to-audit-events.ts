import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addColumn, dropColumn } from './columns.js';

/** Users who act at the pages, and system users who act at the command line. */
export class AddActorsToAuditEvents1764300002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addColumn(runner, 'audit_events', 'actor_user_id', 'varchar(64)');
    await addColumn(runner, 'audit_events', 'actor_operator', 'varchar(64)');
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const name of ['actor_operator', 'actor_user_id']) await dropColumn(runner, 'audit_events', name);
  }
}
