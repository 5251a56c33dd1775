import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';

/** The work was given up. */
export class DeadlinePassedError extends TemporarilyUnavailableError {}

/** A query runner whose work may share the time of other work: the tries of one transaction. */
export interface BoundedRunner {
  joinDeadline(deadline: Deadline): void;
}

/**
 * The time that a unit of database work may take: a single statement, or a transaction from its first statement to
 * COMMIT, with all their tries. mysql2 waits without end for a free connection, for a frozen server and for a peer that
 * vanished without a word; this does not.
 */
export class Deadline {
  private readonly endsAt: number;

  constructor(readonly milliseconds: number) {
    this.endsAt = performance.now() + milliseconds;
  }

  get remainingMs(): number {
    return this.endsAt - performance.now();
  }

  get passed(): boolean {
    return this.remainingMs <= 0;
  }

  /** @throws {DeadlinePassedError} when the work is not done in time; `onExpiry` then frees what it holds */
  bound<T>(work: Promise<T>, onExpiry: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        onExpiry();
        reject(new DeadlinePassedError('the database did not answer by the deadline'));
      }, Math.max(0, this.remainingMs));
      work.then(
        (value) => {
          clearTimeout(timer);
          resolve(value);
        },
        (error: Error) => {
          clearTimeout(timer);
          reject(error);
        },
      );
    });
  }
}
