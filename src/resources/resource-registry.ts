import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Actor, AuditLog, type AuditRecord } from '../audit/audit-log.js';
import { Clock } from '../common/time/clock.js';
import { ChangeFeed } from '../database/change-feed.js';
import { isDuplicate } from '../database/database-errors.js';
import { OvertakenError, untilNotOvertaken } from '../database/optimistic.js';
import { Transactions } from '../database/transactions.js';
import { describeNewResource, describeResourceChanges } from './resource-audit.js';
import type { ResourceEntity } from './resource.entity.js';
import { ResourceDirectory } from './resource-directory.js';
import { ResourcesRepository } from './resources.repository.js';

/** The identifier, or a scope, belongs to another resource. */
export class ResourceConflictError extends Error {}

export type ResourceMetadata = Pick<ResourceEntity, 'identifier' | 'name' | 'scopes' | 'resourceServers' | 'accessTokenFormat' | 'accessTokenLifetime'>;

/** Makes, changes and deletes protected resources: each in one transaction with its audit event and its notice to other instances. */
@Injectable()
export class ResourceRegistry {
  constructor(
    private readonly transactions: Transactions,
    private readonly resources: ResourcesRepository,
    private readonly directory: ResourceDirectory,
    private readonly feed: ChangeFeed,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  /** @throws {ResourceConflictError} */
  create(metadata: ResourceMetadata, actor: Actor): Promise<ResourceEntity> {
    const nowMs = this.clock.nowMs();
    const row = { ...metadata, resourceId: randomBytes(9).toString('hex'), version: 1, createdAt: nowMs, updatedAt: nowMs };
    const detail = { resource_id: row.resourceId, identifier: row.identifier, ...describeNewResource(metadata) };
    return this.write(row.resourceId, { type: 'resource.created', actor, detail }, (manager) => this.resources.insert(row, manager));
  }

  /**
   * @param edit makes the new metadata from the current state; it may refuse by throwing, and is asked again when another writer was faster
   * @returns the new state, `null` when there is no such resource
   * @throws {ResourceConflictError}
   */
  update(resourceId: string, actor: Actor, edit: (current: ResourceEntity) => ResourceMetadata): Promise<ResourceEntity | null> {
    return untilNotOvertaken(async () => {
      const current = await this.resources.find(resourceId);
      if (!current) return null;
      const metadata = edit(current);
      const described = describeResourceChanges(current, metadata);
      if (described.changed.length === 0) return current;
      const changes = { ...metadata, updatedAt: this.clock.nowMs() };
      await this.write(resourceId, { type: 'resource.updated', actor, detail: { resource_id: resourceId, ...described } }, async (manager) => {
        if (!(await this.resources.update(current, changes, manager))) throw new OvertakenError();
      });
      return { ...current, ...changes, version: current.version + 1 };
    });
  }

  /** @param check may refuse by throwing. Answers whether there was such a resource. */
  delete(resourceId: string, actor: Actor, check: (current: ResourceEntity) => void): Promise<boolean> {
    return untilNotOvertaken(async () => {
      const current = await this.resources.find(resourceId);
      if (!current) return false;
      check(current);
      await this.write(resourceId, { type: 'resource.deleted', actor, detail: { resource_id: resourceId, identifier: current.identifier } }, async (manager) => {
        if (!(await this.resources.delete(current, manager))) throw new OvertakenError();
      });
      return true;
    });
  }

  private async write<T>(resourceId: string, record: AuditRecord, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    try {
      const result = await this.transactions.run(async (manager) => {
        const done = await work(manager);
        await this.audit.record(record, manager);
        await this.feed.publish('resource', resourceId, manager);
        return done;
      });
      await this.directory.reload();
      return result;
    } catch (error) {
      throw isDuplicate(error) ? new ResourceConflictError() : error;
    }
  }
}
