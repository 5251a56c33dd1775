import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addColumn, dropColumn } from './columns.js';

/** Opaque access tokens of users: the user's token generation, and the family that they belong to. */
export class AddUserToAccessTokens1764100004000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addColumn(runner, 'access_tokens', 'user_generation', 'varchar(16)');
    await addColumn(runner, 'access_tokens', 'family_id', 'varchar(32)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropColumn(runner, 'access_tokens', 'family_id');
    await dropColumn(runner, 'access_tokens', 'user_generation');
  }
}
