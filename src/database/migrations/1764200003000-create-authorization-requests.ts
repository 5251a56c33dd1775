import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, NULLABLE, text, varchar } from './columns.js';

/** Authorization requests that wait for a user: what they ask is kept here, where no browser can change it. */
export class CreateAuthorizationRequests1764200003000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'authorization_requests',
      [
        autoIncrement(),
        varchar('request_id', 32),
        varchar('browser_digest', 64),
        varchar('client_id', 128),
        varchar('client_generation', 16),
        text('request'),
        varchar('signed_in_session', 32, NULLABLE),
        varchar('approved_by', 32, NULLABLE),
        epochMs('created_at'),
        epochMs('consumed_at', NULLABLE),
        epochMs('expires_at'),
      ],
      [
        { name: 'authorization_requests_request_id', columnNames: ['request_id'], isUnique: true },
        { name: 'authorization_requests_expires_at', columnNames: ['expires_at'] },
      ],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('authorization_requests', true);
  }
}
