import { Controller, Get, Param, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '../common/openapi/decorators.js';
import type { Request, Response } from 'express';
import { RequestActor } from '../audit/request-actor.js';
import { readForm } from '../common/http/form-body.guard.js';
import { parseAuthorizationForm } from '../common/oauth/form-params.js';
import { RateLimitedError } from '../common/rate-limited.error.js';
import { Config } from '../config/config.js';
import { AuthorizationRateGuard } from '../rate-limits/authorization-rate.guard.js';
import { BrowserCookies } from '../sessions/browser-cookies.js';
import { Sessions } from '../sessions/sessions.js';
import { AuthorizationExceptionFilter } from './authorization-exception.filter.js';
import { AuthorizationRefusal } from './authorization-refusal.js';
import { AuthorizationResponder } from './authorization-responder.js';
import { Authorizations } from './authorizations.js';
import { AuthorizePipeline, type CheckedRequest } from './authorize.pipeline.js';
import { type Interaction, Interactions, pathOf } from './interactions/interactions.js';

/** The authorization endpoint, RFC 6749 §3.1. */
@ApiExcludeController()
@Controller('oauth/authorize')
@UseGuards(AuthorizationRateGuard)
@UseFilters(AuthorizationExceptionFilter)
export class AuthorizeController {
  constructor(
    private readonly config: Config,
    private readonly pipeline: AuthorizePipeline,
    private readonly authorizations: Authorizations,
    private readonly interactions: Interactions,
    private readonly responder: AuthorizationResponder,
    private readonly sessions: Sessions,
    private readonly cookies: BrowserCookies,
  ) {}

  @Get()
  async authorize(@Req() req: Request, @Res() res: Response): Promise<void> {
    await this.proceed(req, res, await this.pipeline.check(parseAuthorizationForm(queryOf(req))));
  }

  /** OIDC Core §3.1.2.1. A post from another site brings no session cookie: the request is kept, and taken up by a request that does. */
  @Post()
  async authorizeByForm(@Req() req: Request, @Res() res: Response): Promise<void> {
    const checked = await this.pipeline.check(await readForm(req, parseAuthorizationForm));
    if (this.cookies.session(req) !== undefined || req.headers['sec-fetch-site'] !== 'cross-site') return this.proceed(req, res, checked);
    this.redirect(res, await this.begin(res, checked));
  }

  /** Where the pages of a request send the browser back to. */
  @Get(':request_id')
  async resume(@Param('request_id') requestId: string, @Req() req: Request, @Res() res: Response): Promise<void> {
    const interaction = await this.interactions.open(req, requestId);
    await this.proceed(req, res, interaction, interaction);
  }

  private async proceed(req: Request, res: Response, checked: CheckedRequest, interaction?: Interaction): Promise<void> {
    const session = await orRefuse(checked, this.sessions.find(this.cookies.session(req)));
    const outcome = await this.authorizations.proceed(checked, session, new RequestActor(req, undefined, session?.user.userId), interaction);
    if ('ask' in outcome) return this.redirect(res, interaction?.requestId ?? (await this.begin(res, checked)), outcome.ask);
    if (interaction) this.cookies.clearForm(res, interaction.requestId);
    this.responder.send(req, res, outcome.answer);
  }

  private begin(res: Response, checked: CheckedRequest): Promise<string> {
    return orRefuse(checked, this.interactions.begin(res, checked.client, checked.request));
  }

  private redirect(res: Response, requestId: string, page?: 'login' | 'consent'): void {
    res.set({ Location: `${this.config.issuer}${pathOf(requestId)}${page === undefined ? '' : `/${page}`}`, 'Cache-Control': 'no-store' });
    res.status(303).end();
  }
}

/**
 * The client is told of what fails once the request is known to be valid (RFC 6749 §4.1.2.1, `server_error`), but not of
 * a limit that the user's network has reached.
 */
function orRefuse<T>({ request }: CheckedRequest, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw error instanceof RateLimitedError ? error : new AuthorizationRefusal(request, error);
  });
}

const queryOf = ({ url }: Request): string => (url.includes('?') ? url.slice(url.indexOf('?') + 1) : '');
