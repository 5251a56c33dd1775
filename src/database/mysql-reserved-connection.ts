import type { MysqlDriver } from 'typeorm/driver/mysql/MysqlDriver.js';
import type { Obtain, PooledConnection } from './mysql-statements.js';

interface Pool {
  getConnection(done: (error: Error | null, connection: PooledConnection) => void): void;
  end(done: (error: Error | null) => void): void;
}

/** What TypeORM's driver makes its own pool with. */
interface DriverParts {
  readonly mysql: { createPool(options: object): Pool };
  createConnectionOptions(options: object, credentials: object): object;
  prepareDbConnection(connection: PooledConnection): PooledConnection;
}

/**
 * Keeps one connection beside the driver's pool, made and set up as those in it, opened with its first use and closed with
 * the pool. Requests use up the pool and wait in line for it; what tells whether the server may answer them must not.
 */
export function reserveConnection(driver: MysqlDriver): Obtain {
  const parts = driver as unknown as DriverParts;
  let pool: Pool | undefined;
  let closed: unknown;
  const disconnect = driver.disconnect.bind(driver);
  driver.disconnect = async () => {
    const ending = pool;
    pool = undefined;
    closed = driver.pool;
    await Promise.all([disconnect(), ending && new Promise<void>((resolve) => ending.end(() => resolve()))]);
  };
  const open = (): Pool => {
    if (driver.pool === undefined || driver.pool === closed) throw new Error('Pool is closed.');
    const options = parts.createConnectionOptions(driver.options, driver.options);
    return parts.mysql.createPool({ ...options, connectionLimit: 1 });
  };
  return () =>
    new Promise((resolve, reject) => {
      pool ??= open();
      pool.getConnection((error, connection) => (error ? reject(error) : resolve(parts.prepareDbConnection(connection))));
    });
}
