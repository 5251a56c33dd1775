import { Body, Delete, Get, HttpCode, Param, Patch, Post, Put, Req, Res } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiQuery, ApiResponse } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import type { ClientEntity } from '../clients/client.entity.js';
import { CLIENT_ID, type ClientMetadata, clientMetadataProblems, metadataOf, withDefaults } from '../clients/client-metadata.js';
import { ClientExistsError, ClientRegistry, newClientId } from '../clients/client-registry.js';
import { ClientsRepository } from '../clients/clients.repository.js';
import { newOpaqueValue } from '../common/crypto/opaque-value.js';
import { assertIfMatch, assertIfNoneMatch, entityTag, isNotModified } from '../common/http/entity-tag.js';
import { mergePatch } from '../common/http/merge-patch.js';
import { PageCursors } from '../common/http/page-cursor.js';
import { invalidInput, notFound } from '../common/http/problem.js';
import { Config } from '../config/config.js';
import { OvertakenError, untilNotOvertaken } from '../database/optimistic.js';
import { IdTokenKeys } from '../tokens/id-token-keys.js';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { Bearer, RequiredScope } from '../tokens/bearer.guard.js';
import { AdminController } from './admin-controller.decorator.js';
import { adminLocation } from './admin-location.js';
import { actorOf, assertNoMoreRightsThan } from './admin-request.js';
import { readBody, withoutReadOnly } from './body.js';
import { ApiPage } from './page.decorator.js';
import { clientResponse, ClientResponse, RegisteredClientResponse } from './client.response.js';
import { ClientDto, NewClientDto } from './dto/client.dto.js';
import { readBoolean, readQuery } from './query.js';

const READ_ONLY = ['client_id', 'created_at', 'updated_at'] as const;

@AdminController('clients', 'Clients')
export class ClientsController {
  constructor(
    private readonly config: Config,
    private readonly registry: ClientRegistry,
    private readonly clients: ClientsRepository,
    private readonly cursors: PageCursors,
    private readonly idTokenKeys: IdTokenKeys,
  ) {}

