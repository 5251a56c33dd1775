import { Delete, HttpCode, Param, Req } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import type { Request } from 'express';
import { CLIENT_ID } from '../clients/client-metadata.js';
import { ClientRegistry } from '../clients/client-registry.js';
import { notFound } from '../common/http/problem.js';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { Bearer, RequiredScope } from '../tokens/bearer.guard.js';
import { AdminController } from './admin-controller.decorator.js';
import { actorOf } from './admin-request.js';

@AdminController('clients/:client_id/tokens', 'Clients')
export class ClientTokensController {
  constructor(private readonly registry: ClientRegistry) {}

  @Delete()
  @HttpCode(204)
  @RequiredScope('tokens:revoke')
  @ApiOperation({ summary: 'Revoke everything that a client holds', description: 'At once here, within a second on every other instance. The client can get new tokens.' })
  async revokeAll(@Param('client_id') clientId: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    const known = CLIENT_ID.test(clientId) && (await this.registry.revokeTokens(clientId, actorOf(req, token)));
    if (!known) throw notFound('client');
  }
}
