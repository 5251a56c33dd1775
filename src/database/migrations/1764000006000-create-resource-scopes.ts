import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, integer, varchar } from './columns.js';

/** Which resource owns a scope. One at most: the unique key decides, also between two admins at once. */
export class CreateResourceScopes1764000006000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'resource_scopes',
      [autoIncrement(), varchar('scope', 255), integer('resource_row_id')],
      [
        { name: 'resource_scopes_scope', columnNames: ['scope'], isUnique: true },
        { name: 'resource_scopes_resource_row_id', columnNames: ['resource_row_id'] },
      ],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('resource_scopes', true);
  }
}
