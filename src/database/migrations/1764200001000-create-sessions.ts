import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, NULLABLE, varchar } from './columns.js';

/** Who is signed in, in which browser. */
export class CreateSessions1764200001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'sessions',
      [
        autoIncrement(),
        varchar('session_id', 32),
        varchar('digest', 64),
        varchar('user_id', 32),
        varchar('user_generation', 16),
        epochMs('authenticated_at'),
        varchar('amr', 64),
        varchar('address', 64, NULLABLE),
        varchar('user_agent', 255, NULLABLE),
        epochMs('last_seen_at'),
        epochMs('idle_expires_at'),
        epochMs('expires_at'),
      ],
      [
        { name: 'sessions_session_id', columnNames: ['session_id'], isUnique: true },
        { name: 'sessions_digest', columnNames: ['digest'], isUnique: true },
        { name: 'sessions_user_id', columnNames: ['user_id'] },
        { name: 'sessions_expires_at', columnNames: ['expires_at'] },
      ],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('sessions', true);
  }
}
