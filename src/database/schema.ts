import { Injectable } from '@nestjs/common';
import { Database } from './database.js';
import { MIGRATIONS } from './migrations/index.js';

/** How the tables differ from those that this version works with. */
export interface SchemaState {
  /** Migrations that have not run yet, in their order. */
  pending: string[];
  /** Migrations that this version does not know: a later one ran them. */
  unknown: string[];
}

/** Looks at the schema, and changes nothing. */
@Injectable()
export class Schema {
  constructor(private readonly database: Database) {}

  async state(): Promise<SchemaState> {
    const run = await this.namesOfThoseThatRan();
    const known = MIGRATIONS.map(({ name }) => name);
    return { pending: known.filter((name) => !run.has(name)), unknown: [...run].filter((name) => !known.includes(name)) };
  }

  private async namesOfThoseThatRan(): Promise<ReadonlySet<string>> {
    const runner = this.database.connected().createQueryRunner();
    try {
      if (!(await runner.hasTable('migrations'))) return new Set();
    } finally {
      await runner.release();
    }
    return new Set((await this.database.query<{ name: string }>('SELECT name FROM migrations')).map(({ name }) => name));
  }
}
