import { closeSync, mkdirSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { DataSource, type DataSourceOptions, type MixedList } from 'typeorm';
import type { BetterSqlite3Driver } from 'typeorm/driver/better-sqlite3/BetterSqlite3Driver.js';
import type { MysqlDriver } from 'typeorm/driver/mysql/MysqlDriver.js';
import { Metrics } from '../common/metrics/metrics.js';
import type { Config } from '../config/config.js';
import { FatalStartupError } from './fatal-startup.error.js';
import { MIGRATIONS } from './migrations/index.js';
import { boundMysql } from './mysql-query-runner.js';
import { PREPARED_PER_CONNECTION } from './mysql-statements.js';
import { tlsOptions } from './mysql-tls.js';
import { serializeSqlite } from './sqlite-query-runner.js';
import { StatementMetrics } from './statement-metrics.js';
import { attachStatements } from './statements.js';

type DatabaseConfig = Pick<Config, 'database' | 'databasePoolSize' | 'databaseDeadlineMs'>;
type Entities = MixedList<new () => object>;

/**
 * The one way in which a DataSource is made: for the server, the TypeORM CLI and the tests. It is not connected yet.
 * @param metrics of the server; elsewhere nobody reads them
 */
export function createDataSource(config: DatabaseConfig, entities: Entities, metrics = new Metrics()): DataSource {
  const dataSource = new DataSource(optionsFor(config, entities));
  const { driver } = dataSource;
  const measured = new StatementMetrics(metrics);
  const { database, databaseDeadlineMs: deadlineMs } = config;
  attachStatements(dataSource, database.type === 'sqlite' ? serializeSqlite(driver as BetterSqlite3Driver, deadlineMs, measured) : boundMysql(driver as MysqlDriver, deadlineMs, measured));
  return dataSource;
}

export const isSqlite = (dataSource: DataSource): boolean => dataSource.options.type === 'better-sqlite3';

/** What is read again and again of a database of some gigabytes: the inner pages of its indexes. SQLite's own 2 MiB do not hold them, and a lookup read six pages in place of two. */
const SQLITE_CACHE_KIB = 16 * 1024;

function optionsFor({ database, databasePoolSize, databaseDeadlineMs }: DatabaseConfig, entities: Entities): DataSourceOptions {
  const common = { entities, migrations: MIGRATIONS, synchronize: false, logging: false } as const;
  if (database.type === 'sqlite') {
    return {
      ...common,
      type: 'better-sqlite3',
      // One durable commit for all of them, which takes with it what a start left half done.
      migrationsTransactionMode: 'all',
      driver: EmbeddedDatabase,
      database: database.path,
      timeout: 0,
      prepareDatabase: (connection: { pragma(text: string): unknown }) => {
        connection.pragma('journal_mode = WAL');
        connection.pragma('synchronous = FULL');
        connection.pragma(`cache_size = -${SQLITE_CACHE_KIB}`);
      },
    };
  }
  const { type, host, port, username, password } = database;
  return {
    ...common,
    type,
    // Whatever the mode, each statement that changes tables commits by itself.
    migrationsTransactionMode: 'each',
    host,
    port,
    username,
    password,
    database: database.database,
    charset: 'utf8mb4',
    timezone: 'Z',
    poolSize: databasePoolSize,
    connectTimeout: databaseDeadlineMs,
    // stringifyObjects (on by default) keeps an object that reaches a placeholder from becoming SQL.
    // Without trace no stack is captured ahead of every query, for an error that hardly ever comes.
    extra: {
      trace: false,
      maxIdle: databasePoolSize,
      idleTimeout: 60_000,
      enableKeepAlive: true,
      queueLimit: 1000,
      maxPreparedStatements: PREPARED_PER_CONNECTION,
      ...tlsOptions(database),
    },
  };
}

/** These pass when there is space, or a descriptor, again; with any other the path itself is wrong. */
const PASSING: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'EBUSY', 'EAGAIN']);

/**
 * Makes the embedded database's folder and file, closed to others: the folder also holds the key of the signing keys.
 * @throws {FatalStartupError} when the path is not one that can be made
 */
export function prepareFolder({ database }: DatabaseConfig): void {
  if (database.type !== 'sqlite') return;
  try {
    mkdirSync(dirname(database.path), { recursive: true, mode: 0o700 });
    closeSync(openSync(database.path, 'a', 0o600));
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (PASSING.has(code)) throw error;
    throw new FatalStartupError(`DATABASE_URL: ${database.path} cannot be made or written (${code})`, { cause: error });
  }
}

/** Loads libsql when a database is opened: not every platform has a binary of it, and a database server needs none. */
function EmbeddedDatabase(path: string, options: object): object {
  let Libsql: new (path: string, options: object) => object;
  try {
    Libsql = createRequire(__filename)('libsql') as typeof Libsql;
  } catch (error) {
    const platform = `${process.platform} on ${process.arch}`;
    const detail = `the embedded database needs libsql, which has no binary here for ${platform}; use MySQL or MariaDB`;
    throw new FatalStartupError(`DATABASE_URL: ${detail}`, { cause: error });
  }
  return new Libsql(path, options);
}
