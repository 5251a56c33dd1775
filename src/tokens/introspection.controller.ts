import { Controller, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '../common/openapi/decorators.js';
import type { Response } from 'express';
import { RequestActor } from '../audit/request-actor.js';
import { AuthenticatedClient, ConfidentialClientAuthGuard } from '../clients/authentication/client-auth.guard.js';
import type { Client } from '../clients/client.js';
import type { Counter } from '../common/metrics/counter.js';
import { Metrics } from '../common/metrics/metrics.js';
import { FormBodyGuard, type FormRequest } from '../common/http/form-body.guard.js';
import { NO_STORE, sendJson } from '../common/http/respond.js';
import { OAuthExceptionFilter } from '../common/oauth/oauth-exception.filter.js';
import { invalidRequest } from '../common/oauth/oauth-error.js';
import { RateLimits } from '../rate-limits/rate-limits.js';
import { TokenDescriptions } from './token-descriptions.js';

/** Token introspection, RFC 7662. */
@ApiExcludeController()
@Controller('oauth/introspect')
@UseGuards(FormBodyGuard, ConfidentialClientAuthGuard)
@UseFilters(OAuthExceptionFilter)
export class IntrospectionController {
  private readonly introspections: Counter<{ result: readonly ['active', 'inactive'] }>;

  constructor(
    private readonly descriptions: TokenDescriptions,
    private readonly limits: RateLimits,
    metrics: Metrics,
  ) {
    this.introspections = metrics.counter({ name: 'introspections_total', help: 'Tokens that were asked about; `inactive` also for one that the caller may not know of.', labels: { result: ['active', 'inactive'] } });
  }

  @Post()
  async introspect(@AuthenticatedClient() client: Client, @Req() req: FormRequest, @Res() res: Response): Promise<void> {
    const value = req.body.token;
    if (value === undefined) throw invalidRequest('The parameter token is missing.');
    const actor = new RequestActor(req, client.clientId);
    const limit = this.limits.takeIntrospection(client, actor);
    const description = await this.descriptions.describe(value, client);
    this.introspections.inc({ result: description ? 'active' : 'inactive' });
    if (!description) this.limits.takeInactiveToken(client, actor);
    sendJson(res, 200, description ?? INACTIVE, NO_STORE, limit);
  }
}

/** RFC 7662 §2.2: nothing else is said of a token that is not active. */
const INACTIVE = Object.freeze({ active: false });
