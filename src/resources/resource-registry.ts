import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Actor, AuditLog, type AuditRecord } from '../audit/audit-log.js';
import { Clock } from '../common/time/clock.js';
import { ChangeFeed } from '../database/change-feed.js';
import { isDuplicate } from '../database/database-errors.js';
import { Transactions } from '../database/transactions.js';
import type { ResourceEntity } from './resource.entity.js';
import { ResourceDirectory } from './resource-directory.js';
import { ResourcesRepository } from './resources.repository.js';

/** The identifier, or a scope, belongs to another resource. */
export class ResourceConflictError extends Error {}

/** Another writer was faster. */
export class ResourceChangedError extends Error {}

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
    return this.write(row.resourceId, { type: 'resource.created', actor, detail: { resource_id: row.resourceId, identifier: row.identifier } }, (manager) => this.resources.insert(row, manager));
  }

  /** @throws {ResourceConflictError} @throws {ResourceChangedError} */
  async update(read: ResourceEntity, metadata: ResourceMetadata, actor: Actor): Promise<ResourceEntity> {
    const changes = { ...metadata, updatedAt: this.clock.nowMs() };
    const changed = (Object.keys(metadata) as (keyof ResourceMetadata)[]).filter((field) => JSON.stringify(read[field]) !== JSON.stringify(metadata[field]));
    if (changed.length === 0) return read;
    await this.write(read.resourceId, { type: 'resource.updated', actor, detail: { resource_id: read.resourceId, changed } }, async (manager) => {
      if (!(await this.resources.update(read, changes, manager))) throw new ResourceChangedError();
    });
    return { ...read, ...changes, version: read.version + 1 };
  }

  /** @throws {ResourceChangedError} */
  async delete(read: ResourceEntity, actor: Actor): Promise<void> {
    await this.write(read.resourceId, { type: 'resource.deleted', actor, detail: { resource_id: read.resourceId, identifier: read.identifier } }, async (manager) => {
      if (!(await this.resources.delete(read, manager))) throw new ResourceChangedError();
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
