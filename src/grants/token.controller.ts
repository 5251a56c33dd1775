import { Controller, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '../common/openapi/decorators.js';
import type { Response } from 'express';
import { RequestActor } from '../audit/request-actor.js';
import { AuthenticatedClient, ClientAuthGuard } from '../clients/authentication/client-auth.guard.js';
import type { Client } from '../clients/client.js';
import { CrossOriginGuard } from '../clients/cross-origin/cross-origin.guard.js';
import { FormBodyGuard, type FormRequest } from '../common/http/form-body.guard.js';
import { NO_STORE, sendJson } from '../common/http/respond.js';
import { RateLimits } from '../rate-limits/rate-limits.js';
import { GrantDispatcher } from './grant-dispatcher.js';
import { TokenExceptionFilter } from './token-exception.filter.js';

/** The token endpoint, RFC 6749 §3.2. */
@ApiExcludeController()
@Controller('oauth/token')
@UseGuards(CrossOriginGuard, FormBodyGuard, ClientAuthGuard)
@UseFilters(TokenExceptionFilter)
export class TokenController {
  constructor(
    private readonly dispatcher: GrantDispatcher,
    private readonly limits: RateLimits,
  ) {}

  @Post()
  async token(@AuthenticatedClient() client: Client, @Req() req: FormRequest, @Res() res: Response): Promise<void> {
    const actor = new RequestActor(req, client.clientId);
    const limit = this.limits.takeToken(client, actor);
    sendJson(res, 200, await this.dispatcher.dispatch(client, req.body, actor, res), NO_STORE, limit);
  }
}
