import { Controller, Get, Post, Req, Res, UseFilters } from '@nestjs/common';
import { ApiExcludeController } from '../common/openapi/decorators.js';
import type { Request, Response } from 'express';
import type { Actor } from '../audit/audit-log.js';
import { readForm } from '../common/http/form-body.guard.js';
import { clientAddress, requestId } from '../common/http/request-context.js';
import { type LogoutParams, parseLogoutForm } from '../common/oauth/form-params.js';
import { Config } from '../config/config.js';
import { SessionEnd } from '../logout/session-end.js';
import { PageErrorFilter } from '../pages/page-error.filter.js';
import { preferLocales } from '../pages/page-locale.js';
import { BrowserCookies } from '../sessions/browser-cookies.js';
import { CsrfTokens } from '../sessions/csrf-tokens.js';
import { type Session, Sessions } from '../sessions/sessions.js';
import { LOGOUT_PATH, LogoutPages } from './logout-pages.js';
import { type LogoutRequest, LogoutRequests } from './logout-request.js';

/**
 * The end session endpoint, OpenID Connect RP-Initiated Logout 1.0 §2. A session ends by its ID token together with its
 * own cookie, or when its user says so on our page. An ID token alone, which is no secret, ends no more than the tokens
 * that its own client holds of the session.
 */
@ApiExcludeController()
@Controller('oauth/logout')
@UseFilters(PageErrorFilter)
export class EndSessionController {
  constructor(
    private readonly config: Config,
    private readonly requests: LogoutRequests,
    private readonly pages: LogoutPages,
    private readonly sessions: Sessions,
    private readonly sessionEnd: SessionEnd,
    private readonly cookies: BrowserCookies,
    private readonly csrf: CsrfTokens,
  ) {}

  @Get()
  async get(@Req() req: Request, @Res() res: Response): Promise<void> {
    await this.logOut(req, res, parseLogoutForm(req.url.includes('?') ? req.url.slice(req.url.indexOf('?') + 1) : ''));
  }

  @Post()
  async post(@Req() req: Request, @Res() res: Response): Promise<void> {
    const params = await readForm(req, parseLogoutForm);
    if (this.cookies.session(req) === undefined) await this.sendOn(res, params);
    else await this.logOut(req, res, params);
  }

  /** The form of the confirmation. */
  @Post('confirm')
  async confirm(@Req() req: Request, @Res() res: Response): Promise<void> {
    const params = await readForm(req, parseLogoutForm);
    preferLocales(req, params.ui_locales);
    this.csrf.assert(req, params.csrf_token, this.cookies.session(req));
    const request = await this.requests.read(params);
    if (params.decision !== 'sign_out') return redirect(res, `${this.config.issuer}/account`);
    const session = await this.sessions.find(this.cookies.session(req));
    if (session) await this.sessionEnd.end(session.sessionId, actorOf(req, session));
    this.leave(req, res, request, true);
  }

  private async logOut(req: Request, res: Response, params: LogoutParams): Promise<void> {
    preferLocales(req, params.ui_locales);
    const request = await this.requests.read(params);
    const session = await this.sessions.find(this.cookies.session(req));
    const ended = await this.endHinted(req, request, session);
    if (session && !ended) return this.pages.ask(req, res, request, this.requests.repeat(params, request), session);
    this.leave(req, res, request, ended);
  }

  /**
   * Another site's form comes without the session cookie (`SameSite=Lax`). Whether its ID token is that of the session
   * here shows in the request that follows, which brings the cookie.
   */
  private async sendOn(res: Response, params: LogoutParams): Promise<void> {
    const query = new URLSearchParams(this.requests.repeatWithHint(params, await this.requests.read(params)));
    redirect(res, `${this.config.issuer}${LOGOUT_PATH}?${query.toString()}`);
  }

  /** Ends what the ID token of a request may end. Returns whether that is the whole session of this browser. */
  private async endHinted(req: Request, request: LogoutRequest, session: Session | undefined): Promise<boolean> {
    const { client, hintedSessionId } = request;
    if (!client || hintedSessionId === undefined) return false;
    const isOwn = session
      ? session.sessionId === hintedSessionId
      : await this.sessions.wasSignedIn(this.cookies.session(req), hintedSessionId);
    if (isOwn) await this.sessionEnd.end(hintedSessionId, actorOf(req, session));
    else await this.sessionEnd.endForClient(hintedSessionId, client.clientId, actorOf(req, session));
    return isOwn;
  }

  /** @param ended whether the session of this browser has ended, and not only the tokens of the client */
  private leave(req: Request, res: Response, request: LogoutRequest, ended: boolean): void {
    const { client, hintedSessionId, redirect: target } = request;
    // A cookie that was not sent is not known to be void: any site could have it dropped.
    if (this.cookies.session(req) !== undefined) this.cookies.clearSession(res);
    if (target !== undefined) redirect(res, target);
    else if (client && hintedSessionId !== undefined && !ended) this.pages.renderSignedOutOfClient(req, res, client);
    else this.pages.renderSignedOut(req, res);
  }
}

const actorOf = (req: Request, session: Session | undefined): Actor => ({
  ...(session ? { userId: session.user.userId } : {}),
  address: clientAddress(req),
  requestId: requestId(req),
});

function redirect(res: Response, location: string): void {
  res.set({ Location: location, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' });
  res.status(303).end();
}
