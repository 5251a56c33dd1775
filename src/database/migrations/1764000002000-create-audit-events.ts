import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, NULLABLE, text, varchar } from './columns.js';

export class CreateAuditEvents1764000002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'audit_events',
      [
        autoIncrement(),
        varchar('type', 64),
        epochMs('occurred_at'),
        varchar('actor_client_id', 128, NULLABLE),
        varchar('actor_address', 64, NULLABLE),
        varchar('client_id', 128, NULLABLE),
        varchar('user_id', 64, NULLABLE),
        varchar('request_id', 64, NULLABLE),
        text('detail'),
      ],
      [
        { name: 'audit_events_type', columnNames: ['type', 'id'] },
        { name: 'audit_events_client_id', columnNames: ['client_id', 'id'] },
        { name: 'audit_events_actor_client_id', columnNames: ['actor_client_id', 'id'] },
        { name: 'audit_events_user_id', columnNames: ['user_id', 'id'] },
        { name: 'audit_events_occurred_at', columnNames: ['occurred_at'] },
      ],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('audit_events', true);
  }
}
