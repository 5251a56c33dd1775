import { DataSource, type QueryRunner } from 'typeorm';
import { statementsOf } from '../../src/database/statements.js';
import type { TestServer } from './test-server.js';

/** A transaction, or a statement, that waits at a point of its course. */
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
  const { hold, ...held } = holdOnce(() => (dataSource.createQueryRunner = make));
  dataSource.createQueryRunner = (mode) => {
    const runner = make(mode);
    if (statement === undefined) holdMethod(runner, 'startTransaction', () => true, hold);
    else holdMethod(runner, 'query', (sql) => statement.test(String(sql)), hold);
    return runner;
  };
  return held;
}

/** Holds the next statement that matches and stands by itself. */
export function holdNextStatement(server: TestServer, statement: RegExp): HeldTransaction {
  const single = statementsOf(server.get(DataSource));
  const run = single.run.bind(single);
  const { hold, ...held } = holdOnce(() => (single.run = run));
  single.run = async (sql, parameters) => {
    if (statement.test(sql)) await hold();
    return run(sql, parameters);
  };
  return held;
}

/** @param restore takes the hook away when somebody has come to it */
function holdOnce(restore: () => void): HeldTransaction & { hold: () => Promise<void> } {
  let reach: () => void;
  let release: () => void;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const released = new Promise<void>((resolve) => (release = resolve));
  let waiting = true;
  const hold = async () => {
    if (!waiting) return;
    waiting = false;
    restore();
    reach();
    await released;
  };
  return { hold, reached, release: () => release() };
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
