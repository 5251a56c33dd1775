import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, type EntityTarget, type ObjectLiteral, type Repository } from 'typeorm';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { isSqlite } from './data-source.js';

/** The way of repositories to the DataSource. Until it is connected, every use says so instead of failing obscurely. */
@Injectable()
export class Database {
  constructor(private readonly dataSource: DataSource) {}

  /** @throws {TemporarilyUnavailableError} until the database has been reached for the first time */
  connected(): DataSource {
    if (!this.dataSource.isInitialized) throw new TemporarilyUnavailableError('the database has not been reached yet');
    return this.dataSource;
  }

  /** @param manager of the transaction to take part in, if any */
  repository<E extends ObjectLiteral>(entity: EntityTarget<E>, manager?: EntityManager): Repository<E> {
    return (manager ?? this.connected().manager).getRepository(entity);
  }

  /** Runs SQL that TypeORM's repositories cannot say. Answers rows for a query. */
  async query<Row>(sql: string, parameters: readonly unknown[] = [], manager?: EntityManager): Promise<Row[]> {
    return (manager ?? this.connected().manager).query<Row[]>(sql, [...parameters]);
  }

  /** Runs SQL that writes. Answers how many rows it touched. */
  async execute(sql: string, parameters: readonly unknown[] = [], manager?: EntityManager): Promise<number> {
    const own = manager?.queryRunner ? undefined : this.connected().createQueryRunner();
    const runner = own ?? manager!.queryRunner!;
    try {
      return (await runner.query(sql, [...parameters], true)).affected ?? 0;
    } finally {
      await own?.release();
    }
  }

  get isSqlite(): boolean {
    return isSqlite(this.dataSource);
  }

  /** SQL for the database's own clock in milliseconds since the epoch: instances compare times that they share by it. */
  get nowMsSql(): string {
    return this.isSqlite ? `CAST(unixepoch('subsec') * 1000 AS INTEGER)` : `CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)`;
  }

  /** `INSERT` that leaves an existing row as it is. */
  get insertIfAbsentSql(): string {
    return this.isSqlite ? 'INSERT OR IGNORE INTO' : 'INSERT IGNORE INTO';
  }
}
