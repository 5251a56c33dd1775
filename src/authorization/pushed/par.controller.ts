import { Controller, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '../../common/openapi/decorators.js';
import type { Request, Response } from 'express';
import { RequestActor } from '../../audit/request-actor.js';
import { AuthenticatedClient, ClientAuthGuard } from '../../clients/authentication/client-auth.guard.js';
import type { Client } from '../../clients/client.js';
import { type PushedAuthorizationParams, withoutCredentials } from '../../common/oauth/form-params.js';
import { invalidRequest } from '../../common/oauth/oauth-error.js';
import { OAuthExceptionFilter } from '../../common/oauth/oauth-exception.filter.js';
import { sendJson } from '../../common/http/respond.js';
import { AuthorizationRateGuard } from '../../rate-limits/authorization-rate.guard.js';
import { AuthorizePipeline } from '../authorize.pipeline.js';
import { PushedAuthorizationRequests } from './pushed-authorization-requests.js';
import { PushedFormGuard } from './pushed-form.guard.js';

/** The pushed authorization request endpoint, RFC 9126 §2. */
@ApiExcludeController()
@Controller('oauth/par')
@UseGuards(AuthorizationRateGuard, PushedFormGuard, ClientAuthGuard)
@UseFilters(OAuthExceptionFilter)
export class ParController {
  constructor(
    private readonly pipeline: AuthorizePipeline,
    private readonly pushed: PushedAuthorizationRequests,
  ) {}

  @Post()
  async push(@AuthenticatedClient() client: Client, @Req() req: Request, @Res() res: Response): Promise<void> {
    const params = withoutCredentials(req.body as PushedAuthorizationParams);
    if (params.request_uri !== undefined) throw invalidRequest('A request_uri cannot be pushed.');
    const { hintedUserId } = this.pipeline.checkPushed(client, { params, repeated: new Set() });
    sendJson(res, 201, await this.pushed.push(client, params, hintedUserId, new RequestActor(req, client.clientId)));
  }
}
