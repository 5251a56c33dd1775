import type { BetterSqlite3Driver } from 'typeorm/driver/better-sqlite3/BetterSqlite3Driver.js';
import { Deadline } from './deadline.js';
import { runAlone, type SqliteConnection, type Turnstile } from './sqlite-connection.js';
import type { StatementMetrics } from './statement-metrics.js';
import type { StatementResult, Statements } from './statements.js';

/** Single statements on the one connection, in turns with the transactions of the query runners. */
export class SqliteStatements implements Statements {
  constructor(
    private readonly driver: BetterSqlite3Driver,
    private readonly turnstile: Turnstile,
    private readonly deadlineMs: number,
    private readonly metrics: StatementMetrics,
  ) {}

  run(sql: string, parameters: readonly unknown[]): Promise<StatementResult> {
    return this.metrics.measure(() => this.inTurn(sql, parameters, false));
  }

  runReserved(sql: string, parameters: readonly unknown[]): Promise<StatementResult> {
    return this.metrics.measure(() => this.inTurn(sql, parameters, true));
  }

  /** @param first ahead of all who wait */
  private async inTurn(sql: string, parameters: readonly unknown[], first: boolean): Promise<StatementResult> {
    const deadline = new Deadline(this.deadlineMs);
    await this.turnstile.enter(deadline, first);
    try {
      return await runAlone(this.driver.databaseConnection as SqliteConnection, sql, parameters, deadline);
    } finally {
      this.turnstile.leave();
    }
  }
}
