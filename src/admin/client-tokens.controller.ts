import { Delete, HttpCode, Param, Req } from '@nestjs/common';
import { ApiOperation } from '../common/openapi/decorators.js';
import type { Request } from 'express';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { Bearer, RequiredScope } from '../tokens/bearer.guard.js';
import { AdminController } from './admin-controller.decorator.js';
import { administratorOf } from './administrator.js';
import { ClientAdministration } from './client-administration.js';

@AdminController('clients/:client_id/tokens', 'Clients')
export class ClientTokensController {
  constructor(private readonly administration: ClientAdministration) {}

  @Delete()
  @HttpCode(204)
  @RequiredScope('tokens:revoke')
  @ApiOperation({ summary: 'Revoke everything that a client holds', description: 'At once here, within a second on every other instance. The client can get new tokens.' })
  async revokeAll(@Param('client_id') clientId: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    await this.administration.revokeTokens(clientId, administratorOf(req, token));
  }
}
