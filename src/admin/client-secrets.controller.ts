import { Body, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse } from '../common/openapi/decorators.js';
import type { Request } from 'express';
import { ClientSecretsRepository } from '../clients/client-secrets.repository.js';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { Bearer, RequiredScope } from '../tokens/bearer.guard.js';
import { AdminController } from './admin-controller.decorator.js';
import { administratorOf } from './administrator.js';
import { ClientAdministration } from './client-administration.js';
import { ClientSecretResponse, newClientSecretResponse, NewClientSecretResponse, secretResponse } from './client-secret.response.js';
import { ApiPage } from './page.decorator.js';
import { ClientSecretDto } from './dto/client-secret.dto.js';
import { readQuery } from './query.js';

@AdminController('clients/:client_id/secrets', 'Clients')
export class ClientSecretsController {
  constructor(
    private readonly administration: ClientAdministration,
    private readonly secrets: ClientSecretsRepository,
  ) {}

  @Post()
  @RequiredScope('clients:write')
  @ApiOperation({ summary: 'Add a secret', description: 'The older ones stay valid until they expire or are deleted, so that a secret is changed without an outage.' })
  @ApiBody({ type: ClientSecretDto, required: false, examples: { rotate: { value: { previous_expires_in: 86_400 } } } })
  @ApiResponse({ status: 201, type: NewClientSecretResponse })
  async create(@Param('client_id') clientId: string, @Body() body: unknown, @Bearer() token: AccessToken, @Req() req: Request): Promise<NewClientSecretResponse> {
    const { row, secret } = await this.administration.addSecret(clientId, body, administratorOf(req, token));
    return newClientSecretResponse(row, secret);
  }

  @Get()
  @RequiredScope('clients:read')
  @ApiOperation({ summary: 'List the secrets of a client, newest first, without the secrets themselves' })
  @ApiPage(ClientSecretResponse)
  async list(@Param('client_id') clientId: string, @Req() req: Request): Promise<{ items: ClientSecretResponse[]; next_cursor: null }> {
    readQuery(req, []);
    const client = await this.administration.find(clientId);
    return { items: (await this.secrets.ofClient(client.id)).map(secretResponse), next_cursor: null };
  }

  @Delete(':secret_id')
  @HttpCode(204)
  @RequiredScope('clients:write')
  @ApiOperation({ summary: 'Delete a secret' })
  async delete(@Param('client_id') clientId: string, @Param('secret_id') secretId: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    await this.administration.deleteSecret(clientId, secretId, administratorOf(req, token));
  }
}
