import type { Logger } from '../common/logging/logger.js';
import { WriteBehind } from '../database/write-behind.js';
import type { AuditEvent } from './audit-event.entity.js';
import { FailureBudgets, networkOf } from './failure-budgets.js';

type Row = Omit<AuditEvent, 'id'>;

const WINDOW_MS = 60_000;
/** Successes cost whoever has them a password: they are all listed. While the database is away no more than so many rows wait, of whichever kind; what comes after them is summed up. */
const MAX_WAITING = 10_000;

/**
 * Rows on their way to the audit log. The first of equal failures goes out with the next batch, and what follows it within a
 * minute is one more row. When a minute has more different failures than it may list ({@link FailureBudgets}), the rest
 * becomes one row (`unlisted` in its detail) for each type and network whose budget is spent, or for the type, which names
 * nobody and says how many there were. So a flood leaves some 400 rows of each type a minute and process at most.
 */
export class Observations {
  private readonly waiting: WriteBehind<string, Row>;
  /** Failures of this window that have been listed. */
  private readonly listed = new Set<string>();
  private readonly budgets = new FailureBudgets();
  /** What follows them. */
  private readonly following = new Map<string, Row>();
  private window: NodeJS.Timeout | undefined;
  private serial = 0;

  /** @param write all of the rows or none */
  constructor(intervalMs: number, write: (rows: Row[]) => Promise<void>, logger: Logger) {
    this.waiting = new WriteBehind({ what: 'events of the audit log', intervalMs, merge: merged, write: (rows) => write([...rows.values()]), logger });
  }

  get size(): number {
    return this.waiting.size + this.following.size;
  }

  /** How many rows were lost because too many waited. */
  get dropped(): number {
    return this.waiting.dropped;
  }

  note(row: Row): void {
    const key = keyOf(row);
    if (this.listed.has(key)) this.follow(key, row);
    else if (this.isFull) this.sumUp(row);
    else if (row.result === 'failure') this.noteFailure(key, row);
    else this.list(key, row);
  }

  /** Writes what waits for nothing but the next batch. */
  writeWaiting(): Promise<void> {
    return this.waiting.flush();
  }

  /** Writes all, what waits for the end of its window as well. */
  flush(): Promise<void> {
    this.endWindow();
    return this.waiting.flush();
  }

  async close(): Promise<void> {
    this.endWindow();
    await this.waiting.close();
  }

  private get isFull(): boolean {
    return this.waiting.size >= MAX_WAITING;
  }

  private noteFailure(key: string, row: Row): void {
    const spent = this.budgets.take(row);
    if (spent === 'network') this.sumUp(row, networkOf(row.actorAddress));
    else if (spent === 'type') this.sumUp(row);
    else {
      this.listed.add(key);
      this.list(key, row);
    }
  }

  private list(key: string, row: Row): void {
    this.waiting.note(key, row);
    this.openWindow();
  }

  private sumUp(row: Row, network?: string): void {
    this.follow(['unlisted', row.type, network ?? ''].join(' '), unlisted(row, network));
  }

  private follow(key: string, row: Row): void {
    const before = this.following.get(key);
    this.following.set(key, before ? merged(before, row) : row);
    this.openWindow();
  }

  private openWindow(): void {
    this.window ??= setTimeout(() => this.endWindow(), WINDOW_MS).unref();
  }

  private endWindow(): void {
    clearTimeout(this.window);
    this.window = undefined;
    this.listed.clear();
    this.budgets.clear();
    // Under keys of their own: they are not to be merged with the first of the next window, which is listed by itself.
    for (const row of this.following.values()) {
      if (this.isFull) this.waiting.note(`unlisted ${row.type}`, unlisted(row));
      else this.waiting.note(`following ${this.serial++}`, row);
    }
    this.following.clear();
  }
}

const keyOf = (row: Row): string => [row.type, row.clientId, row.userId, row.actorClientId, row.actorUserId, row.actorAddress, JSON.stringify(row.detail)].join(' ');

/** The request is that of the first. */
const merged = (before: Row, { occurredAt, lastOccurredAt, occurrences }: Row): Row => ({ ...before, lastOccurredAt: lastOccurredAt ?? occurredAt, occurrences: before.occurrences + occurrences });

/** @param network that the row is the sum of */
const unlisted = (row: Row, network?: string): Row => ({
  ...row,
  actorClientId: null,
  actorUserId: null,
  actorOperator: null,
  // Of an IPv4 address the network is the address itself.
  actorAddress: network === row.actorAddress ? row.actorAddress : null,
  clientId: null,
  userId: null,
  requestId: null,
  detail: { unlisted: true, ...(network ? { network } : {}) },
});
