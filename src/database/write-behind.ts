import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from '../common/logging/logger.js';

interface WriteBehindOptions<Key, Value> {
  /** For the log. */
  what: string;
  intervalMs: number;
  /** May change the earlier value and return it. */
  merge(before: Value, next: Value): Value;
  /** Writes a batch: all of it or nothing. */
  write(notes: ReadonlyMap<Key, Value>): Promise<void>;
  logger: Logger;
}

/** Notes that wait while the database is away; later ones are dropped and counted. Some 15 MB of the largest kind. */
const MAX_PENDING = 50_000;
/** One statement, so that a batch that failed has left nothing behind and is not counted twice. */
const BATCH = 100;

/**
 * Notes that are kept in memory and written in batches, so that a request pays nothing for them. After a crash the last
 * few seconds are missing; an orderly stop writes them. What cannot be written now is kept for the next time, up to a
 * limit.
 */
export class WriteBehind<Key, Value> {
  private readonly pending = new Map<Key, Value>();
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> = Promise.resolve();
  private droppedNotes = 0;

  constructor(private readonly options: WriteBehindOptions<Key, Value>) {}

  /** How many notes wait to be written. */
  get size(): number {
    return this.pending.size;
  }

  /** How many notes were lost because too many waited. */
  get dropped(): number {
    return this.droppedNotes;
  }

  note(key: Key, value: Value): void {
    const before = this.pending.get(key);
    if (before === undefined) this.add(key, value);
    else {
      const merged = this.options.merge(before, value);
      if (merged !== before) this.pending.set(key, merged);
    }
    this.schedule();
  }

  /** Writes the notes that wait now. */
  flush(): Promise<void> {
    this.flushing = this.flushing.then(() => this.write());
    return this.flushing;
  }

  /** Writes the notes for the last time. */
  async close(): Promise<void> {
    await this.flush();
    clearTimeout(this.timer);
  }

  private add(key: Key, value: Value): void {
    if (this.pending.size < MAX_PENDING) this.pending.set(key, value);
    else this.droppedNotes++;
  }

  private schedule(): void {
    this.timer ??= setTimeout(() => void this.flush(), this.options.intervalMs).unref();
  }

  private async write(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    // Notes that come meanwhile wait for the next time, which their own timer brings.
    for (let left = this.pending.size; left > 0; left -= BATCH) {
      const batch = this.takeOldest(Math.min(left, BATCH));
      try {
        await this.options.write(batch);
      } catch (error) {
        this.putBack(batch);
        this.options.logger.failure(`${this.options.what} could not be written`, error, { notes: this.pending.size, dropped: this.droppedNotes });
        this.schedule();
        return;
      }
      // SQLite's calls are synchronous: without a rest, many batches in a row keep the event loop from everything else.
      await nextTurn();
    }
  }

  private takeOldest(count: number): Map<Key, Value> {
    const batch = new Map<Key, Value>();
    for (const [key, value] of this.pending) {
      if (batch.size === count) break;
      batch.set(key, value);
      this.pending.delete(key);
    }
    return batch;
  }

  /** They stay the oldest. */
  private putBack(batch: ReadonlyMap<Key, Value>): void {
    const since = [...this.pending];
    this.pending.clear();
    for (const [key, value] of batch) this.pending.set(key, value);
    for (const [key, value] of since) this.note(key, value);
  }
}
