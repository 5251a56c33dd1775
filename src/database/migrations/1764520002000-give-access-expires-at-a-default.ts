import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLE = 'token_families';
const COLUMN = 'access_expires_at';

/** Beyond the end of any access token: the year 2100. */
const FAR_MS = 4_102_444_800_000;

/**
 * A family is revoked for the longest lifetime of an access token, whatever its row says: nothing reads or writes
 * `access_expires_at` any more. The previous version, which may run beside, still does both: it finds in every row an
 * end that is late enough, and may leave it out of no insert of ours. The next release drops the column, and rows of
 * `changes` that end in 2100.
 */
export class GiveAccessExpiresAtADefault1764520002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    if (await hasDefault(runner)) return;
    const add = `ADD COLUMN ${COLUMN} bigint NOT NULL DEFAULT ${FAR_MS}`;
    // In one statement where the previous version may run beside; both databases do this without copying the table.
    if (runner.connection.options.type !== 'better-sqlite3') {
      await runner.query(`ALTER TABLE ${TABLE} DROP COLUMN ${COLUMN}, ${add}`);
      return;
    }
    if (await runner.hasColumn(TABLE, COLUMN)) await runner.query(`ALTER TABLE ${TABLE} DROP COLUMN ${COLUMN}`);
    await runner.query(`ALTER TABLE ${TABLE} ${add}`);
  }

  /** The previous version works with the column as it is. */
  async down(): Promise<void> {}
}

async function hasDefault(runner: QueryRunner): Promise<boolean> {
  const column = (await runner.getTable(TABLE))?.findColumnByName(COLUMN);
  return String(column?.default ?? '').includes(String(FAR_MS));
}
