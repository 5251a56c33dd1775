import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, integer, NULLABLE, text, varchar } from './columns.js';

export class CreateResources1764000005000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'resources',
      [
        autoIncrement(),
        varchar('resource_id', 32),
        varchar('identifier', 500),
        varchar('name', 255),
        text('scopes'),
        text('resource_servers'),
        varchar('access_token_format', 16, NULLABLE),
        integer('access_token_lifetime', NULLABLE),
        integer('version'),
        epochMs('created_at'),
        epochMs('updated_at'),
      ],
      [
        { name: 'resources_resource_id', columnNames: ['resource_id'], isUnique: true },
        { name: 'resources_identifier', columnNames: ['identifier'], isUnique: true },
      ],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('resources', true);
  }
}
