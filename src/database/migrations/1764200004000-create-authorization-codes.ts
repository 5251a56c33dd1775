import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, flag, integer, NULLABLE, text, varchar } from './columns.js';

/** Authorization codes. A used one stays for as long as what it gave may live, so that its second use is known for what it is. */
export class CreateAuthorizationCodes1764200004000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'authorization_codes',
      [
        autoIncrement(),
        varchar('digest', 64),
        varchar('client_id', 128),
        varchar('client_generation', 16),
        varchar('user_id', 32),
        varchar('user_generation', 16),
        varchar('session_id', 32),
        varchar('family_id', 32),
        text('redirect_uri'),
        flag(runner, 'redirect_uri_sent'),
        varchar('code_challenge', 64, NULLABLE),
        text('scope'),
        text('audience'),
        text('openid', NULLABLE),
        integer('failed_verifiers'),
        epochMs('consumed_at', NULLABLE),
        epochMs('expires_at'),
        epochMs('purge_after'),
      ],
      [
        { name: 'authorization_codes_digest', columnNames: ['digest'], isUnique: true },
        { name: 'authorization_codes_purge_after', columnNames: ['purge_after'] },
      ],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('authorization_codes', true);
  }
}
