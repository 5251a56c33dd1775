import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The change feed. Its numbers are 64 bits wide on a server: it gets a row for every revocation. `once_key` keeps what may be said once only from being said twice. */
export class CreateChanges1764000001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    if (runner.connection.options.type === 'better-sqlite3') {
      await runner.query('CREATE TABLE IF NOT EXISTS changes (id integer PRIMARY KEY AUTOINCREMENT NOT NULL, topic varchar(32) NOT NULL, subject varchar(255) NOT NULL, expires_at bigint NOT NULL, once_key varchar(300))');
      await runner.query('CREATE UNIQUE INDEX IF NOT EXISTS changes_once_key ON changes (once_key)');
      await runner.query('CREATE INDEX IF NOT EXISTS changes_expires_at ON changes (expires_at)');
      await runner.query('CREATE INDEX IF NOT EXISTS changes_topic ON changes (topic, id)');
    } else {
      await runner.query(
        'CREATE TABLE IF NOT EXISTS changes (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, topic varchar(32) NOT NULL, subject varchar(255) NOT NULL, expires_at bigint NOT NULL, once_key varchar(300), ' +
          'UNIQUE KEY changes_once_key (once_key), KEY changes_expires_at (expires_at), KEY changes_topic (topic, id)) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
      );
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE IF EXISTS changes');
  }
}
