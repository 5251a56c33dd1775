import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addColumn, dropColumn } from './columns.js';

/**
 * At which audience a user allowed what (RFC 8707 §3), and what exactly they allowed in a request that waits. `null` in
 * rows of the version before, which covers the issuer and the resources that own the scope.
 */
export class AddAudienceToConsents1764530002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addColumn(runner, 'consents', 'scope_by_audience', 'text');
    await addColumn(runner, 'authorization_requests', 'approved_digest', 'varchar(64)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropColumn(runner, 'authorization_requests', 'approved_digest');
    await dropColumn(runner, 'consents', 'scope_by_audience');
  }
}
