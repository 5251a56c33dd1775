import type { Logger } from '../common/logging/logger.js';
import { WriteBehind } from '../database/write-behind.js';
import type { AuditEvent } from './audit-event.entity.js';

type Row = Omit<AuditEvent, 'id'>;

const WINDOW_MS = 60_000;
/** Failures that a window lists one by one. They cost an attacker next to nothing: without a limit he could fill the disk. */
const MAX_LISTED = 200;
/** Successes cost whoever has them a password: they are all listed. While the database is away no more than so many rows wait, of whichever kind; what comes after them is summed up. */
const MAX_WAITING = 10_000;

/**
 * Rows on their way to the audit log. The first of equal failures goes out with the next batch, and what follows it within a minute is one more row. When a minute has more different failures than
 * it may list, the rest of each type becomes one row that names nobody and says how many there were (`unlisted` in its detail). So a flood leaves some 400 rows a minute and process at most.
 */
export class Observations {
  private readonly waiting: WriteBehind<string, Row>;
  /** Failures of this window that have been listed. */
  private readonly listed = new Set<string>();
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
    const failed = row.result === 'failure';
    if (failed && this.listed.has(key)) this.follow(key, row);
    else if (this.isFull || (failed && this.listed.size >= MAX_LISTED)) this.follow(`unlisted ${row.type}`, unlisted(row));
    else {
      if (failed) this.listed.add(key);
      this.waiting.note(key, row);
      this.openWindow();
    }
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

const unlisted = (row: Row): Row => ({ ...row, actorClientId: null, actorUserId: null, actorOperator: null, actorAddress: null, clientId: null, userId: null, requestId: null, detail: { unlisted: true } });
