import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { DataSource, MigrationExecutor } from 'typeorm';
import { Logger } from '../common/logging/logger.js';
import { Config } from '../config/config.js';
import { ChangeFeed } from './change-feed.js';
import { isSqlite, prepareFolder } from './data-source.js';
import { DatabaseClock } from './database-clock.js';
import { isConflict } from './database-errors.js';
import { asFatal, FatalStartupError, hintFor } from './fatal-startup.error.js';
import { type HeldLease, Leases } from './leases.js';
import { migrate } from './migrate.js';

type Step = () => Promise<void>;

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 1_000;

/** While a migration waits for a table, so does everyone who comes after it. Between its tries they have their turn. */
const MIGRATION_PAUSE_MS = 5_000;

/**
 * Brings the server into service once the database can be reached: connect, migrate, make what must exist, load what is kept in memory. It goes on
 * trying, so that a server that was started before its database serves as soon as that is there; until then it is alive, not ready.
 */
@Injectable()
export class Startup {
  private readonly preparations: Step[] = [];
  private readonly loads: Step[] = [];
  private readonly ran: string[] = [];
  private running: Promise<void> | undefined;
  private readonly stopping = new AbortController();
  private done = false;

  constructor(
    private readonly dataSource: DataSource,
    private readonly leases: Leases,
    private readonly feed: ChangeFeed,
    private readonly databaseClock: DatabaseClock,
    private readonly config: Config,
    private readonly logger: Logger,
  ) {}

  /** Registers what must exist in the database; run by one instance at a time, after the migrations, in the order of registration. */
  prepare(step: Step): void {
    this.preparations.push(step);
  }

  /** Registers what must be in memory before the first request is answered. */
  load(step: Step): void {
    this.loads.push(step);
  }

  get complete(): boolean {
    return this.done;
  }

  /** Names of the migrations that this start ran. */
  get migrated(): readonly string[] {
    return this.ran;
  }

  /** Resolves when the server is ready to serve. @throws {FatalStartupError} when it can never be */
  run(): Promise<void> {
    this.running ??= this.untilDone();
    return this.running;
  }

  /**
   * Connects, and learns the database's time; changes nothing there.
   * @throws {FatalStartupError} when another try would not help
   */
  async connect(): Promise<void> {
    try {
      if (!this.dataSource.isInitialized) {
        prepareFolder(this.config);
        await this.dataSource.initialize();
      }
      await this.databaseClock.read();
    } catch (error) {
      throw asFatal(error);
    }
  }

  /** Connects, and runs the migrations that wait, as a start does. Returns their names. */
  async migrate(): Promise<string[]> {
    await this.connect();
    await this.leases.prepare();
    return this.leases.hold('startup', (lease) => this.runMigrations(lease), this.stopping.signal);
  }

  /** Ends what was begun, then lets go of the database. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running?.catch(() => undefined);
    await this.feed.stop();
    if (!this.dataSource.isInitialized) return;
    // So that the file alone is the whole database: closing leaves what is in the write-ahead log there.
    if (isSqlite(this.dataSource)) await this.dataSource.query('PRAGMA wal_checkpoint(TRUNCATE)').catch(() => undefined);
    // mysql2 waits for connections that are still being made, and fails with them; nothing depends on them any more.
    const closed = this.dataSource.destroy().catch((error: unknown) => this.logger.failure('closing the database connections', error));
    await Promise.race([closed, sleep(this.config.databaseDeadlineMs, undefined, { ref: false })]);
  }

  private async untilDone(): Promise<void> {
    for (let backoff = FIRST_BACKOFF_MS; !this.stopping.signal.aborted; backoff = Math.min(backoff * 2, MAX_BACKOFF_MS)) {
      try {
        await this.attempt();
        this.done = true;
        return;
      } catch (thrown) {
        const error = asFatal(thrown);
        if (error instanceof FatalStartupError) throw error;
        if (this.stopping.signal.aborted) return;
        const hint = hintFor(error, this.config);
        this.logger.failure('waiting for the database', error, { next_try_in_ms: backoff, ...hint });
        await sleep(backoff, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      }
    }
  }

  private async attempt(): Promise<void> {
    await this.connect();
    await this.leases.prepare();
    await this.leases.hold('startup', (lease) => this.prepareDatabase(lease), this.stopping.signal);
    await this.feed.begin();
    for (const step of this.loads) await step();
    await this.feed.start();
  }

  private async prepareDatabase(lease: HeldLease): Promise<void> {
    this.ran.push(...(await this.runMigrations(lease)));
    for (const step of this.preparations) {
      lease.assertHeld();
      await step();
    }
  }

  /** Goes on where a long transaction of another session kept a table from being altered. Each step can run again. */
  private async runMigrations(lease: HeldLease): Promise<string[]> {
    const pending = await new MigrationExecutor(this.dataSource).getPendingMigrations();
    for (;;) {
      try {
        await migrate(this.dataSource, lease);
        return pending.map(({ name }) => name);
      } catch (error) {
        if (!isConflict(error)) throw error;
        const next = { next_try_in_ms: MIGRATION_PAUSE_MS };
        this.logger.warn('a migration waits for a table that another session uses', next);
        await sleep(MIGRATION_PAUSE_MS, undefined, { signal: this.stopping.signal });
      }
    }
  }
}
