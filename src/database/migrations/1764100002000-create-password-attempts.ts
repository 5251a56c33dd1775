import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, integer, NULLABLE, varchar } from './columns.js';

/** Counters of password guesses: for an account, for an address, and for an account from an address. */
export class CreatePasswordAttempts1764100002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'password_attempts',
      [
        autoIncrement(),
        varchar('attempt_key', 64),
        varchar('account', 64, NULLABLE),
        integer('pending'),
        integer('failures'),
        epochMs('window_ends_at'),
        epochMs('pending_until'),
        epochMs('announced_window'),
        epochMs('succeeded_at', NULLABLE),
        epochMs('purge_after'),
      ],
      [
        { name: 'password_attempts_attempt_key', columnNames: ['attempt_key'], isUnique: true },
        { name: 'password_attempts_account', columnNames: ['account'] },
        { name: 'password_attempts_purge_after', columnNames: ['purge_after'] },
      ],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('password_attempts', true);
  }
}
