import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addColumn, addIndex, dropColumn } from './columns.js';

/** Which of the grants that RFC 9700 advises against a client may use, so that those few clients are found among many without reading all. */
export class AddLegacyGrantsToClients1764100007000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addColumn(runner, 'clients', 'legacy_grants', 'varchar(32)');
    for (const [legacyGrants, condition] of [
      ['password', `grant_types LIKE '%"password"%' AND grant_types NOT LIKE '%"implicit"%'`],
      ['implicit', `grant_types LIKE '%"implicit"%' AND grant_types NOT LIKE '%"password"%'`],
      ['password implicit', `grant_types LIKE '%"password"%' AND grant_types LIKE '%"implicit"%'`],
    ]) {
      await runner.query(`UPDATE clients SET legacy_grants = '${legacyGrants}' WHERE ${condition}`);
    }
    await addIndex(runner, 'clients', 'clients_legacy_grants', 'legacy_grants');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropIndex('clients', 'clients_legacy_grants');
    await dropColumn(runner, 'clients', 'legacy_grants');
  }
}
