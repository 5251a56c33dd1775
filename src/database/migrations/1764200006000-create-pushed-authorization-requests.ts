import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, NULLABLE, text, varchar } from './columns.js';

/** Authorization requests that clients pushed (RFC 9126). */
export class CreatePushedAuthorizationRequests1764200006000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'pushed_authorization_requests',
      [
        autoIncrement(),
        varchar('digest', 64),
        varchar('client_id', 128),
        varchar('client_generation', 16),
        text('params'),
        epochMs('consumed_at', NULLABLE),
        epochMs('expires_at'),
        epochMs('purge_after'),
      ],
      [
        { name: 'pushed_authorization_requests_digest', columnNames: ['digest'], isUnique: true },
        { name: 'pushed_authorization_requests_purge_after', columnNames: ['purge_after'] },
      ],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('pushed_authorization_requests', true);
  }
}
