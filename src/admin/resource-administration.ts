import { Injectable } from '@nestjs/common';
import { entityTag } from '../common/http/entity-tag.js';
import { mergePatch } from '../common/http/merge-patch.js';
import { PageCursors } from '../common/http/page-cursor.js';
import { invalidInput, notFound, type ProblemPointer, pointer } from '../common/http/problem.js';
import { resourceIdentifierProblem } from '../common/oauth/resource-identifier.js';
import { USER_SCOPES } from '../common/oauth/scope.js';
import { Config } from '../config/config.js';
import { adminAudience, isAdminScope } from '../resources/admin-api.js';
import type { ResourceEntity, ResourceScope } from '../resources/resource.entity.js';
import { type ResourceMetadata, ResourceRegistry } from '../resources/resource-registry.js';
import { ResourcesRepository } from '../resources/resources.repository.js';
import type { Administrator } from './administrator.js';
import { readBody, readPatched, withoutReadOnly } from './body.js';
import { ResourceDto, ResourcePatchDto } from './dto/resource.dto.js';
import type { ListQuery } from './query.js';
import { resourceDescription, resourceResponse, type ResourceResponse } from './resource.response.js';

const RESOURCE_ID = /^[0-9a-f]{18}$/;
const READ_ONLY = ['resource_id', 'created_at', 'updated_at'];

/** What may be done with protected resources, by the rules of the admin API; bodies are its JSON, not looked at yet. All throw `Problem`s. */
@Injectable()
export class ResourceAdministration {
  constructor(
    private readonly config: Config,
    private readonly registry: ResourceRegistry,
    private readonly resources: ResourcesRepository,
    private readonly cursors: PageCursors,
  ) {}

  /** Newest first. */
  async list({ limit, cursor }: ListQuery): Promise<{ items: ResourceResponse[]; next_cursor: string | null }> {
    const query = ['resources'];
    const page = this.cursors.read(query, limit, cursor);
    return this.cursors.page(query, page, await this.resources.list(page), resourceResponse);
  }

  async find(resourceId: string): Promise<ResourceEntity> {
    const resource = RESOURCE_ID.test(resourceId) ? await this.resources.find(resourceId) : null;
    if (!resource) throw notFound('resource');
    return resource;
  }

  async create(body: unknown, admin: Administrator): Promise<ResourceEntity> {
    return this.registry.create(this.complete(readBody(ResourceDto, body)), admin.actor);
  }

  /** @param body a JSON merge patch (RFC 7396) */
  async patch(resourceId: string, body: object, admin: Administrator): Promise<ResourceEntity> {
    const patched = RESOURCE_ID.test(resourceId)
      ? await this.registry.update(resourceId, admin.actor, (current) => {
          admin.assertMatch(entityTag(current));
          const patch = withoutReadOnly(body, resourceResponse(current), READ_ONLY);
          readBody(ResourcePatchDto, patch);
          return this.complete(readPatched(ResourceDto, mergePatch({ ...resourceDescription(current) }, patch), patch));
        })
      : null;
    if (!patched) throw notFound('resource');
    return patched;
  }

  async delete(resourceId: string, admin: Administrator): Promise<void> {
    const deleted = RESOURCE_ID.test(resourceId) && (await this.registry.delete(resourceId, admin.actor, (current) => admin.assertMatch(entityTag(current))));
    if (!deleted) throw notFound('resource');
  }

  private complete(given: ResourceDto): ResourceMetadata {
    const scopes = (given.scopes ?? []).map(({ name, description, required_roles: roles }) => ({ name, description: description ?? '', required_roles: roles ?? [] }));
    const problems = [...this.identifierProblems(given.identifier), ...scopeProblems(scopes)];
    if (problems.length > 0) throw invalidInput(problems);
    return {
      identifier: given.identifier,
      name: given.name ?? given.identifier.slice(0, 255),
      scopes,
      resourceServers: [...new Set(given.resource_servers ?? [])],
      accessTokenFormat: given.access_token_format ?? null,
      accessTokenLifetime: given.access_token_lifetime ?? null,
    };
  }

  private identifierProblems(identifier: string): ProblemPointer[] {
    const { issuer } = this.config;
    const ours = identifier === issuer || identifier === adminAudience(issuer);
    const detail = ours ? 'is an audience of this server itself' : resourceIdentifierProblem(identifier);
    return detail === undefined ? [] : [{ pointer: '/identifier', detail }];
  }
}

/** What the scopes of a resource may take up as a whole, in bytes, well within a column of the database. */
const MAX_SCOPES_BYTES = 50_000;

function scopeProblems(scopes: readonly ResourceScope[]): ProblemPointer[] {
  if (Buffer.byteLength(JSON.stringify(scopes)) > MAX_SCOPES_BYTES) return [{ pointer: '/scopes', detail: `is longer than ${MAX_SCOPES_BYTES} bytes in all` }];
  const names = scopes.map(({ name }) => name);
  return names.flatMap((name, index) => {
    const detail = isAdminScope(name) || USER_SCOPES.has(name) ? 'belongs to this server itself' : names.indexOf(name) < index ? 'is given twice' : undefined;
    return detail === undefined ? [] : [{ pointer: pointer('scopes', index, 'name'), detail }];
  });
}
