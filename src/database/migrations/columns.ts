import { type QueryRunner, Table, type TableColumnOptions, type TableIndexOptions } from 'typeorm';

const onMysql = (runner: QueryRunner): boolean => runner.connection.options.type !== 'better-sqlite3';

/**
 * Makes a table that means the same on SQLite, MySQL and MariaDB. Text is compared byte by byte: MySQL's default collations take `ALPHA` and `alphá`
 * for `alpha`. One statement with its indexes on MySQL, whose DDL is not transactional; made only if it is not there, so that a step that was
 * broken off can be run again.
 */
export async function createTable(runner: QueryRunner, name: string, columns: TableColumnOptions[], indices: TableIndexOptions[] = []): Promise<void> {
  const engine = onMysql(runner) ? 'InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin' : undefined;
  await runner.createTable(new Table({ name, columns, indices, ...(engine ? { engine } : {}) }), true, true, true);
}

export const autoIncrement = (name = 'id'): TableColumnOptions => ({ name, type: 'integer', isPrimary: true, isGenerated: true, generationStrategy: 'increment' });

export const varchar = (name: string, length: number, more: Partial<TableColumnOptions> = {}): TableColumnOptions => ({ name, type: 'varchar', length: String(length), ...more });

export const text = (name: string, more: Partial<TableColumnOptions> = {}): TableColumnOptions => ({ name, type: 'text', ...more });

export const integer = (name: string, more: Partial<TableColumnOptions> = {}): TableColumnOptions => ({ name, type: 'integer', ...more });

export const flag = (runner: QueryRunner, name: string): TableColumnOptions => (onMysql(runner) ? { name, type: 'tinyint' } : { name, type: 'boolean' });

/** Milliseconds since the epoch. */
export const epochMs = (name: string, more: Partial<TableColumnOptions> = {}): TableColumnOptions => ({ name, type: 'bigint', ...more });

export const NULLABLE = { isNullable: true } as const;

/** Adds a nullable column unless it is there. Plain SQL: TypeORM would copy the whole table on SQLite. */
export async function addColumn(runner: QueryRunner, table: string, name: string, type: string): Promise<void> {
  if (!(await runner.hasColumn(table, name))) await runner.query(`ALTER TABLE ${table} ADD COLUMN ${name} ${type}`);
}

/** Drops a column unless it is gone. */
export async function dropColumn(runner: QueryRunner, table: string, name: string): Promise<void> {
  if (await runner.hasColumn(table, name)) await runner.query(`ALTER TABLE ${table} DROP COLUMN ${name}`);
}

/** Makes an index unless it is there, which MySQL, unlike MariaDB and SQLite, cannot be asked in the statement itself. */
export async function addIndex(runner: QueryRunner, table: string, name: string, column: string): Promise<void> {
  const known = (await runner.getTable(table))?.indices.some((index) => index.name === name) ?? false;
  if (!known) await runner.query(`CREATE INDEX ${name} ON ${table} (${column})`);
}
