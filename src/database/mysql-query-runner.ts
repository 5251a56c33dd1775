import type { ReplicationMode } from 'typeorm';
import type { MysqlDriver } from 'typeorm/driver/mysql/MysqlDriver.js';
import { MysqlQueryRunner } from 'typeorm/driver/mysql/MysqlQueryRunner.js';
import { asAvailability, isConflict, isRefusalToWrite } from './database-errors.js';
import { type BoundedRunner, Deadline } from './deadline.js';
import { tryStatement } from './mysql-conflicts.js';
import type { PooledConnection } from './mysql-connection.js';
import { MysqlPool } from './mysql-pool.js';
import { MysqlStatements } from './mysql-statements.js';
import type { StatementMetrics } from './statement-metrics.js';
import type { Statements } from './statements.js';

/** One second more than the longest of our own transactions. */
const migrationWaitSeconds = (deadlineMs: number): number => Math.ceil(deadlineMs / 1000) + 1;

/**
 * TypeORM's runner for MySQL and MariaDB with what it and mysql2 lack: a deadline over all that one runner does, after
 * which its connection is destroyed and not given back; another try for single statements that lost a lock conflict (a
 * transaction is tried again as a whole, see {@link Transactions}); and no more use of a server that refuses writes.
 */
class BoundedMysqlQueryRunner extends MysqlQueryRunner implements BoundedRunner {
  private deadline: Deadline | undefined;
  private unbounded = false;

  constructor(
    driver: MysqlDriver,
    mode: ReplicationMode,
    private readonly pool: MysqlPool,
    private readonly deadlineMs: number,
    private readonly metrics: StatementMetrics,
  ) {
    super(driver, mode);
  }

  override connect(): Promise<unknown> {
    if (this.databaseConnection) return Promise.resolve(this.databaseConnection);
    const connecting = super.connect() as Promise<PooledConnection>;
    let expired = false;
    connecting.then(
      (connection) => {
        if (expired) connection.release();
      },
      () => undefined,
    );
    return this.bound(connecting, () => {
      expired = true;
      this.databaseConnectionPromise = undefined as never;
    });
  }

  override query(query: string, parameters?: unknown[], useStructuredResult = false): Promise<never> {
    return this.metrics.measure(() => this.tryQuery(query, parameters, useStructuredResult));
  }

  joinDeadline(deadline: Deadline): void {
    this.deadline = deadline;
  }

  /**
   * A migration may take as long as it must, where it rewrites a large table; but it waits for others only as long as
   * transactions of ours last: whoever comes after a waiting ALTER TABLE waits behind it.
   */
  override async beforeMigration(): Promise<void> {
    if (this.unbounded) return;
    this.unbounded = true;
    const waitS = migrationWaitSeconds(this.deadlineMs);
    await super.query(
      `SET SESSION lock_wait_timeout = ${waitS}, innodb_lock_wait_timeout = ${waitS} /*M! , max_statement_time = 0 */`,
    );
  }

  /** The session of a migration is set for it alone. */
  override async release(): Promise<void> {
    if (this.unbounded) this.destroyConnection();
    await super.release();
  }

  private async tryQuery(
    query: string,
    parameters: unknown[] | undefined,
    useStructuredResult: boolean,
  ): Promise<never> {
    const attempt = () => this.send(query, parameters, useStructuredResult);
    if (!this.isTransactionActive && !this.unbounded) {
      this.deadline ??= new Deadline(this.deadlineMs);
      return tryStatement(attempt, this.deadline, this.metrics);
    }
    try {
      return await attempt();
    } catch (error) {
      throw isConflict(error) ? error : asAvailability(error);
    }
  }

  private async send(query: string, parameters: unknown[] | undefined, useStructuredResult: boolean): Promise<never> {
    await this.connect();
    const sent = super.query(query, parameters, useStructuredResult) as Promise<never>;
    try {
      return await this.bound(sent, () => this.destroyConnection());
    } catch (error) {
      if (isRefusalToWrite(error)) this.pool.retire(this.databaseConnection as PooledConnection);
      throw error;
    }
  }

  private bound<T>(work: Promise<T>, onExpiry: () => void): Promise<T> {
    if (this.unbounded) return work;
    this.deadline ??= new Deadline(this.deadlineMs);
    return this.deadline.bound(work, onExpiry);
  }

  private destroyConnection(): void {
    (this.databaseConnection as PooledConnection | undefined)?.destroy();
  }
}

/**
 * Makes every query runner of the driver a bounded one, on connections whose session is set up. Returns the way of
 * single statements over the same connections.
 */
export function boundMysql(driver: MysqlDriver, deadlineMs: number, metrics: StatementMetrics): Statements {
  const pool = new MysqlPool(driver, deadlineMs);
  driver.obtainMasterConnection = pool.obtain;
  driver.createQueryRunner = (mode) => new BoundedMysqlQueryRunner(driver, mode, pool, deadlineMs, metrics);
  metrics.watch(() => pool.use);
  const connect = driver.connect.bind(driver);
  driver.connect = async () => {
    try {
      await connect();
    } catch (error) {
      // TypeORM makes a new pool at the next try, and would forget this one with its connections.
      await driver.disconnect().catch(() => undefined);
      throw error;
    }
  };
  return new MysqlStatements(pool, deadlineMs, metrics);
}
