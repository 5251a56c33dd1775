import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addColumn, dropColumn } from './columns.js';

/** What OpenID Connect says of users beyond username, e-mail address and name: one JSON object, which no query looks into. */
export class AddClaimsToUsers1764200011000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addColumn(runner, 'users', 'claims', 'text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropColumn(runner, 'users', 'claims');
  }
}
