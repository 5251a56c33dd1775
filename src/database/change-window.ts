import type { Change } from './change-feed.repository.js';

/**
 * Numbers are given out before their rows are committed, so a row may appear behind a later one. No transaction lives
 * longer than its deadline, so a reader that goes back this far misses none.
 */
const LOOK_BACK_MS = 15_000;

/** The same in rows, at a start: by then nobody knows when which row was written. */
const LOOK_BACK_ROWS = 1_000;

/** The clock of the instance that deletes expired rows may be ahead of this one's by less than this. */
const CLOCK_SLACK_MS = 1_000;

interface Seen {
  readonly digest: string;
  readonly expiresAtMs: number;
  /** The read that found it last. */
  read: number;
}

/** The table gave a number out twice, or lost a row: after a failover to a replica that lagged behind, or a restore. */
export class TableWentBackError extends Error {}

const digestOf = ({ topic, subject, expiresAtMs }: Change): string => `${topic}\n${subject}\n${expiresAtMs}`;

/**
 * The end of the table `changes` that every read goes through again, and what was seen of it. The newest row that was seen
 * is always part of it, and what a row says never changes, so a table that went back is noticed with the next read,
 * however many rows it lost and whatever took their place.
 */
export class ChangeWindow {
  private readonly seen = new Map<number, Seen>();
  /** The newest row that was there, by the time at which it was. */
  private readonly marks: { atMs: number; id: number }[] = [];
  private floor = 0;
  private newest = 0;
  private read = 0;

  /** The number to read from. */
  get from(): number {
    return this.floor;
  }

  /** @param newest row of the table, to read on from */
  begin(newest: Change | undefined): void {
    this.seen.clear();
    this.marks.length = 0;
    this.newest = newest?.id ?? 0;
    this.floor = Math.max(0, this.newest - LOOK_BACK_ROWS);
    if (newest) this.remember(newest);
  }

  /**
   * Takes a page of a read, and returns the changes that were not seen before. {@link remember} them once they were applied.
   * @throws {TableWentBackError}
   */
  takePage(changes: readonly Change[]): Change[] {
    return changes.filter((change) => {
      const seen = this.seen.get(change.id);
      if (seen === undefined) return true;
      if (seen.digest !== digestOf(change)) throw new TableWentBackError(`change ${change.id} is another one now`);
      seen.read = this.read;
      return false;
    });
  }

  remember(change: Change): void {
    this.seen.set(change.id, { digest: digestOf(change), expiresAtMs: change.expiresAtMs, read: this.read });
    this.newest = Math.max(this.newest, change.id);
  }

  /**
   * Ends a read that went from {@link from} to the end of the table.
   * @param nowMs by the clock that expired rows are deleted by
   * @param atMs when the read began, by a clock that does not stop or step
   * @throws {TableWentBackError} when a row is gone that nobody had a reason to delete
   */
  endRead(nowMs: number, atMs: number): void {
    for (const [id, { read, expiresAtMs }] of this.seen) {
      if (read === this.read) continue;
      // The clean-up deletes what has expired, and never the newest row.
      if (expiresAtMs > nowMs + CLOCK_SLACK_MS || id === this.newest) throw new TableWentBackError(`change ${id} is gone`);
      this.seen.delete(id);
    }
    this.read++;
    this.advance(atMs);
  }

  private advance(atMs: number): void {
    if (this.newest > (this.marks.at(-1)?.id ?? this.floor)) this.marks.push({ atMs, id: this.newest });
    while (this.marks.length > 0 && this.marks[0].atMs < atMs - LOOK_BACK_MS) this.floor = this.marks.shift()!.id;
    for (const id of this.seen.keys()) if (id < this.floor) this.seen.delete(id);
  }
}
