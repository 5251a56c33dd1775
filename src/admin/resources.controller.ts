import { Body, Delete, Get, HttpCode, Param, Patch, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiQuery, ApiResponse } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { assertIfMatch, entityTag, isNotModified } from '../common/http/entity-tag.js';
import { mergePatch } from '../common/http/merge-patch.js';
import { PageCursors } from '../common/http/page-cursor.js';
import { invalidInput, notFound, type ProblemPointer, pointer } from '../common/http/problem.js';
import { USER_SCOPES } from '../common/oauth/scope.js';
import { Config } from '../config/config.js';
import { adminAudience, isAdminScope } from '../resources/admin-api.js';
import type { ResourceEntity, ResourceScope } from '../resources/resource.entity.js';
import { type ResourceMetadata, ResourceRegistry } from '../resources/resource-registry.js';
import { ResourcesRepository } from '../resources/resources.repository.js';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { Bearer, RequiredScope } from '../tokens/bearer.guard.js';
import { AdminController } from './admin-controller.decorator.js';
import { adminLocation } from './admin-location.js';
import { actorOf } from './admin-request.js';
import { readBody, withoutReadOnly } from './body.js';
import { ResourceDto, ResourcePatchDto } from './dto/resource.dto.js';
import { ApiPage } from './page.decorator.js';
import { readQuery } from './query.js';
import { resourceDescription, resourceResponse, ResourceResponse } from './resource.response.js';

const EXAMPLE = {
  identifier: 'https://api.example.com/invoices',
  name: 'Invoices',
  scopes: [{ name: 'invoices:read', description: 'See your invoices' }, { name: 'invoices:write', description: 'Change your invoices', required_roles: ['accountant'] }],
  resource_servers: ['invoices-api'],
};

const RESOURCE_ID = /^[0-9a-f]{18}$/;
const READ_ONLY = ['resource_id', 'created_at', 'updated_at'];

@AdminController('resources', 'Protected resources')
export class ResourcesController {
  constructor(
    private readonly config: Config,
    private readonly registry: ResourceRegistry,
    private readonly resources: ResourcesRepository,
    private readonly cursors: PageCursors,
  ) {}

  @Post()
  @RequiredScope('resources:write')
  @ApiOperation({ summary: 'Register a protected resource', description: 'Its scopes decide the audience of tokens; a scope belongs to one resource at most.' })
  @ApiBody({ type: ResourceDto, examples: { invoices: { value: EXAMPLE } } })
  @ApiResponse({ status: 201, type: ResourceResponse })
  async create(@Body() body: unknown, @Bearer() token: AccessToken, @Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<ResourceResponse> {
    const created = await this.registry.create(this.complete(readBody(ResourceDto, body)), actorOf(req, token));
    res.set('Location', adminLocation(this.config, `resources/${created.resourceId}`));
    return describe(res, created);
  }

  @Get()
  @RequiredScope('resources:read')
  @ApiOperation({ summary: 'List protected resources, newest first' })
  @ApiQuery({ name: 'limit', required: false, schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 } })
  @ApiQuery({ name: 'cursor', required: false, description: '`next_cursor` of the page before' })
  @ApiPage(ResourceResponse)
  async list(@Req() req: Request) {
    const { limit, cursor } = readQuery(req, ['limit', 'cursor']);
    const query = ['resources'];
    const page = this.cursors.read(query, limit, cursor);
    return this.cursors.page(query, page, await this.resources.list(page), resourceResponse);
  }

  @Get(':resource_id')
  @RequiredScope('resources:read')
  @ApiOperation({ summary: 'See a protected resource' })
  @ApiResponse({ status: 200, type: ResourceResponse })
  async get(@Param('resource_id') resourceId: string, @Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<ResourceResponse | undefined> {
    const resource = await this.find(resourceId);
    const shown = describe(res, resource);
    if (!isNotModified(req, entityTag(resource))) return shown;
    res.status(304);
    return undefined;
  }

  @Patch(':resource_id')
  @RequiredScope('resources:write')
  @ApiOperation({ summary: 'Change a protected resource', description: 'A JSON merge patch (RFC 7396).' })
  @ApiBody({ type: ResourcePatchDto, examples: { rename: { value: { name: 'Invoices and receipts' } } } })
  @ApiResponse({ status: 200, type: ResourceResponse })
  async patch(@Param('resource_id') resourceId: string, @Body() body: object, @Bearer() token: AccessToken, @Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<ResourceResponse> {
    const patched = RESOURCE_ID.test(resourceId)
      ? await this.registry.update(resourceId, actorOf(req, token), (current) => {
          assertIfMatch(req, entityTag(current));
          const patch = withoutReadOnly(body, resourceResponse(current), READ_ONLY);
          readBody(ResourcePatchDto, patch);
          return this.complete(readBody(ResourceDto, mergePatch({ ...resourceDescription(current) }, patch)));
        })
      : null;
    if (!patched) throw notFound('resource');
    return describe(res, patched);
  }

  @Delete(':resource_id')
  @HttpCode(204)
  @RequiredScope('resources:write')
  @ApiOperation({ summary: 'Delete a protected resource', description: 'Its scopes belong to nobody then; tokens that were issued for it stay valid until they expire.' })
  async delete(@Param('resource_id') resourceId: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    const deleted = RESOURCE_ID.test(resourceId) && (await this.registry.delete(resourceId, actorOf(req, token), (current) => assertIfMatch(req, entityTag(current))));
    if (!deleted) throw notFound('resource');
  }

  private async find(resourceId: string): Promise<ResourceEntity> {
    const resource = RESOURCE_ID.test(resourceId) ? await this.resources.find(resourceId) : null;
    if (!resource) throw notFound('resource');
    return resource;
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
    const detail =
      identifier === this.config.issuer || identifier === adminAudience(this.config.issuer) ? 'is an audience of this server itself'
      : !/^[\x21-\x7e]+$/.test(identifier) || !URL.canParse(identifier) ? 'must be an absolute URI'
      : identifier.includes('#') ? 'may not have a fragment'
      : undefined;
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

function describe(res: Response, resource: ResourceEntity): ResourceResponse {
  res.set('ETag', entityTag(resource));
  return resourceResponse(resource);
}
