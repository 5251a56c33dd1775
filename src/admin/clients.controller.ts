import { Body, Delete, Get, HttpCode, Param, Patch, Post, Put, Req, Res } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiQuery, ApiResponse } from '../common/openapi/decorators.js';
import type { Request, Response } from 'express';
import type { ClientEntity } from '../clients/client.entity.js';
import { entityTag, isNotModified } from '../common/http/entity-tag.js';
import { Config } from '../config/config.js';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { Bearer, RequiredScope } from '../tokens/bearer.guard.js';
import { AdminController } from './admin-controller.decorator.js';
import { adminLocation } from './admin-location.js';
import { administratorOf } from './administrator.js';
import { ClientAdministration } from './client-administration.js';
import { ApiPage } from './page.decorator.js';
import { clientResponse, ClientResponse, registeredClientResponse, RegisteredClientResponse, writtenClientResponse } from './client.response.js';
import { ClientDto, NewClientDto } from './dto/client.dto.js';
import { readQuery } from './query.js';

@AdminController('clients', 'Clients')
export class ClientsController {
  constructor(
    private readonly config: Config,
    private readonly administration: ClientAdministration,
  ) {}

  @Post()
  @RequiredScope('clients:write')
  @ApiOperation({ summary: 'Register a client', description: 'A client that authenticates gets a secret, which only this answer shows.' })
  @ApiBody({ type: NewClientDto, examples: { service: { value: { client_id: 'billing-cron', client_name: 'Billing cron job', grant_types: ['client_credentials'], scope: 'invoices:read invoices:write', default_scope: 'invoices:read' } } } })
  @ApiResponse({ status: 201, type: RegisteredClientResponse })
  async create(@Body() body: unknown, @Bearer() token: AccessToken, @Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<RegisteredClientResponse> {
    const { client, secret } = await this.administration.create(body, administratorOf(req, token));
    this.describe(res, client, true);
    return registeredClientResponse(client, secret);
  }

  @Get()
  @RequiredScope('clients:read')
  @ApiOperation({ summary: 'List clients, newest first' })
  @ApiQuery({ name: 'limit', required: false, schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 } })
  @ApiQuery({ name: 'cursor', required: false, description: '`next_cursor` of the page before' })
  @ApiQuery({ name: 'q', required: false, description: 'Part of the id or the name' })
  @ApiQuery({ name: 'grant_type', required: false })
  @ApiQuery({ name: 'enabled', required: false, schema: { type: 'boolean' } })
  @ApiPage(ClientResponse)
  async list(@Req() req: Request) {
    return this.administration.list(readQuery(req, ['limit', 'cursor', 'q', 'grant_type', 'enabled']));
  }

  @Get(':client_id')
  @RequiredScope('clients:read')
  @ApiOperation({ summary: 'See a client' })
  @ApiResponse({ status: 200, type: ClientResponse })
  async get(@Param('client_id') clientId: string, @Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<ClientResponse | undefined> {
    const client = await this.administration.find(clientId);
    res.set('ETag', entityTag(client));
    if (!isNotModified(req, entityTag(client))) return clientResponse(client);
    res.status(304);
    return undefined;
  }

  @Put(':client_id')
  @RequiredScope('clients:write')
  @ApiOperation({ summary: 'Make or replace a client', description: 'Idempotent, for declarative set-ups: what is left out gets its default. A client that is made this way has no secret until one is added.' })
  @ApiBody({ type: ClientDto, examples: { service: { value: { client_name: 'Billing cron job', grant_types: ['client_credentials'], scope: 'invoices:read' } } } })
  @ApiResponse({ status: 200, type: ClientResponse })
  @ApiResponse({ status: 201, type: ClientResponse, description: 'It was made.' })
  async put(@Param('client_id') clientId: string, @Body() body: object, @Bearer() token: AccessToken, @Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<ClientResponse> {
    const { client, created } = await this.administration.put(clientId, body, administratorOf(req, token));
    return this.describe(res, client, created);
  }

  @Patch(':client_id')
  @RequiredScope('clients:write')
  @ApiOperation({ summary: 'Change a client', description: 'A JSON merge patch (RFC 7396): `null` sets a member back to its default.' })
  @ApiBody({ type: ClientDto, examples: { disable: { value: { enabled: false } } } })
  @ApiResponse({ status: 200, type: ClientResponse })
  async patch(@Param('client_id') clientId: string, @Body() body: object, @Bearer() token: AccessToken, @Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<ClientResponse> {
    return this.describe(res, await this.administration.patch(clientId, body, administratorOf(req, token)), false);
  }

  @Delete(':client_id')
  @HttpCode(204)
  @RequiredScope('clients:write')
  @ApiOperation({ summary: 'Delete a client', description: 'With its secrets; everything that it holds is dead at once.' })
  async delete(@Param('client_id') clientId: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    await this.administration.delete(clientId, administratorOf(req, token));
  }

  private describe(res: Response, client: ClientEntity, created: boolean): ClientResponse {
    res.set('ETag', entityTag(client));
    if (created) res.status(201).set('Location', adminLocation(this.config, `clients/${client.clientId}`));
    return writtenClientResponse(client);
  }
}
