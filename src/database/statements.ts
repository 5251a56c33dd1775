import type { DataSource } from 'typeorm';

/** What a statement gave: the rows of a query, or how many rows a write touched. */
export interface StatementResult {
  readonly rows: unknown[];
  readonly affected: number;
}

/** Runs statements that stand by themselves, each in a transaction of its own. */
export interface Statements {
  /** @throws {TemporarilyUnavailableError} when the database is not available, or kept conflicting, or did not answer by the deadline */
  run(sql: string, parameters: readonly unknown[]): Promise<StatementResult>;

  /**
   * As {@link run}, for what must go on while requests use, and wait for, every connection: on one of its own.
   * @throws {TemporarilyUnavailableError}
   */
  runReserved(sql: string, parameters: readonly unknown[]): Promise<StatementResult>;
}

const statements = new WeakMap<DataSource, Statements>();

/** Those of a DataSource that {@link createDataSource} made. TypeORM's query runners are for transactions: for a single statement they cost more than the statement. */
export const statementsOf = (dataSource: DataSource): Statements => statements.get(dataSource)!;

export function attachStatements(dataSource: DataSource, made: Statements): void {
  statements.set(dataSource, made);
}
