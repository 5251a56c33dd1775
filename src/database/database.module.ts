import { type DynamicModule, Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { ChangeFeed } from './change-feed.js';
import { ChangeFeedRepository } from './change-feed.repository.js';
import { Cleanup } from './cleanup.js';
import { DatabaseClock } from './database-clock.js';
import { Database } from './database.js';
import { Leases } from './leases.js';
import { Schema } from './schema.js';
import { Startup } from './startup.js';
import { Transactions } from './transactions.js';

const PROVIDERS = [Database, Transactions, Leases, DatabaseClock, ChangeFeedRepository, ChangeFeed, Startup, Schema, Cleanup];

@Module({})
export class DatabaseModule {
  constructor(cleanup: Cleanup, changes: ChangeFeedRepository) {
    cleanup.register('changes', changes);
  }

  /** @param dataSource not connected yet: {@link Startup} connects it */
  static of(dataSource: DataSource): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [{ provide: DataSource, useValue: dataSource }, ...PROVIDERS],
      exports: PROVIDERS,
    };
  }
}
