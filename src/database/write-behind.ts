import type { Logger } from '../common/logging/logger.js';

interface WriteBehindOptions<Key, Value> {
  /** For the log. */
  what: string;
  intervalMs: number;
  /** May change what was noted before, and answer it. */
  merge(before: Value, next: Value): Value;
  write(notes: ReadonlyMap<Key, Value>): Promise<void>;
  logger: Logger;
}

/**
 * Notes that are kept in memory and written in batches, so that a request pays nothing for them. After a crash the last few seconds are missing; an orderly
 * stop writes them. What cannot be written now is kept for the next time.
 */
export class WriteBehind<Key, Value> {
  private pending = new Map<Key, Value>();
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> = Promise.resolve();

  constructor(private readonly options: WriteBehindOptions<Key, Value>) {}

  /** How many notes wait to be written. */
  get size(): number {
    return this.pending.size;
  }

  note(key: Key, value: Value): void {
    const before = this.pending.get(key);
    const merged = before === undefined ? value : this.options.merge(before, value);
    if (merged !== before) this.pending.set(key, merged);
    this.schedule();
  }

  /** Writes what is noted. */
  flush(): Promise<void> {
    this.flushing = this.flushing.then(() => this.write());
    return this.flushing;
  }

  /** Writes what is noted, for the last time. */
  async close(): Promise<void> {
    await this.flush();
    clearTimeout(this.timer);
  }

  private schedule(): void {
    this.timer ??= setTimeout(() => void this.flush(), this.options.intervalMs).unref();
  }

  private async write(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const notes = this.pending;
    if (notes.size === 0) return;
    this.pending = new Map();
    try {
      await this.options.write(notes);
    } catch (error) {
      this.options.logger.failure(`${this.options.what} could not be written`, error, { notes: notes.size });
      const since = this.pending;
      this.pending = notes;
      for (const [key, value] of since) this.note(key, value);
      this.schedule();
    }
  }
}
