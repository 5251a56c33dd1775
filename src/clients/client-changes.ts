import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditLog, type AuditRecord } from '../audit/audit-log.js';
import { ChangeFeed } from '../database/change-feed.js';
import { Transactions } from '../database/transactions.js';
import { ClientDirectory } from './client-directory.js';

/** Runs each change of a client in one transaction with its audit event and its notice to other instances. */
@Injectable()
export class ClientChanges {
  constructor(
    private readonly transactions: Transactions,
    private readonly feed: ChangeFeed,
    private readonly audit: AuditLog,
    private readonly directory: ClientDirectory,
  ) {}

  /** @param work returns no record when it has changed nothing */
  async run<T>(clientId: string, work: (manager: EntityManager) => Promise<{ result: T; record?: AuditRecord }>): Promise<T> {
    const { result, record } = await this.transactions.run(async (manager) => {
      const done = await work(manager);
      if (done.record) {
        await this.audit.record(done.record, manager);
        await this.feed.publish('client', clientId, manager);
      }
      return done;
    });
    if (record) this.directory.invalidate(clientId);
    return result;
  }
}
