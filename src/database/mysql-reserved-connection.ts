import type { MysqlDriver } from 'typeorm/driver/mysql/MysqlDriver.js';
import type { Pool } from './mysql-connection.js';

/** What TypeORM's driver makes its own pool with. */
interface DriverParts {
  readonly mysql: { createPool(options: object): Pool };
  createConnectionOptions(options: object, credentials: object): object;
}

export interface ReservedPool {
  opened(): Pool | undefined;
  /** @throws {Error} when the driver is not connected */
  open(): Pool;
}

/**
 * Keeps a pool of one connection beside the driver's pool, made as that is, opened with its first use and closed with it.
 * Requests use up the pool and wait in line for it; what tells whether the server may answer them must not.
 */
export function reserveConnection(driver: MysqlDriver): ReservedPool {
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
  return { opened: () => pool, open: () => (pool ??= open()) };
}
