import { Controller, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '../common/openapi/decorators.js';
import type { Response } from 'express';
import { RequestActor } from '../audit/request-actor.js';
import { AuthenticatedClient, ConfidentialClientAuthGuard } from '../clients/authentication/client-auth.guard.js';
import type { Client } from '../clients/client.js';
import { isRefreshToken } from '../common/crypto/opaque-value.js';
import type { Counter } from '../common/metrics/counter.js';
import { Metrics } from '../common/metrics/metrics.js';
import { FormBodyGuard, type FormRequest } from '../common/http/form-body.guard.js';
import { NO_STORE, sendJson } from '../common/http/respond.js';
import { OAuthExceptionFilter } from '../common/oauth/oauth-exception.filter.js';
import { invalidRequest } from '../common/oauth/oauth-error.js';
import { Config } from '../config/config.js';
import { RateLimits } from '../rate-limits/rate-limits.js';
import { ResourceDirectory } from '../resources/resource-directory.js';
import { type AccessToken, AccessTokenVerifier } from './access-token-verifier.js';
import { RefreshTokens } from './refresh-tokens.js';
import { Subjects } from './subject.js';

type Description = Record<string, unknown>;

/** Token introspection, RFC 7662. */
@ApiExcludeController()
@Controller('oauth/introspect')
@UseGuards(FormBodyGuard, ConfidentialClientAuthGuard)
@UseFilters(OAuthExceptionFilter)
export class IntrospectionController {
  private readonly introspections: Counter<{ result: readonly ['active', 'inactive'] }>;

  constructor(
    private readonly config: Config,
    private readonly verifier: AccessTokenVerifier,
    private readonly refreshTokens: RefreshTokens,
    private readonly resources: ResourceDirectory,
    private readonly subjects: Subjects,
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
    const description = isRefreshToken(value) ? await this.describeRefreshToken(value, client) : this.describeIfKnown(await this.verifier.verify(value), client);
    this.introspections.inc({ result: description ? 'active' : 'inactive' });
    if (!description) this.limits.takeInactiveToken(client, actor);
    sendJson(res, 200, description ?? INACTIVE, NO_STORE, limit);
  }

  private describeIfKnown(token: AccessToken | undefined, client: Client): Description | undefined {
    return token && this.mayKnow(client, token) ? this.describe(token) : undefined;
  }

  /** For the client that it was issued to, and nobody else. It has no `token_type`: it is of no use at a resource. */
  private async describeRefreshToken(value: string, client: Client): Promise<Description | undefined> {
    const family = await this.refreshTokens.inspect(value, client);
    return family && { active: true, client_id: family.clientId, sub: this.subjects.of(client, family.userId), ...(family.scope === '' ? {} : { scope: family.scope }), iss: this.config.issuer, exp: seconds(Math.min(family.expiresAt, family.idleExpiresAt)) };
  }

  /** Its own tokens, and those for a resource that it serves; any other token is as good as none (RFC 7662 §4). */
  private mayKnow(client: Client, token: AccessToken): boolean {
    return token.clientId === client.clientId || token.audience.some((identifier) => this.resources.find(identifier)?.resourceServers.has(client.clientId) ?? false);
  }

  private describe(token: AccessToken): Description {
    return {
      active: true,
      client_id: token.clientId,
      sub: token.subject,
      ...(token.scope === '' ? {} : { scope: token.scope }),
      token_type: 'Bearer',
      iss: this.config.issuer,
      aud: token.audience.length === 1 ? token.audience[0] : token.audience,
      iat: token.issuedAt,
      exp: token.expiresAt,
      ...(token.format === 'jwt' ? { jti: token.id } : {}),
      ...(token.roles ? { roles: token.roles } : {}),
    };
  }
}

/** RFC 7662 §2.2: nothing else is said of a token that is not active. */
const INACTIVE = Object.freeze({ active: false });

const seconds = (ms: number): number => Math.floor(ms / 1000);
