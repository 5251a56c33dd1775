import { DataSource, type QueryRunner } from 'typeorm';
import type { TestServer } from './test-server.js';

/** A transaction that waits at a point of its course. */
export interface HeldTransaction {
  /** Resolves when a transaction has come to the point. */
  readonly reached: Promise<void>;
  /** Lets it go on. Transactions that come later are not held. */
  release(): void;
}

/**
 * Holds the next transaction of a server: before it begins, or before its first statement that matches. Another
 * change can be committed meanwhile, so that a test decides the order of two requests.
 */
export function holdNextTransaction(server: TestServer, statement?: RegExp): HeldTransaction {
  const dataSource = server.get(DataSource);
  const make = dataSource.createQueryRunner.bind(dataSource);
  let reach: () => void;
  let release: () => void;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const released = new Promise<void>((resolve) => (release = resolve));
  let waiting = true;
  const hold = async () => {
    if (!waiting) return;
    waiting = false;
    dataSource.createQueryRunner = make;
    reach();
    await released;
  };
  dataSource.createQueryRunner = (mode) => {
    const runner = make(mode);
    if (statement === undefined) holdMethod(runner, 'startTransaction', () => true, hold);
    else holdMethod(runner, 'query', (sql) => statement.test(String(sql)), hold);
    return runner;
  };
  return { reached, release: () => release() };
}

function holdMethod(
  runner: QueryRunner,
  name: 'startTransaction' | 'query',
  matches: (first: unknown) => boolean,
  hold: () => Promise<void>,
): void {
  const method = runner[name].bind(runner) as (...args: unknown[]) => Promise<unknown>;
  Object.assign(runner, {
    [name]: async (...args: unknown[]) => {
      if (matches(args[0])) await hold();
      return method(...args);
    },
  });
}
