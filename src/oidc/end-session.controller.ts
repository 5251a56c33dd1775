import { Controller, Get, Post, Req, Res, UseFilters } from '@nestjs/common';
import { ApiExcludeController } from '../common/openapi/decorators.js';
import type { Request, Response } from 'express';
import { readForm } from '../common/http/form-body.guard.js';
import { clientAddress, requestId } from '../common/http/request-context.js';
import { type LogoutParams, parseLogoutForm } from '../common/oauth/form-params.js';
import { Config } from '../config/config.js';
import { SessionEnd } from '../logout/session-end.js';
import { PageErrorFilter } from '../pages/page-error.filter.js';
import { formActionSource } from '../pages/page-headers.js';
import { preferLocales } from '../pages/page-locale.js';
import { PageRenderer } from '../pages/page-renderer.js';
import { BrowserCookies } from '../sessions/browser-cookies.js';
import { CsrfTokens } from '../sessions/csrf-tokens.js';
import { type Session, Sessions } from '../sessions/sessions.js';
import { UsersRepository } from '../users/users.repository.js';
import { type LogoutRequest, LogoutRequests } from './logout-request.js';

const PATH = '/oauth/logout';
/** Parameters that are sent once more: all but the ID token, in whose place stands the client that it named. */
const REPEATED = ['client_id', 'post_logout_redirect_uri', 'state', 'ui_locales'] as const;

/**
 * The end session endpoint, OpenID Connect RP-Initiated Logout 1.0 §2. Whoever shows the ID token of a session may end it; anybody else, another site that sends the browser here among them, only
 * asks the user to.
 */
@ApiExcludeController()
@Controller('oauth/logout')
@UseFilters(PageErrorFilter)
export class EndSessionController {
  constructor(
    private readonly config: Config,
    private readonly requests: LogoutRequests,
    private readonly sessions: Sessions,
    private readonly sessionEnd: SessionEnd,
    private readonly cookies: BrowserCookies,
    private readonly csrf: CsrfTokens,
    private readonly users: UsersRepository,
    private readonly pages: PageRenderer,
  ) {}

  @Get()
  async get(@Req() req: Request, @Res() res: Response): Promise<void> {
    await this.logOut(req, res, parseLogoutForm(req.url.includes('?') ? req.url.slice(req.url.indexOf('?') + 1) : ''));
  }

  @Post()
  async post(@Req() req: Request, @Res() res: Response): Promise<void> {
    const params = await readForm(req, parseLogoutForm);
    if (this.cookies.session(req) === undefined) await this.takeUp(req, res, params);
    else await this.logOut(req, res, params);
  }

  /** The form of the confirmation. */
  @Post('confirm')
  async confirm(@Req() req: Request, @Res() res: Response): Promise<void> {
    const params = await readForm(req, parseLogoutForm);
    preferLocales(req, params.ui_locales);
    this.csrf.assert(params.csrf_token, this.cookies.session(req));
    const request = await this.requests.read(params);
    if (params.decision !== 'sign_out') return redirect(res, `${this.config.issuer}/account`);
    const session = await this.sessions.find(this.cookies.session(req));
    await this.end(req, res, session?.sessionId, session);
    this.leave(req, res, request);
  }

  private async logOut(req: Request, res: Response, params: LogoutParams): Promise<void> {
    preferLocales(req, params.ui_locales);
    const request = await this.requests.read(params);
    const session = await this.sessions.find(this.cookies.session(req));
    if (session && session.sessionId !== request.hintedSessionId) return this.ask(req, res, params, request, session);
    await this.end(req, res, request.hintedSessionId, session);
    this.leave(req, res, request);
  }

  /** Another site's form comes without the session cookie (`SameSite=Lax`). What its ID token ends has ended; whether somebody is still signed in here shows in the request that follows. */
  private async takeUp(req: Request, res: Response, params: LogoutParams): Promise<void> {
    const request = await this.requests.read(params);
    await this.end(req, res, request.hintedSessionId);
    redirect(res, `${this.config.issuer}${PATH}?${new URLSearchParams(repeated(params, request)).toString()}`);
  }

  private async ask(req: Request, res: Response, params: LogoutParams, request: LogoutRequest, { user }: Session): Promise<void> {
    const { client, redirect: target } = request;
    const view = {
      csrfToken: this.csrf.of(this.cookies.session(req)),
      action: `${PATH}/confirm`,
      username: (await this.users.find(user.userId))?.username ?? '',
      fields: repeated(params, request),
      ...(client ? { client: { clientId: client.clientId, name: client.clientName } } : {}),
    };
    this.pages.render(req, res, 200, 'logout_confirm', view, target === undefined ? {} : { formAction: [formActionSource(target)] });
  }

  private async end(req: Request, res: Response, sessionId: string | undefined, session?: Session): Promise<void> {
    const actor = { ...(session ? { userId: session.user.userId } : {}), address: clientAddress(req), requestId: requestId(req) };
    if (sessionId !== undefined) await this.sessionEnd.end(sessionId, actor);
    // One that was not sent is not known to be void: any site could have it dropped.
    if (this.cookies.session(req) !== undefined) this.cookies.clearSession(res);
  }

  private leave(req: Request, res: Response, request: LogoutRequest): void {
    if (request.redirect === undefined) this.pages.render(req, res, 200, 'logged_out', {});
    else redirect(res, request.redirect);
  }
}

function repeated(params: LogoutParams, { client }: LogoutRequest): Record<string, string> {
  const sent = REPEATED.flatMap((name) => (params[name] === undefined ? [] : [[name, params[name]] as const]));
  return Object.fromEntries([...sent, ...(client ? [['client_id', client.clientId] as const] : [])]);
}

function redirect(res: Response, location: string): void {
  res.set({ Location: location, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' });
  res.status(303).end();
}
