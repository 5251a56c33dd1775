import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, integer, varchar } from './columns.js';

/** Logout tokens that are still to be sent: what is in no instance's memory is lost with none. */
export class CreateBackchannelLogouts1764200022000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'backchannel_logouts',
      [autoIncrement(), varchar('client_id', 128), varchar('subject', 255), varchar('session_id', 32), integer('attempts'), epochMs('next_attempt_at'), epochMs('expires_at')],
      [
        { name: 'backchannel_logouts_next_attempt_at', columnNames: ['next_attempt_at'] },
        { name: 'backchannel_logouts_expires_at', columnNames: ['expires_at'] },
      ],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('backchannel_logouts', true);
  }
}
