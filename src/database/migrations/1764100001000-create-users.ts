import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, flag, integer, NULLABLE, text, varchar } from './columns.js';

export class CreateUsers1764100001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'users',
      [
        autoIncrement(),
        varchar('user_id', 32),
        varchar('username', 128),
        varchar('username_key', 255),
        varchar('email', 254, NULLABLE),
        varchar('email_key', 255, NULLABLE),
        flag(runner, 'email_verified'),
        varchar('name', 255, NULLABLE),
        text('roles'),
        flag(runner, 'enabled'),
        text('password_hash', NULLABLE),
        varchar('token_generation', 16),
        varchar('search_text', 768),
        epochMs('last_login_at', NULLABLE),
        integer('version'),
        epochMs('created_at'),
        epochMs('updated_at'),
      ],
      [
        { name: 'users_user_id', columnNames: ['user_id'], isUnique: true },
        { name: 'users_username_key', columnNames: ['username_key'], isUnique: true },
        { name: 'users_email_key', columnNames: ['email_key'], isUnique: true },
      ],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('users', true);
  }
}
