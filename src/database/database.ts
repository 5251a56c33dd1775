import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, type EntityTarget, type ObjectLiteral, type Repository } from 'typeorm';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { isSqlite } from './data-source.js';
import { statementsOf } from './statements.js';

const MAX_COUNT = 1_000_000;
/** Of five million rows with their indexes: a thousand made the longest waits of inserts three times as long on MariaDB, and kept all requests waiting for a third of a second on SQLite, on a busy machine. */
export const DELETE_BATCH = 50;

const WRITE_PROBE = 'write-probe';

/** The way of repositories to the DataSource. Until it is connected, every use says so instead of failing obscurely. */
@Injectable()
export class Database {
  constructor(private readonly dataSource: DataSource) {}

  /** @throws {TemporarilyUnavailableError} until the database has been reached for the first time */
  connected(): DataSource {
    if (!this.dataSource.isInitialized) throw new TemporarilyUnavailableError('the database has not been reached yet');
    return this.dataSource;
  }

  /** @param manager of the transaction to take part in, if any */
  repository<E extends ObjectLiteral>(entity: EntityTarget<E>, manager?: EntityManager): Repository<E> {
    return (manager ?? this.connected().manager).getRepository(entity);
  }

  /** Runs SQL that TypeORM's repositories cannot say. Answers rows for a query. */
  async query<Row>(sql: string, parameters: readonly unknown[] = [], manager?: EntityManager): Promise<Row[]> {
    if (manager?.queryRunner) return manager.queryRunner.query(sql, [...parameters]) as Promise<Row[]>;
    return (await statementsOf(this.connected()).run(sql, parameters)).rows as Row[];
  }

