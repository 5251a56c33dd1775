import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addColumn, addIndex, dropColumn } from './columns.js';

/** In which session a family of tokens was authorized, and what its ID tokens say; and a way to find the families of a user and of a session. */
export class AddSessionToTokenFamilies1764200005000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addColumn(runner, 'token_families', 'session_id', 'varchar(32)');
    await addColumn(runner, 'token_families', 'openid', 'text');
    await addIndex(runner, 'token_families', 'token_families_user_id', 'user_id');
    await addIndex(runner, 'token_families', 'token_families_session_id', 'session_id');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropIndex('token_families', 'token_families_session_id');
    await runner.dropIndex('token_families', 'token_families_user_id');
    await dropColumn(runner, 'token_families', 'openid');
    await dropColumn(runner, 'token_families', 'session_id');
  }
}