  @Post()
  @RequiredScope('clients:write')
  @ApiOperation({ summary: 'Register a client', description: 'A client that authenticates gets a secret, which only this answer shows.' })
  @ApiBody({ type: NewClientDto, examples: { service: { value: { client_id: 'billing-cron', client_name: 'Billing cron job', grant_types: ['client_credentials'], scope: 'invoices:read invoices:write', default_scope: 'invoices:read' } } } })
  @ApiResponse({ status: 201, type: RegisteredClientResponse })
  async create(@Body() body: unknown, @Bearer() token: AccessToken, @Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<RegisteredClientResponse> {
    const { client_id: clientId = newClientId(), ...given } = readBody(NewClientDto, body);
    const metadata = this.complete(given, clientId);
    assertNoMoreRightsThan(token, metadata.scope);
    const secret = metadata.token_endpoint_auth_method === 'none' ? undefined : newOpaqueValue('clientSecret');
    const created = await this.registry.create(clientId, metadata, actorOf(req, token), secret);
    return { ...this.written(res, created, true), ...(secret === undefined ? {} : { client_secret: secret, client_secret_expires_at: 0 }) };
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
    const { limit, cursor, q, grant_type: grantType, enabled: enabledText } = readQuery(req, ['limit', 'cursor', 'q', 'grant_type', 'enabled']);
    const enabled = readBoolean('enabled', enabledText);
    const filter = { ...(q === undefined ? {} : { q }), ...(grantType === undefined ? {} : { grantType }), ...(enabled === undefined ? {} : { enabled }) };
    const query = ['clients', filter];
    const page = this.cursors.read(query, limit, cursor);
    return this.cursors.page(query, page, await this.clients.list(filter, page), clientResponse);
  }

  @Get(':client_id')
  @RequiredScope('clients:read')
  @ApiOperation({ summary: 'See a client' })
  @ApiResponse({ status: 200, type: ClientResponse })
  async get(@Param('client_id') clientId: string, @Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<ClientResponse | undefined> {
    const client = await this.find(clientId);
    if (!client) throw notFound('client');
    this.describe(res, client, false);
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
    if (!CLIENT_ID.test(clientId)) throw notFound('client');
    // A client of this id that appears between the look and the making is replaced like any other.
    const { client, created } = await untilNotOvertaken(async () => (await this.replace(clientId, body, token, req)) ?? this.make(clientId, body, token, req));
    return this.written(res, client, created);
  }

  @Patch(':client_id')
  @RequiredScope('clients:write')
  @ApiOperation({ summary: 'Change a client', description: 'A JSON merge patch (RFC 7396): `null` sets a member back to its default.' })
  @ApiBody({ type: ClientDto, examples: { disable: { value: { enabled: false } } } })
  @ApiResponse({ status: 200, type: ClientResponse })
  async patch(@Param('client_id') clientId: string, @Body() body: object, @Bearer() token: AccessToken, @Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<ClientResponse> {
    const patched = CLIENT_ID.test(clientId)
      ? await this.registry.update(clientId, actorOf(req, token), (current) => {
          assertIfMatch(req, entityTag(current));
          const patch = withoutReadOnly(body, clientResponse(current), READ_ONLY);
          readBody(ClientDto, patch);
          const metadata = keepUnsetDefault(current, this.complete(readBody(ClientDto, mergePatch({ ...metadataOf(current) }, patch)), clientId));
          assertNoMoreRightsThan(token, current.scope, metadata.scope);
          return metadata;
        })
      : null;
    if (!patched) throw notFound('client');
    return this.written(res, patched, false);
  }

  @Delete(':client_id')
  @HttpCode(204)
  @RequiredScope('clients:write')
  @ApiOperation({ summary: 'Delete a client', description: 'With its secrets; everything that it holds is dead at once.' })
  async delete(@Param('client_id') clientId: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    const deleted = CLIENT_ID.test(clientId)
      ? await this.registry.delete(clientId, actorOf(req, token), (current) => {
          assertIfMatch(req, entityTag(current));
          assertNoMoreRightsThan(token, current.scope);
        })
      : false;
    if (!deleted) throw notFound('client');
  }

  private async replace(clientId: string, body: object, token: AccessToken, req: Request): Promise<{ client: ClientEntity; created: boolean } | undefined> {
    const client = await this.registry.update(clientId, actorOf(req, token), (current) => {
      assertIfMatch(req, entityTag(current));
      assertIfNoneMatch(req, entityTag(current));
      const metadata = keepUnsetDefault(current, this.complete(readBody(ClientDto, withoutReadOnly(body, clientResponse(current), READ_ONLY)), clientId));
      assertNoMoreRightsThan(token, current.scope, metadata.scope);
      return metadata;
    });
    return client ? { client, created: false } : undefined;
  }

  private async make(clientId: string, body: object, token: AccessToken, req: Request): Promise<{ client: ClientEntity; created: boolean }> {
    assertIfMatch(req, undefined);
    const { client_id: named = clientId, ...given } = readBody(NewClientDto, body);
    if (named !== clientId) throw invalidInput([{ pointer: '/client_id', detail: 'differs from the path' }]);
    const metadata = this.complete(given, clientId);
    assertNoMoreRightsThan(token, metadata.scope);
    try {
      return { client: await this.registry.create(clientId, metadata, actorOf(req, token)), created: true };
    } catch (error) {
      throw error instanceof ClientExistsError ? new OvertakenError() : error;
    }
  }

  private async find(clientId: string): Promise<ClientEntity | null> {
    return CLIENT_ID.test(clientId) ? this.clients.find(clientId) : null;
  }

  private complete(given: ClientDto, clientId: string): ClientMetadata {
    const metadata = withDefaults(given, clientId, this.config.accessTokenLifetimeSeconds);
    const problems = clientMetadataProblems(metadata, this.config.outboundAllowedHosts);
    if (problems.length > 0) throw invalidInput(problems);
    return metadata;
  }

  private written(res: Response, client: ClientEntity, created: boolean): ClientResponse {
    this.idTokenKeys.prepareFor(metadataOf(client));
    return this.describe(res, client, created);
  }

  private describe(res: Response, client: ClientEntity, created: boolean): ClientResponse {
    res.set('ETag', entityTag(client));
    if (created) res.status(201).set('Location', adminLocation(this.config, `clients/${client.clientId}`));
    return clientResponse(client);
  }
}

/**
 * An unset default is shown as the whole scope it stands for. Sent back beside that same scope it is still unset, so that what was read and
 * sent back changes nothing.
 */
function keepUnsetDefault(current: ClientEntity, metadata: ClientMetadata): ClientMetadata {
  const unchanged = current.defaultScope === null && metadata.scope === current.scope && metadata.default_scope === current.scope;
  return unchanged ? { ...metadata, default_scope: null } : metadata;
}
