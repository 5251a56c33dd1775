import libsql from 'libsql';
import { Database } from '../../src/database/database.js';
import type { Statements } from './statement-log.js';
import type { TestServer } from './test-server.js';

/** A statement that reads a table from one end to the other, or a whole index of it. */
export interface Scan {
  table: string;
  sql: string;
  plan: string;
}

interface MysqlStep {
  table: string | null;
  type: string | null;
  key: string | null;
  rows: number | string | null;
  Extra: string | null;
}

const EXPLAINABLE = /^\s*(SELECT|UPDATE|DELETE|WITH)\b/i;

/** What a statement calls its tables. */
function namesIn(sql: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const [, table, alias] of sql.matchAll(/\b(?:FROM|JOIN|UPDATE)\s+["`]?(\w+)["`]?(?:\s+(?:AS\s+)?["`]?(?!(?:WHERE|ORDER|SET|LIMIT|JOIN|INNER|LEFT|ON|GROUP|UNION)\b)(\w+)["`]?)?/gi)) names.set(alias ?? table, table);
  return names;
}

/** The tables in which statements look for rows. */
export const tablesIn = (statements: Statements): string[] => [...new Set([...statements.keys()].flatMap((sql) => [...namesIn(sql).values()]))].sort();

/** Those of the statements that look for rows of one of the tables. */
export const lookupsIn = (statements: Statements, tables: readonly string[]): Statements =>
  new Map([...statements].filter(([sql]) => EXPLAINABLE.test(sql) && [...namesIn(sql).values()].some((table) => tables.includes(table))));

/** As the optimizer of a server in use decides: MariaDB counts what is in its tables from time to time, SQLite only when it is told to, which nobody does. */
export async function refreshStatistics(server: TestServer, tables: readonly string[]): Promise<void> {
  const database = server.get(Database);
  if (!database.isSqlite) await database.query(`ANALYZE TABLE ${tables.join(', ')}`);
}

/** How the database would carry the statements out, where that is by a scan of one of the tables. */
export async function scansOf(server: TestServer, statements: Statements, tables: readonly string[]): Promise<Scan[]> {
  const database = server.get(Database);
  const explain = database.isSqlite ? explainerOfSqlite(server) : async (sql: string, parameters: readonly unknown[]) => scansByMysql(await database.query<MysqlStep>(`EXPLAIN ${sql}`, parameters));
  const scans: Scan[] = [];
  for (const [sql, parameters] of statements) {
    const names = namesIn(sql);
    for (const [name, plan] of await explain(sql, parameters)) {
      const table = names.get(name) ?? name;
      if (tables.includes(table)) scans.push({ table, sql, plan });
    }
  }
  return scans;
}

/** On connections of its own: the server's would take the explanation of an UPDATE for an UPDATE that is not finished. */
function explainerOfSqlite(server: TestServer): (sql: string) => Promise<[string, string][]> {
  const file = server.database.url.replace('sqlite:', '');
  return async (sql) => {
    const connection = new libsql(file);
    try {
      return scansBySqlite(connection.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[]);
    } finally {
      connection.close();
    }
  };
}

const scansBySqlite = (steps: readonly { detail: string }[]): [string, string][] => steps.flatMap(({ detail }): [string, string][] => (/^SCAN (\w+)/.test(detail) ? [[/^SCAN (\w+)/.exec(detail)![1], detail]] : []));

const scansByMysql = (steps: readonly MysqlStep[]): [string, string][] =>
  steps.filter(({ table, type }) => table !== null && (type === 'ALL' || type === 'index')).map(({ table, type, key, rows, Extra }) => [table!, `${type} by ${key ?? 'no key'}, ${rows} rows, ${Extra ?? ''}`]);
