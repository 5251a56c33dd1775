import { Body, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiProperty, ApiResponse } from '@nestjs/swagger';
import type { Request } from 'express';
import type { ClientEntity } from '../clients/client.entity.js';
import { CLIENT_ID } from '../clients/client-metadata.js';
import { ClientRegistry } from '../clients/client-registry.js';
import type { ClientSecretEntity } from '../clients/client-secret.entity.js';
import { ClientSecretsRepository } from '../clients/client-secrets.repository.js';
import { ClientsRepository } from '../clients/clients.repository.js';
import { notFound, Problem } from '../common/http/problem.js';
import { Clock } from '../common/time/clock.js';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { Bearer, RequiredScope } from '../tokens/bearer.guard.js';
import { AdminController } from './admin-controller.decorator.js';
import { actorOf, assertNoMoreRightsThan } from './admin-request.js';
import { readBody } from './body.js';
import { ApiPage } from './page.decorator.js';
import { ClientSecretDto } from './dto/client-secret.dto.js';
import { readQuery } from './query.js';

class ClientSecretResponse {
  @ApiProperty() secret_id: string;
  @ApiProperty({ format: 'date-time' }) created_at: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: '`null`: never' }) expires_at: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'When it was last used, a few seconds late at most: an older secret that nobody uses is safe to delete.' })
  last_used_at: string | null;
}

class NewClientSecretResponse extends ClientSecretResponse {
  @ApiProperty({ description: 'Shown once.' }) client_secret: string;
  @ApiProperty({ type: 'integer', description: 'Seconds since the epoch; 0: never.' }) client_secret_expires_at: number;
}

@AdminController('clients/:client_id/secrets', 'Clients')
export class ClientSecretsController {
  constructor(
    private readonly registry: ClientRegistry,
    private readonly clients: ClientsRepository,
    private readonly secrets: ClientSecretsRepository,
    private readonly clock: Clock,
  ) {}

  @Post()
  @RequiredScope('clients:write')
  @ApiOperation({ summary: 'Add a secret', description: 'The older ones stay valid until they expire or are deleted, so that a secret is changed without an outage.' })
  @ApiBody({ type: ClientSecretDto, required: false, examples: { rotate: { value: { previous_expires_in: 86_400 } } } })
  @ApiResponse({ status: 201, type: NewClientSecretResponse })
  async create(@Param('client_id') clientId: string, @Body() body: unknown, @Bearer() token: AccessToken, @Req() req: Request): Promise<NewClientSecretResponse> {
    const { expires_in: expiresIn, previous_expires_in: previousExpiresIn } = readBody(ClientSecretDto, body);
    const client = await this.managed(clientId, token);
    if (client.tokenEndpointAuthMethod === 'none') throw new Problem(409, 'A public client has no secrets.');
    const nowMs = this.clock.nowMs();
    const { row, secret } = await this.registry.addSecret(
      client,
      actorOf(req, token),
      expiresIn === undefined ? null : nowMs + expiresIn * 1000,
      previousExpiresIn === undefined ? undefined : nowMs + previousExpiresIn * 1000,
    );
    return { ...secretResponse(row), client_secret: secret, client_secret_expires_at: row.expiresAt === null ? 0 : Math.floor(row.expiresAt / 1000) };
  }

  @Get()
  @RequiredScope('clients:read')
  @ApiOperation({ summary: 'List the secrets of a client, newest first, without the secrets themselves' })
  @ApiPage(ClientSecretResponse)
  async list(@Param('client_id') clientId: string, @Req() req: Request): Promise<{ items: ClientSecretResponse[]; next_cursor: null }> {
    readQuery(req, []);
    const client = await this.find(clientId);
    return { items: (await this.secrets.ofClient(client.id)).map(secretResponse), next_cursor: null };
  }

  @Delete(':secret_id')
  @HttpCode(204)
  @RequiredScope('clients:write')
  @ApiOperation({ summary: 'Delete a secret' })
  async delete(@Param('client_id') clientId: string, @Param('secret_id') secretId: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    const client = await this.managed(clientId, token);
    const known = /^[\w-]{12}$/.test(secretId) && (await this.registry.deleteSecret(client, secretId, actorOf(req, token)));
    if (!known) throw notFound('secret');
  }

  private async managed(clientId: string, token: AccessToken): Promise<ClientEntity> {
    const client = await this.find(clientId);
    assertNoMoreRightsThan(token, client.scope);
    return client;
  }

  private async find(clientId: string): Promise<ClientEntity> {
    const client = CLIENT_ID.test(clientId) ? await this.clients.find(clientId) : null;
    if (!client) throw notFound('client');
    return client;
  }
}

function secretResponse(secret: Omit<ClientSecretEntity, 'id'>): ClientSecretResponse {
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return { secret_id: secret.secretId, created_at: new Date(secret.createdAt).toISOString(), expires_at: time(secret.expiresAt), last_used_at: time(secret.lastUsedAt) };
}
