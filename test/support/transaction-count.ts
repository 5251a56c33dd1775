import { DataSource } from 'typeorm';
import type { TestServer } from './test-server.js';

/** How many transactions a server ran, and statements in them. */
export interface TransactionCount {
  transactions: number;
  statements: number;
}

/** Counts the transactions of a server while something is done. */
export async function countTransactions(server: TestServer, work: () => Promise<unknown>): Promise<TransactionCount> {
  const dataSource = server.get(DataSource);
  const make = dataSource.createQueryRunner.bind(dataSource);
  const count = { transactions: 0, statements: 0 };
  dataSource.createQueryRunner = (mode) => {
    const runner = make(mode);
    const start = runner.startTransaction.bind(runner);
    const query = runner.query.bind(runner) as (...args: unknown[]) => Promise<never>;
    runner.startTransaction = (level) => {
      count.transactions++;
      return start(level);
    };
    runner.query = (...args: unknown[]) => {
      if (runner.isTransactionActive) count.statements++;
      return query(...args);
    };
    return runner;
  };
  try {
    await work();
    return count;
  } finally {
    dataSource.createQueryRunner = make;
  }
}
