import { type DataSource, MigrationExecutor } from 'typeorm';
import { isSqlite } from './data-source.js';
import type { HeldLease } from './leases.js';

/**
 * Runs the migrations that wait, and returns their names. A statement is sent only while the lease is held, so that two
 * instances never change tables at the same time. An embedded database needs no such check: all of it is one transaction,
 * and while that has the file's write lock nobody else can take the lease.
 */
export async function migrate(dataSource: DataSource, lease: HeldLease): Promise<string[]> {
  // TypeORM prints a failure in the database's own words to the console, whatever its logging is set to.
  dataSource.logger.logMigration = () => undefined;
  const runner = dataSource.createQueryRunner();
  if (!isSqlite(dataSource)) {
    const query = runner.query.bind(runner) as (sql: string, ...rest: unknown[]) => Promise<never>;
    runner.query = async (sql: string, ...rest: unknown[]) => {
      if (sql !== 'ROLLBACK') lease.assertHeld();
      return query(sql, ...rest);
    };
  }
  const executor = new MigrationExecutor(dataSource, runner);
  executor.transaction = dataSource.options.migrationsTransactionMode ?? 'all';
  try {
    return (await executor.executePendingMigrations()).map(({ name }) => name);
  } finally {
    await runner.release();
  }
}
