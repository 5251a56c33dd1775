import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addIndex } from './columns.js';

const COLUMNS = ['actor_user_id', 'actor_address', 'request_id', 'result'];

/** An index for each filter of the list. */
export class IndexAuditEvents1764300003000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const column of COLUMNS) await addIndex(runner, 'audit_events', `audit_events_${column}`, `${column}, id`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const column of COLUMNS) await runner.dropIndex('audit_events', `audit_events_${column}`);
  }
}
