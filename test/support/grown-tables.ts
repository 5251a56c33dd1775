import { randomBytes } from 'node:crypto';
import type { EntityMetadata, ObjectLiteral } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';
import { Database } from '../../src/database/database.js';
import type { TestServer } from './test-server.js';

const HOUR_MS = 3_600_000;
const BATCH = 200;

/** Tables that no entity stands for, and that grow. */
const CHANGES = 'changes';

/** Every table of the server but the small ones. */
export const growingTables = (server: TestServer, small: readonly string[]): string[] => [...entitiesOf(server).map(({ tableName }) => tableName), CHANGES].filter((table) => !small.includes(table));

/**
 * Puts rows into tables as years of use would: keys are random, what is not unique has a few rows each, times lie within a day from now, some in the past. They hold nothing that anybody would find.
 * @param tables of {@link growingTables}
 */
export async function growTables(server: TestServer, tables: readonly string[], rows: number): Promise<void> {
  const nowMs = server.clock.nowMs();
  const database = server.get(Database);
  const numbers = Array.from({ length: rows }, (_, i) => i);
  for (let at = 0; at < rows; at += BATCH) {
    const batch = numbers.slice(at, at + BATCH);
    for (const entity of entitiesOf(server)) {
      if (tables.includes(entity.tableName)) await database.repository(entity.target).insert(batch.map((i) => rowOf(entity, i, rows, nowMs)));
    }
    const changes = batch.flatMap((i) => ['revoked-token', `token-${i}`, timeOf(i, rows, nowMs)]);
    await database.execute(`INSERT INTO ${CHANGES} (topic, subject, expires_at) VALUES ${batch.map(() => '(?, ?, ?)').join(', ')}`, changes);
  }
}

const entitiesOf = (server: TestServer): EntityMetadata[] => server.get(Database).connected().entityMetadatas;

const timeOf = (i: number, rows: number, nowMs: number): number => Math.floor(nowMs + (((i * 7919) % rows) / rows) * 26 * HOUR_MS - 2 * HOUR_MS);

function rowOf(entity: EntityMetadata, i: number, rows: number, nowMs: number): ObjectLiteral {
  return Object.fromEntries(entity.columns.filter((column) => !column.isPrimary).map((column) => [column.propertyName, valueOf(entity, column, i, rows, nowMs)]));
}

function valueOf(entity: EntityMetadata, column: ColumnMetadata, i: number, rows: number, nowMs: number): unknown {
  if (column.isNullable && i % 10 !== 0) return null;
  if (column.type === 'bigint') return timeOf(i, rows, nowMs);
  if (column.type === 'boolean') return i % 2 === 0;
  if (column.type === 'integer') return i + 1_000_000;
  if (column.type === 'simple-json') return [];
  const isUnique = entity.indices.some((index) => index.isUnique && index.columns.includes(column));
  const text = isUnique ? randomBytes(12).toString('base64url') : `some-${((i * 31) % rows) >> 2}`;
  return column.length === '' ? text : text.slice(0, Number(column.length));
}
