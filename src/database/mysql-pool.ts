import type { MysqlDriver } from 'typeorm/driver/mysql/MysqlDriver.js';
import { Deadline } from './deadline.js';
import { type ReservedPool, reserveConnection } from './mysql-reserved-connection.js';
import type { Pool, PooledConnection } from './mysql-connection.js';
import { MysqlSession } from './mysql-session.js';
import type { ConnectionUse } from './statement-metrics.js';

/** A connection that is younger is kept: a server that stays read-only would else cost one for every refused write. */
const SETTLED_MS = 1_000;

/** Hands out connections whose session is set up, and none that leads to a server which no longer takes writes. */
export class MysqlPool {
  private readonly reserved: ReservedPool;
  private readonly session: MysqlSession;
  private readonly openedAt = new WeakMap<PooledConnection, number>();
  private retiredBefore = 0;

  constructor(
    private readonly driver: MysqlDriver,
    private readonly deadlineMs: number,
  ) {
    this.reserved = reserveConnection(driver);
    this.session = new MysqlSession(deadlineMs);
  }

  readonly obtain = (): Promise<PooledConnection> =>
    new Promise((resolve, reject) => {
      if (this.pool) this.take(this.pool, resolve, reject);
      else reject(new Error('Pool is closed.'));
    });

  /** The connection beside the pool, for what must go on while requests wait in line. */
  readonly obtainReserved = (): Promise<PooledConnection> =>
    new Promise((resolve, reject) => this.take(this.reserved.open(), resolve, reject));

  /**
   * Leaves the server that refused to write over a connection, after a failover the demoted one: no write of any
   * connection to it could succeed. Those in use leave when they come back.
   */
  retire(refused: PooledConnection): void {
    const settledBefore = performance.now() - SETTLED_MS;
    if (!this.wasOpenedBefore(refused, settledBefore)) return;
    this.retiredBefore = settledBefore;
    refused.destroy();
    for (const pool of [this.pool, this.reserved.opened()]) {
      const free = pool?._freeConnections;
      const idle = Array.from({ length: free?.length ?? 0 }, (_, index) => free!.get(index));
      for (const each of idle) if (this.wasOpenedBefore(each, settledBefore)) each.destroy();
    }
  }

  get use(): ConnectionUse {
    const { pool } = this;
    if (!pool) return { limit: 0, inUse: 0, idle: 0, waiting: 0 };
    const idle = pool._freeConnections.length;
    const inUse = pool._allConnections.length - idle;
    return { limit: pool.config.connectionLimit, inUse, idle, waiting: pool._connectionQueue.length };
  }

  private get pool(): Pool | undefined {
    return this.driver.pool as Pool | undefined;
  }

  private wasOpenedBefore(connection: PooledConnection, time: number): boolean {
    return (this.openedAt.get(connection) ?? Number.POSITIVE_INFINITY) < time;
  }

  private take(pool: Pool, resolve: (connection: PooledConnection) => void, reject: (error: Error) => void): void {
    pool.getConnection((error, connection) => {
      if (error) return reject(error);
      const openedAt = this.openedAt.get(connection);
      if (openedAt === undefined) {
        this.open(connection).then(() => resolve(connection), reject);
      } else if (openedAt < this.retiredBefore) {
        connection.destroy();
        this.take(pool, resolve, reject);
      } else resolve(connection);
    });
  }

  private async open(connection: PooledConnection): Promise<void> {
    // Callers learn of an error from their statement, and the pool by itself; unheard it would end the process.
    connection.on('error', () => undefined);
    try {
      await new Deadline(this.deadlineMs).bound(this.session.setUp(connection), () => undefined);
      this.openedAt.set(connection, performance.now());
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }
}
