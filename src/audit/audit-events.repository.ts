import { Injectable } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import type { Page } from '../common/http/page-cursor.js';
import { Database } from '../database/database.js';
import { AuditEvent } from './audit-event.entity.js';
import type { AuditResult } from './audit-event-types.js';

type NewAuditEvent = Omit<AuditEvent, 'id'>;

export interface AuditFilter {
  /** Any of these. */
  types?: readonly string[];
  /** The client that acted, or that the event is about. */
  clientId?: string;
  /** The user who acted, or whom the event is about. */
  userId?: string;
  actorClientId?: string;
  result?: AuditResult;
  requestId?: string;
  address?: string;
  sinceMs?: number;
  untilMs?: number;
}

const COLUMNS = [
  'type', 'occurred_at', 'last_occurred_at', 'occurrences', 'result', 'actor_client_id', 'actor_user_id', 'actor_operator', 'actor_address', 'client_id', 'user_id', 'request_id', 'detail',
];
/** Rows of one statement. In few sizes, so that statements repeat, and are prepared. */
const INSERT_BATCHES = [64, 16, 4, 1];
const INSERTS = new Map(INSERT_BATCHES.map((rows) => [rows, `INSERT INTO audit_events (${COLUMNS.join(', ')}) VALUES ${Array<string>(rows).fill(`(${COLUMNS.map(() => '?').join(', ')})`).join(', ')}`]));
/** An event is in the table within so long of its time: what is written behind waits for the database, and clocks differ. */
const LATE_MS = 86_400_000;

/** One of these holds: each is looked for by an index of its own, newest or oldest first, instead of sorting all that any of them finds. */
type Alternatives = readonly (readonly [sql: string, value: unknown])[];
type Order = 'ASC' | 'DESC';

@Injectable()
export class AuditEventsRepository {
  constructor(private readonly database: Database) {}

  /** In SQL of its own, since there is an event for every login: TypeORM's `insert` costs more than the row. */
  async append(event: NewAuditEvent, manager?: EntityManager): Promise<void> {
    await this.database.execute(INSERTS.get(1)!, valuesOf(event), manager);
  }

  async appendAll(events: readonly NewAuditEvent[], manager: EntityManager): Promise<void> {
    for (let at = 0, rows; at < events.length; at += rows) {
      const left = events.length - at;
      rows = INSERT_BATCHES.find((size) => size <= left)!;
      await this.database.execute(INSERTS.get(rows)!, events.slice(at, at + rows).flatMap(valuesOf), manager);
    }
  }

  /** Newest first, one row more than the page holds if there are more. */
  async list(filter: AuditFilter, { limit, before }: Page): Promise<AuditEvent[]> {
    const bounds = before === undefined ? [] : ([['id < ?', before]] as const);
    return this.search(filter, [...bounds, ...(await this.timeBounds(filter))], limit + 1, 'DESC');
  }

  /** Oldest first. @param after,upTo row numbers: the first is not among them, the last is */
  async next(filter: AuditFilter, after: number, upTo: number, limit: number): Promise<AuditEvent[]> {
    return this.search(filter, [['id > ?', after], ['id <= ?', upTo], ...(await this.timeBounds(filter))], limit, 'ASC');
  }

  /** The row number of the newest event, 0 when there is none. */
  async newestId(): Promise<number> {
    const [row] = await this.database.query<{ id: number | string | null }>('SELECT MAX(id) AS id FROM audit_events');
    return Number(row?.id ?? 0);
  }

  countOlder(ms: number): Promise<number> {
    return this.database.countBelow('audit_events', 'occurred_at', ms);
  }

  /** Deletes a batch of events from before a time. Answers how many it deleted. */
  deleteOlder(ms: number): Promise<number> {
    return this.database.deleteBelow('audit_events', 'occurred_at', ms);
  }

  private async search(filter: AuditFilter, bounds: Alternatives, limit: number, order: Order): Promise<AuditEvent[]> {
    const { sql, values } = searchSql(filter, bounds, limit, order);
    const found = await this.database.query<{ id: number | string }>(sql, values);
    if (found.length === 0) return [];
    return this.database.repository(AuditEvent).find({ where: { id: In(found.map(({ id }) => Number(id))) }, order: { id: order } });
  }

  /** Row numbers grow with time, if not strictly: so that a walk along them does not begin with all that is too new, or go on through all that is too old. */
  private async timeBounds({ sinceMs, untilMs }: AuditFilter): Promise<Alternatives> {
    const first = sinceMs === undefined ? undefined : await this.idAt('occurred_at < ? ORDER BY occurred_at DESC', sinceMs - LATE_MS);
    const last = untilMs === undefined ? undefined : await this.idAt('occurred_at >= ? ORDER BY occurred_at', untilMs + LATE_MS);
    return [...(first === undefined ? [] : ([['id >= ?', first]] as const)), ...(last === undefined ? [] : ([['id <= ?', last]] as const))];
  }

  private async idAt(condition: string, ms: number): Promise<number | undefined> {
    const [row] = await this.database.query<{ id: number | string }>(`SELECT id FROM audit_events WHERE ${condition} LIMIT 1`, [ms]);
    return row && Number(row.id);
  }
}

const valuesOf = (event: NewAuditEvent): unknown[] => [
  event.type, event.occurredAt, event.lastOccurredAt, event.occurrences, event.result, event.actorClientId, event.actorUserId, event.actorOperator, event.actorAddress, event.clientId,
  event.userId, event.requestId, JSON.stringify(event.detail),
];

function searchSql({ types, clientId, userId, actorClientId, result, requestId, address, sinceMs, untilMs }: AuditFilter, bounds: Alternatives, limit: number, order: Order): { sql: string; values: unknown[] } {
  const plain: Alternatives = [
    ...bounds,
    ...given('actor_client_id = ?', actorClientId),
    ...given('result = ?', result),
    ...given('request_id = ?', requestId),
    ...given('actor_address = ?', address),
    ...given('occurred_at >= ?', sinceMs),
    ...given('occurred_at < ?', untilMs),
  ];
  const alternatives = [
    clientId === undefined ? [] : either(clientId, 'client_id', 'actor_client_id'),
    userId === undefined ? [] : either(userId, 'user_id', 'actor_user_id'),
    (types ?? []).map((type) => ['type = ?', type] as const),
  ].filter((choices) => choices.length > 0);
  // One query for each way to choose one of each.
  const ways = alternatives.reduce<Alternatives[]>((all, choices) => all.flatMap((way) => choices.map((choice) => [...way, choice])), [plain]);
  const queries = ways.map((way) => `SELECT id FROM (SELECT id FROM audit_events ${way.length === 0 ? '' : `WHERE ${way.map(([sql]) => sql).join(' AND ')}`} ORDER BY id ${order} LIMIT ${limit}) AS way`);
  return { sql: `${queries.join(' UNION ')} ORDER BY id ${order} LIMIT ${limit}`, values: ways.flatMap((way) => way.map(([, value]) => value)) };
}

const given = (sql: string, value: unknown): Alternatives => (value === undefined ? [] : [[sql, value]]);
const either = (value: string, ...columns: string[]): Alternatives => columns.map((column) => [`${column} = ?`, value] as const);
