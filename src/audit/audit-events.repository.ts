import { Injectable } from '@nestjs/common';
import { Brackets, type EntityManager } from 'typeorm';
import type { QueryDeepPartialEntity } from 'typeorm/query-builder/QueryPartialEntity.js';
import type { Page } from '../common/http/page-cursor.js';
import { Database } from '../database/database.js';
import { AuditEvent } from './audit-event.entity.js';

export interface AuditFilter {
  type?: string;
  /** The client that acted, or that the event is about. */
  clientId?: string;
  userId?: string;
  sinceMs?: number;
  untilMs?: number;
}

@Injectable()
export class AuditEventsRepository {
  constructor(private readonly database: Database) {}

  async append(event: Omit<AuditEvent, 'id'>, manager?: EntityManager): Promise<void> {
    await this.database.repository(AuditEvent, manager).insert(event as QueryDeepPartialEntity<AuditEvent>);
  }

  /** Newest first, one row more than the page holds if there are more. */
  list(filter: AuditFilter, page: Page): Promise<AuditEvent[]> {
    const query = this.database.repository(AuditEvent).createQueryBuilder('event').orderBy('event.id', 'DESC').take(page.limit + 1);
    if (page.before !== undefined) query.andWhere('event.id < :before', { before: page.before });
    if (filter.type !== undefined) query.andWhere('event.type = :type', { type: filter.type });
    if (filter.clientId !== undefined) {
      query.andWhere(new Brackets((either) => either.where('event.clientId = :clientId').orWhere('event.actorClientId = :clientId')), { clientId: filter.clientId });
    }
    if (filter.userId !== undefined) query.andWhere('event.userId = :userId', { userId: filter.userId });
    if (filter.sinceMs !== undefined) query.andWhere('event.occurredAt >= :since', { since: filter.sinceMs });
    if (filter.untilMs !== undefined) query.andWhere('event.occurredAt < :until', { until: filter.untilMs });
    return query.getMany();
  }
}