  /**
   * As {@link query}, on a connection that requests cannot take (of the embedded database, in the next turn): for what keeps
   * the server running, however busy it is. For short statements only, since they wait for each other.
   */
  async queryReserved<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    return (await statementsOf(this.connected()).runReserved(sql, parameters)).rows as Row[];
  }

  /** As {@link execute}, on the connection of {@link queryReserved}. */
  async executeReserved(sql: string, parameters: readonly unknown[] = []): Promise<number> {
    return (await statementsOf(this.connected()).runReserved(sql, parameters)).affected;
  }

  /** Runs SQL that writes. Answers how many rows it touched. */
  async execute(sql: string, parameters: readonly unknown[] = [], manager?: EntityManager): Promise<number> {
    if (manager?.queryRunner) return (await manager.queryRunner.query(sql, [...parameters], true)).affected ?? 0;
    return (await statementsOf(this.connected()).run(sql, parameters)).affected;
  }

  /**
   * Sets a time column of many rows, a batch a statement, where the new time is later than the one that is there.
   * @param times milliseconds since the epoch by row id
   */
  async raiseColumn(table: string, column: string, times: ReadonlyMap<number, number>, batchSize: number): Promise<void> {
    const all = [...times].sort(([one], [other]) => one - other);
    for (let at = 0; at < all.length; at += batchSize) {
      const batch = all.slice(at, at + batchSize);
      const ids = batch.map(([id]) => id);
      const latest = `CASE id ${batch.map(() => 'WHEN ? THEN ?').join(' ')} END`;
      await this.execute(
        `UPDATE ${table} SET ${column} = ${latest} WHERE id IN (${ids.map(() => '?').join(', ')}) AND (${column} IS NULL OR ${column} < ${latest})`,
        [...batch.flat(), ...ids, ...batch.flat()],
      );
    }
  }

  /**
   * Inserts rows, and where the key is there already adds to its numbers or raises them, a batch a statement.
   * @param key columns of a unique index; with `merged`, all columns of a row, in this order
   */
  async upsert(table: string, key: readonly string[], merged: Readonly<Record<string, 'sum' | 'max'>>, rows: readonly (readonly unknown[])[], batchSize: number): Promise<void> {
    const columns = [...key, ...Object.keys(merged)];
    const incoming = (column: string) => (this.isSqlite ? `excluded.${column}` : `VALUES(${column})`);
    const assignments = Object.entries(merged).map(([column, how]) =>
      how === 'sum' ? `${column} = ${table}.${column} + ${incoming(column)}` : `${column} = CASE WHEN ${table}.${column} < ${incoming(column)} THEN ${incoming(column)} ELSE ${table}.${column} END`,
    );
    const onConflict = this.isSqlite ? `ON CONFLICT (${key.join(', ')}) DO UPDATE SET` : 'ON DUPLICATE KEY UPDATE';
    for (let at = 0; at < rows.length; at += batchSize) {
      const batch = rows.slice(at, at + batchSize);
      const marks = batch.map(() => `(${columns.map(() => '?').join(', ')})`).join(', ');
      await this.execute(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ${marks} ${onConflict} ${assignments.join(', ')}`, batch.flat());
    }
  }

  /**
   * Proves that the database takes writes, by a durable one: a server that is read-only or full still answers queries. It
   * waits for no connection that requests use.
   * @throws {TemporarilyUnavailableError} when it refuses the write, or does not answer by the deadline
   */
  async assertWritable(): Promise<void> {
    const onConflict = this.isSqlite ? 'ON CONFLICT (name) DO UPDATE SET' : 'ON DUPLICATE KEY UPDATE';
    const { nowMsSql } = this;
    // A row that is no lease, in a table that exists before the first migration.
    await this.executeReserved(
      `INSERT INTO leases (name, owner, expires_at) VALUES (?, '', ${nowMsSql}) ${onConflict} expires_at = ${nowMsSql}`,
      [WRITE_PROBE],
    );
  }

  /** How many rows have a time below a limit; counted no further than {@link MAX_COUNT}. The column has an index. */
  async countBelow(table: string, column: string, ms: number): Promise<number> {
    const [row] = await this.query<{ n: number | string }>(`SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM ${table} WHERE ${column} < ? LIMIT ${MAX_COUNT}) AS below`, [ms]);
    return Number(row?.n ?? 0);
  }

  /** How many rows a table has; counted, one after the other, no further than {@link MAX_COUNT}. */
  async countAll(table: string): Promise<number> {
    const [row] = await this.query<{ n: number | string }>(`SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM ${table} LIMIT ${MAX_COUNT}) AS counted`, []);
    return Number(row?.n ?? 0);
  }

  /** Deletes a batch of rows with a time below a limit, by primary key, so that no range of the table is locked. Answers how many it deleted. */
  async deleteBelow(table: string, column: string, ms: number): Promise<number> {
    const rows = await this.query<{ id: number | string }>(`SELECT id FROM ${table} WHERE ${column} < ? ORDER BY ${column} LIMIT ${DELETE_BATCH}`, [ms]);
    if (rows.length === 0) return 0;
    return this.execute(`DELETE FROM ${table} WHERE id IN (${rows.map(() => '?').join(', ')})`, rows.map((row) => row.id));
  }

  get isSqlite(): boolean {
    return isSqlite(this.dataSource);
  }

  /**
   * SQL for the database's own clock in milliseconds since the epoch: instances compare times that they share by it. In UTC,
   * since a local time stands for two moments in the night in which clocks are set back.
   */
  get nowMsSql(): string {
    if (this.isSqlite) return `CAST(unixepoch('subsec') * 1000 AS INTEGER)`;
    return `TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(3)) DIV 1000`;
  }

  /** SQL function for the greatest of its arguments. */
  get greatestSql(): string {
    return this.isSqlite ? 'MAX' : 'GREATEST';
  }

  /**
   * End of an `INSERT` that leaves an existing row as it is, and locks it for writing until the transaction ends. (On
   * MySQL `INSERT IGNORE` locks it for reading alone: two transactions that go on to write it would deadlock.)
   * @param column any column of the table
   */
  orLockExistingSql(column: string): string {
    return this.isSqlite ? 'ON CONFLICT DO NOTHING' : `ON DUPLICATE KEY UPDATE ${column} = ${column}`;
  }

  /** `INSERT` that leaves an existing row as it is. */
  get insertIfAbsentSql(): string {
    return this.isSqlite ? 'INSERT OR IGNORE INTO' : 'INSERT IGNORE INTO';
  }
}
