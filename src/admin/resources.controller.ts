import { Body, Delete, Get, HttpCode, Param, Patch, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiQuery, ApiResponse } from '../common/openapi/decorators.js';
import type { Request, Response } from 'express';
import { entityTag, isNotModified } from '../common/http/entity-tag.js';
import { Config } from '../config/config.js';
import type { ResourceEntity } from '../resources/resource.entity.js';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { Bearer, RequiredScope } from '../tokens/bearer.guard.js';
import { AdminController } from './admin-controller.decorator.js';
import { adminLocation } from './admin-location.js';
import { administratorOf } from './administrator.js';
import { ResourceDto, ResourcePatchDto } from './dto/resource.dto.js';
import { ApiPage } from './page.decorator.js';
import { readQuery } from './query.js';
import { ResourceAdministration } from './resource-administration.js';
import { resourceResponse, ResourceResponse } from './resource.response.js';

const EXAMPLE = {
  identifier: 'https://api.example.com/invoices',
  name: 'Invoices',
  scopes: [{ name: 'invoices:read', description: 'See your invoices' }, { name: 'invoices:write', description: 'Change your invoices', required_roles: ['accountant'] }],
  resource_servers: ['invoices-api'],
};

@AdminController('resources', 'Protected resources')
export class ResourcesController {
  constructor(
    private readonly config: Config,
    private readonly administration: ResourceAdministration,
  ) {}

  @Post()
  @RequiredScope('resources:write')
  @ApiOperation({ summary: 'Register a protected resource', description: 'Its scopes decide the audience of tokens; a scope belongs to one resource at most.' })
  @ApiBody({ type: ResourceDto, examples: { invoices: { value: EXAMPLE } } })
  @ApiResponse({ status: 201, type: ResourceResponse })
  async create(@Body() body: unknown, @Bearer() token: AccessToken, @Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<ResourceResponse> {
    const created = await this.administration.create(body, administratorOf(req, token));
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
    return this.administration.list(readQuery(req, ['limit', 'cursor']));
  }

  @Get(':resource_id')
  @RequiredScope('resources:read')
  @ApiOperation({ summary: 'See a protected resource' })
  @ApiResponse({ status: 200, type: ResourceResponse })
  async get(@Param('resource_id') resourceId: string, @Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<ResourceResponse | undefined> {
    const resource = await this.administration.find(resourceId);
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
    return describe(res, await this.administration.patch(resourceId, body, administratorOf(req, token)));
  }

  @Delete(':resource_id')
  @HttpCode(204)
  @RequiredScope('resources:write')
  @ApiOperation({ summary: 'Delete a protected resource', description: 'Its scopes belong to nobody then; tokens that were issued for it stay valid until they expire.' })
  async delete(@Param('resource_id') resourceId: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    await this.administration.delete(resourceId, administratorOf(req, token));
  }
}

function describe(res: Response, resource: ResourceEntity): ResourceResponse {
  res.set('ETag', entityTag(resource));
  return resourceResponse(resource);
}
