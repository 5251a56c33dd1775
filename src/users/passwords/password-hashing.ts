import { join } from 'node:path';
import { Injectable, type OnApplicationShutdown, Optional } from '@nestjs/common';
import { Piscina } from 'piscina';
import type { Histogram } from '../../common/metrics/histogram.js';
import { Metrics } from '../../common/metrics/metrics.js';
import { TemporarilyUnavailableError } from '../../common/temporarily-unavailable.error.js';
import { annotate, InSpan } from '../../common/tracing/tracing.js';
import { Config } from '../../config/config.js';
import { HashingLine, type Place } from './hashing-line.js';
import { isHashable } from './password-text.js';
import type { HashResult, HashTask } from './hash-worker.js';
import type { PasswordVerdict } from './stored-hash.js';

export type { PasswordVerdict } from './stored-hash.js';

/** Seconds: from one hash on a core that is free to the end of a long queue. */
const DURATIONS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Threads that have had nothing to do for so long end. */
const IDLE_TIMEOUT_MS = 60_000;

/**
 * A thread that answers requests takes the core from one that hashes as soon as it has work. Not the lowest priority there is: on a machine that is busy with
 * other things, too, nobody could sign in.
 */
const NICE_INCREMENT = 15;

/**
 * A thread is given so many passwords at once where many wait. Each hash sweeps the caches of its core: what follows the passwords, one after the other, then runs warm from the second one on, and
 * the embedded database commits it at once. None waits for more than three others besides those before it.
 */
const BATCH = 4;

type HashValue = string | PasswordVerdict;

interface Waiting {
  readonly task: HashTask;
  readonly resolve: (value: HashValue) => void;
  readonly reject: (error: Error) => void;
}

/** A caller's place in the line, to be taken before anything is done for the password, and given back in any case. */
export type HashingPlace = Place<Waiting>;

/** Who sets the passwords of others: they share the places of one block. */
const ADMINS = 'admins';

/**
 * Hashes passwords in threads of its own, which start with the first password. At most `passwordHashThreads` work and
 * `passwordHashQueueLimit` passwords wait, for each process, in fair shares of the address blocks that they come from; past
 * that `TemporarilyUnavailableError`. No other error is the caller's doing.
 */
@Injectable()
export class PasswordHashing implements OnApplicationShutdown {
  private pool?: Piscina;
  private threadFailure?: Error;
  private readonly line = new HashingLine<Waiting>();
  /** How many threads are at work, and on how many passwords. */
  private threads = 0;
  private underWay = 0;
  private shed = 0;
  private readonly durations: Histogram<Record<never, never>>;

  constructor(
    private readonly config: Config,
    metrics: Metrics,
    /** What a thread loads: a path, for a thread starts from a file of its own. */
    @Optional() private readonly workerFile = join(__dirname, 'hash-worker.js'),
  ) {
    this.durations = metrics.histogram({ name: 'password_hash_duration_seconds', help: 'Time until a password was hashed, the wait for a thread included.' }, DURATIONS);
    metrics.readGauge({ name: 'password_hashes_waiting', help: 'Passwords that wait for a thread.', across: 'sum' }, () => this.line.ready);
    metrics.readGauge({ name: 'password_hashes_running', help: 'Passwords that threads are at work on, up to four each.', across: 'sum' }, () => this.underWay);
    metrics.readGauge({ name: 'password_hash_queue_limit', help: 'Passwords that may wait: PASSWORD_HASH_QUEUE_LIMIT, for each process.', across: 'sum' }, () => config.passwordHashQueueLimit);
    metrics.readCounter({ name: 'password_hashes_shed_total', help: 'Passwords that were turned away because too many waited.' }, () => this.shed);
  }

  /**
   * Takes a place in the line.
   * @param block whom it counts for
   * @throws {TemporarilyUnavailableError} while there is none for this block
   */
  enter(block: string): HashingPlace {
    const { passwordHashThreads, passwordHashQueueLimit } = this.config;
    // Who gets a thread at once does not wait.
    const limit = passwordHashQueueLimit + passwordHashThreads - this.threads;
    const place = this.line.enter(block, limit, (shed) => shed.task?.reject(this.queueFull()));
    if (!place) throw this.queueFull();
    return place;
  }

