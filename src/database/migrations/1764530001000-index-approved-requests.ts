import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addIndex } from './columns.js';

/** A way to find the waiting requests that a user has allowed: a withdrawal takes them back, too. */
export class IndexApprovedRequests1764530001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addIndex(runner, 'authorization_requests', 'authorization_requests_approved_by', 'approved_by');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropIndex('authorization_requests', 'authorization_requests_approved_by');
  }
}
