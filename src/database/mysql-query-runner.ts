import type { ReplicationMode } from 'typeorm';
import type { MysqlDriver } from 'typeorm/driver/mysql/MysqlDriver.js';
import { MysqlQueryRunner } from 'typeorm/driver/mysql/MysqlQueryRunner.js';
import { asAvailability, isConflict } from './database-errors.js';
import { Deadline } from './deadline.js';
import { anotherTryFits, lockWaitSeconds, tryStatement } from './mysql-conflicts.js';
import { reserveConnection } from './mysql-reserved-connection.js';
import { MysqlStatements, type PooledConnection } from './mysql-statements.js';
import type { ConnectionUse, StatementMetrics } from './statement-metrics.js';
import type { Statements } from './statements.js';

/**
 * TypeORM's runner for MySQL and MariaDB with the two things that it and mysql2 lack: a deadline over all that one runner does, after which its connection
 * is destroyed and not given back, and a retry of single statements that lost a lock conflict (a transaction is retried as a whole,
 * see {@link Transactions}).
 */
class BoundedMysqlQueryRunner extends MysqlQueryRunner {
  private deadline: Deadline | undefined;
  private unbounded = false;

  constructor(
    driver: MysqlDriver,
    mode: ReplicationMode,
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

  /** A migration may rewrite a large table. */
  override async beforeMigration(): Promise<void> {
    this.unbounded = true;
    await super.beforeMigration();
  }

  private async tryQuery(query: string, parameters: unknown[] | undefined, useStructuredResult: boolean): Promise<never> {
    const attempt = async (): Promise<never> => {
      await this.connect();
      return this.bound(super.query(query, parameters, useStructuredResult as never) as Promise<never>, () => this.destroyConnection());
    };
    if (!this.isTransactionActive) return tryStatement(attempt, () => this.unbounded || anotherTryFits(this.deadline!.remainingMs, this.deadlineMs), this.metrics);
    try {
      return await attempt();
    } catch (error) {
      throw isConflict(error) ? error : asAvailability(error);
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

/** Makes every query runner of the driver a bounded one, on connections whose session is set up. Answers the way of single statements over the same connections. */
export function boundMysql(driver: MysqlDriver, deadlineMs: number, metrics: StatementMetrics): Statements {
  driver.createQueryRunner = (mode) => new BoundedMysqlQueryRunner(driver, mode, deadlineMs, metrics);
  metrics.watch(() => useOf(driver.pool as Pool | undefined));
  setUpSessions(driver, deadlineMs);
  const obtain = () => driver.obtainMasterConnection() as Promise<PooledConnection>;
  return new MysqlStatements(obtain, reserveConnection(driver), deadlineMs, metrics);
}

/** What mysql2's pool holds: it tells nobody but its listeners of it. */
interface Pool {
  config: { connectionLimit: number };
  _allConnections: { length: number };
  _freeConnections: { length: number };
  _connectionQueue: { length: number };
}

function useOf(pool: Pool | undefined): ConnectionUse {
  if (!pool) return { limit: 0, inUse: 0, idle: 0, waiting: 0 };
  const idle = pool._freeConnections.length;
  return { limit: pool.config.connectionLimit, inUse: pool._allConnections.length - idle, idle, waiting: pool._connectionQueue.length };
}

interface QueryableConnection {
  query(sql: string, done: () => void): void;
}

/** Fewer gap locks, no silent truncation, and lock waits that end before the deadline does; sent once, ahead of a connection's first statement. */
function setUpSessions(driver: MysqlDriver, deadlineMs: number): void {
  const ready = new WeakSet<QueryableConnection>();
  const hooked = driver as unknown as { prepareDbConnection(connection: QueryableConnection): QueryableConnection };
  const prepare = hooked.prepareDbConnection.bind(driver);
  hooked.prepareDbConnection = (connection) => {
    if (!ready.has(connection)) {
      ready.add(connection);
      connection.query(`SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = ${lockWaitSeconds(deadlineMs)}`, () => undefined);
      connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', () => undefined);
    }
    return prepare(connection);
  };
}
