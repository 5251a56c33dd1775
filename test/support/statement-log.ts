import { DataSource } from 'typeorm';
import type { Driver } from 'typeorm/driver/Driver.js';
import { statementsOf } from '../../src/database/statements.js';

/** What was asked of a database, with the values of the first time. */
export type Statements = ReadonlyMap<string, readonly unknown[]>;

/** Hears every statement, by whichever part of the server, of the DataSources that connect while it is open. */
export class StatementLog {
  private heard = new Map<string, readonly unknown[]>();
  private readonly initialize = Object.getOwnPropertyDescriptor(DataSource.prototype, 'initialize')!;

  open(): void {
    const initialize = this.initialize.value as DataSource['initialize'];
    const listen = (dataSource: DataSource) => {
      this.listenTo(dataSource.driver);
      this.listenToSingle(dataSource);
    };
    DataSource.prototype.initialize = function (this: DataSource) {
      listen(this);
      return initialize.call(this);
    };
  }

  close(): void {
    Object.defineProperty(DataSource.prototype, 'initialize', this.initialize);
  }

  /** What was heard since the last time. */
  take(): Statements {
    const { heard } = this;
    this.heard = new Map();
    return heard;
  }

  private listenToSingle(dataSource: DataSource): void {
    const single = statementsOf(dataSource);
    for (const way of ['run', 'runReserved'] as const) {
      const run = single[way].bind(single);
      single[way] = (sql, parameters) => {
        if (!this.heard.has(sql)) this.heard.set(sql, [...parameters]);
        return run(sql, parameters);
      };
    }
  }

  private listenTo(driver: Driver): void {
    const make = driver.createQueryRunner.bind(driver);
    driver.createQueryRunner = (mode) => {
      const runner = make(mode);
      const query = runner.query.bind(runner) as (sql: string, parameters: unknown[], structured?: boolean) => Promise<never>;
      runner.query = (sql: string, parameters: readonly unknown[] = [], structured?: boolean) => {
        if (!this.heard.has(sql)) this.heard.set(sql, [...parameters]);
        return query(sql, [...parameters], structured);
      };
      return runner;
    };
  }
}
