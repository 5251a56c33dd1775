import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, varchar } from './columns.js';

/** Which users sign in to which client by the password grant: what has to move before that grant can be ended. */
export class CreatePasswordGrantUsers1764100006000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'password_grant_users',
      [autoIncrement(), varchar('client_id', 128), varchar('user_id', 32), epochMs('last_used_at')],
      [
        { name: 'password_grant_users_key', columnNames: ['client_id', 'user_id'], isUnique: true },
        { name: 'password_grant_users_last_used_at', columnNames: ['last_used_at'] },
      ],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('password_grant_users', true);
  }
}
