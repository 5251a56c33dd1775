import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Page } from '../common/http/page-cursor.js';
import { Database } from '../database/database.js';
import { ResourceEntity } from './resource.entity.js';
import { ResourceScopeEntity } from './resource-scope.entity.js';

@Injectable()
export class ResourcesRepository {
  constructor(private readonly database: Database) {}

  /** @throws a duplicate error when the identifier or one of the scopes is taken */
  async insert(resource: Omit<ResourceEntity, 'id'>, manager: EntityManager): Promise<ResourceEntity> {
    const result = await this.database.repository(ResourceEntity, manager).insert(resource);
    const created = { ...resource, id: Number(result.identifiers[0]['id']) };
    await this.claimScopes(created, manager);
    return created;
  }

  async find(resourceId: string): Promise<ResourceEntity | null> {
    const resource = await this.database.repository(ResourceEntity).findOneBy({ resourceId });
    return resource?.resourceId === resourceId ? resource : null;
  }

  /** Newest first, one row more than the page holds if there are more. */
  list(page: Page): Promise<ResourceEntity[]> {
    const query = this.database.repository(ResourceEntity).createQueryBuilder('resource').orderBy('resource.id', 'DESC').take(page.limit + 1);
    if (page.before !== undefined) query.andWhere('resource.id < :before', { before: page.before });
    return query.getMany();
  }

  all(): Promise<ResourceEntity[]> {
    return this.database.repository(ResourceEntity).find();
  }

  /** Changes the row if it is still in the state that was read. @throws a duplicate error when the identifier or one of the scopes is taken */
  async update(read: ResourceEntity, changes: Partial<ResourceEntity>, manager: EntityManager): Promise<boolean> {
    const result = await this.database.repository(ResourceEntity, manager).update({ id: read.id, version: read.version }, { ...changes, version: read.version + 1 });
    if (result.affected !== 1) return false;
    await this.releaseScopes(read, manager);
    await this.claimScopes({ ...read, ...changes }, manager);
    return true;
  }

  async delete(read: ResourceEntity, manager: EntityManager): Promise<boolean> {
    const result = await this.database.repository(ResourceEntity, manager).delete({ id: read.id, version: read.version });
    if (result.affected !== 1) return false;
    await this.releaseScopes(read, manager);
    return true;
  }

  private async claimScopes({ id, scopes }: ResourceEntity, manager: EntityManager): Promise<void> {
    if (scopes.length > 0) await this.database.repository(ResourceScopeEntity, manager).insert(scopes.map(({ name }) => ({ scope: name, resourceRowId: id })));
  }

  private async releaseScopes({ id }: ResourceEntity, manager: EntityManager): Promise<void> {
    await this.database.repository(ResourceScopeEntity, manager).delete({ resourceRowId: id });
  }
}