  /** Gives back a place that may have been used. */
  leave(place: HashingPlace): void {
    this.line.leave(place);
  }

  /**
   * Returns a PHC string, `$argon2id$v=19$m=19456,t=2,p=1$...`, of about 97 characters. The password has passed the policy.
   * @param block as of {@link enter}
   */
  async hash(password: string, block = ADMINS): Promise<string> {
    if (!isHashable(password)) throw new RangeError('a password that the policy refuses was given to be hashed');
    return this.run<string>({ name: 'hash', password }, this.enter(block));
  }

  /**
   * Verifies a password, for which somebody may have taken a place.
   * @param stored what `hash` or `readImportedHash` returned; `null` where there is none, which costs the same and never
   * matches
   */
  async verify(password: string, stored: string | null, place?: HashingPlace): Promise<PasswordVerdict> {
    if (!isHashable(password)) return { matches: false };
    return this.run<PasswordVerdict>({ name: 'verify', password, stored }, place ?? this.enter(ADMINS));
  }

  /** Every request has been answered by now. A thread ends when the hash at which it is does, which takes some seconds at the very most. */
  async onApplicationShutdown(): Promise<void> {
    await this.pool?.destroy();
  }

  private queueFull(): TemporarilyUnavailableError {
    this.shed++;
    return new TemporarilyUnavailableError('the password hashing queue is full', 1);
  }

  @InSpan('password hashing')
  private async run<Result extends HashValue>(task: HashTask, place: HashingPlace): Promise<Result> {
    if (place.shed) throw this.queueFull();
    annotate('mintgate.password_hashing.waiting', this.line.ready);
    const began = performance.now();
    const result = await new Promise<HashValue>((resolve, reject) => {
      this.line.makeReady(place, { task, resolve, reject });
      this.next();
    });
    this.durations.observe({}, (performance.now() - began) / 1000);
    return result as Result;
  }

  /** Gives those who wait to the threads that are free. */
  private next(): void {
    const { passwordHashThreads } = this.config;
    while (this.line.ready > 0 && this.threads < passwordHashThreads) {
      const share = Math.ceil(this.line.ready / (passwordHashThreads - this.threads));
      void this.hashAll(this.line.take(Math.min(share, BATCH)).map(({ task }) => task!));
    }
  }

  private async hashAll(batch: readonly Waiting[]): Promise<void> {
    this.threads++;
    this.underWay += batch.length;
    const results = await this.resultsOf(batch);
    this.threads--;
    this.underWay -= batch.length;
    this.next();
    batch.forEach(({ resolve, reject }, at) => {
      const result = results[at];
      if ('value' in result) resolve(result.value);
      else reject(new Error('a password could not be hashed', { cause: result.error }));
    });
  }

  private async resultsOf(batch: readonly Waiting[]): Promise<HashResult[]> {
    this.pool ??= this.openPool();
    try {
      return (await this.pool.run(batch.map(({ task }) => task))) as HashResult[];
    } catch (error) {
      // Of a thread that did not even start, the task itself only learns that it was ended.
      (error as Error).cause ??= this.threadFailure;
      return batch.map(() => ({ error: error as Error }));
    }
  }

  private openPool(): Piscina {
    const pool = new Piscina({
      filename: this.workerFile,
      name: 'runAll',
      minThreads: 0,
      maxThreads: this.config.passwordHashThreads,
      concurrentTasksPerWorker: 1,
      idleTimeout: IDLE_TIMEOUT_MS,
      niceIncrement: NICE_INCREMENT,
      recordTiming: false,
    });
    pool.on('error', (error: Error) => (this.threadFailure = error));
    pool.on('workerCreate', () => (this.threadFailure = undefined));
    // The pool starts no other thread in place of the last one that dies, and nothing would ever take what waits. Idle threads end by this event too.
    pool.on('workerDestroy', () => setImmediate(() => void (pool.threads.length === 0 && pool.queueSize > 0 && pool.destroy())));
    return pool;
  }
}
