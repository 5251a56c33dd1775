import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { clientTls } from './database-tls.js';
import { assertNoSecretIn, assertNoSecretInAuditOf } from './leak-watch.js';
import { temporaryFolder } from './temporary-folder.js';

/** A database of its own for one test or suite. */
export interface TestDatabase {
  readonly url: string;
  /** Runs SQL beside the server, over a connection of its own (MariaDB only). */
  sql(statement: string): Promise<unknown>;
  /** @throws {Error} when its audit log holds a secret */
  drop(): Promise<void>;
}

export type DatabaseKind = 'SQLite' | 'MariaDB';

export const mariadbPort = (): number | undefined => (process.env.MINTGATE_TEST_MARIADB_PORT ? Number(process.env.MINTGATE_TEST_MARIADB_PORT) : undefined);

/** The databases at hand on this machine. */
export const databaseKinds = (): DatabaseKind[] => (mariadbPort() === undefined ? ['SQLite'] : ['SQLite', 'MariaDB']);

/** Runs a suite on each database at hand. */
export function describeOnEachDatabase(name: string, suite: (kind: DatabaseKind) => void): void {
  describe.each(databaseKinds())(`${name} (%s)`, suite);
}

/** Runs a suite that is about no database on one of them: on the server where there is one. */
export function describeOnOneDatabase(name: string, suite: (kind: DatabaseKind) => void): void {
  describe.each(databaseKinds().slice(-1))(`${name} (%s)`, suite);
}

/** What the database holds at first: nothing, or what the migrations leave, as if the last start had run them. */
export type Contents = 'empty' | 'migrated';

/** Made ahead of all suites, see migrated-template.js. */
const template = (file: 'migrated.sqlite' | 'migrated.sql'): string => join(process.env.MINTGATE_TEST_TEMPLATE!, file);

export async function createDatabase(kind: DatabaseKind, contents: Contents = 'migrated'): Promise<TestDatabase> {
  return kind === 'SQLite' ? createSqlite(contents) : createMariadb(contents);
}

function createSqlite(contents: Contents): TestDatabase {
  const folder = mkdtempSync(join(temporaryFolder(), 'mintgate-test-'));
  if (contents === 'migrated') copyFileSync(template('migrated.sqlite'), join(folder, 'mintgate.sqlite'));
  return {
    url: `sqlite:${join(folder, 'mintgate.sqlite')}`,
    sql: () => Promise.reject(new Error('not on SQLite')),
    drop: async () => {
      try {
        assertNoSecretInAuditOf(join(folder, 'mintgate.sqlite'));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

/** A session beside the server's, by the URL that the server has. */
export function connectTo(url: string): Promise<mysql.Connection> {
  const { hostname: host, port, username: user, password, pathname } = new URL(url);
  const database = pathname.slice(1);
  return mysql.createConnection({ host, port: Number(port), user, password, database, ...clientTls() });
}

/**
 * @param port of another instance than the suite's own
 * @param caFile of one with a certificate of its own
 */
export async function createMariadb(
  contents: Contents = 'migrated',
  port = mariadbPort()!,
  caFile?: string,
): Promise<TestDatabase> {
  const name = `mg_${randomBytes(6).toString('hex')}`;
  const run = async (statement: string, database?: string, options: mysql.ConnectionOptions = {}) => {
    const login = { host: '127.0.0.1', port, user: 'mintgate', password: 'mintgate', ...clientTls(caFile) };
    const connection = await mysql.createConnection({ ...login, ...(database ? { database } : {}), ...options });
    try {
      return (await connection.query(statement))[0];
    } finally {
      await connection.end();
    }
  };
  // A default that differs from what the tables need shows whether they state their own.
  await run(`CREATE DATABASE ${name} CHARACTER SET latin1 COLLATE latin1_swedish_ci`);
  if (contents === 'migrated') await run(readFileSync(template('migrated.sql'), 'utf8'), name, { multipleStatements: true });
  return {
    url: `mariadb://mintgate:mintgate@127.0.0.1:${port}/${name}`,
    sql: (statement) => run(statement, name),
    drop: async () => {
      const audited = (await run(`SHOW TABLES FROM ${name} LIKE 'audit_events'`)) as object[];
      const rows = audited.length > 0 ? ((await run('SELECT * FROM audit_events', name)) as object[]) : [];
      await run(`DROP DATABASE IF EXISTS ${name}`);
      assertNoSecretIn('audit_events', rows);
    },
  };
}
