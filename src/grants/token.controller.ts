import { Controller, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Actor } from '../audit/audit-log.js';
import { AuthenticatedClient, ClientAuthGuard } from '../clients/authentication/client-auth.guard.js';
import type { Client } from '../clients/client.js';
import { CrossOriginGuard } from '../clients/cross-origin/cross-origin.guard.js';
import { FormBodyGuard, type FormRequest } from '../common/http/form-body.guard.js';
import { clientAddress, requestId } from '../common/http/request-context.js';
import { sendJson } from '../common/http/respond.js';
import { OAuthExceptionFilter } from '../common/oauth/oauth-exception.filter.js';
import { GrantDispatcher } from './grant-dispatcher.js';

/** Who asks for a token; from where, and in which request, is found out when somebody wants to know. */
class RequestActor implements Actor {
  constructor(
    readonly clientId: string,
    private readonly req: FormRequest,
  ) {}

  get address(): string {
    return clientAddress(this.req);
  }

  get requestId(): string {
    return requestId(this.req);
  }
}

/** The token endpoint, RFC 6749 §3.2. */
@ApiExcludeController()
@Controller('oauth/token')
@UseGuards(CrossOriginGuard, FormBodyGuard, ClientAuthGuard)
@UseFilters(OAuthExceptionFilter)
export class TokenController {
  constructor(private readonly dispatcher: GrantDispatcher) {}

  @Post()
  async token(@AuthenticatedClient() client: Client, @Req() req: FormRequest, @Res() res: Response): Promise<void> {
    sendJson(res, 200, await this.dispatcher.dispatch(client, req.body, new RequestActor(client.clientId, req), (headers) => res.set(headers)));
  }
}
