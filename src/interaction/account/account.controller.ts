import { Controller, Get, Post, Query, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '../../common/openapi/decorators.js';
import type { Request, Response } from 'express';
import { ConsentWithdrawal } from '../../authorization/consent-withdrawal.js';
import { Config } from '../../config/config.js';
import { SessionEnd } from '../../logout/session-end.js';
import { PageErrorFilter } from '../../pages/page-error.filter.js';
import { AuthorizationRateGuard } from '../../rate-limits/authorization-rate.guard.js';
import { BrowserCookies } from '../../sessions/browser-cookies.js';
import { CsrfTokens } from '../../sessions/csrf-tokens.js';
import { type Session, Sessions } from '../../sessions/sessions.js';
import { SignInForms } from '../../sessions/sign-in-forms.js';
import { browserActor } from '../browser-actor.js';
import { PageFormGuard, type PageFormRequest } from '../page-form.guard.js';
import { SignIn } from '../sign-in.js';
import { AccountPage, ACCOUNT_PATH } from './account-page.js';
import { PasswordChange } from './password-change.js';

/** Where a user sees where she is signed in and what she allowed, and ends it. */
@ApiExcludeController()
@Controller('account')
@UseGuards(AuthorizationRateGuard)
@UseFilters(PageErrorFilter)
export class AccountController {
  constructor(
    private readonly config: Config,
    private readonly sessions: Sessions,
    private readonly cookies: BrowserCookies,
    private readonly csrf: CsrfTokens,
    private readonly forms: SignInForms,
    private readonly page: AccountPage,
    private readonly signIn: SignIn,
    private readonly sessionEnd: SessionEnd,
    private readonly consents: ConsentWithdrawal,
    private readonly passwordChange: PasswordChange,
  ) {}

  @Get()
  async show(@Req() req: Request, @Res() res: Response, @Query('notice') notice: unknown): Promise<void> {
    const session = await this.sessions.find(this.cookies.session(req));
    if (session) await this.page.render(req, res, session, { notice });
    else this.page.renderSignIn(req, res);
  }

  @Post('login')
  @UseGuards(PageFormGuard)
  async logIn(@Req() req: PageFormRequest, @Res() res: Response): Promise<void> {
    this.forms.assert(req, req.body.csrf_token);
    const error = req.body.decision === 'cancel' ? undefined : await this.signIn.attempt(req, res);
    if (error === undefined) this.back(res);
    else this.page.renderSignIn(req, res, req.body.username, error);
  }

  @Post('logout')
  @UseGuards(PageFormGuard)
  async logOut(@Req() req: PageFormRequest, @Res() res: Response): Promise<void> {
    if (!(await this.sessionOf(req, res))) return;
    await this.signIn.end(req, res);
    this.page.renderSignedOut(req, res);
  }

  @Post('sessions/end')
  @UseGuards(PageFormGuard)
  async endSession(@Req() req: PageFormRequest, @Res() res: Response): Promise<void> {
    const session = await this.sessionOf(req, res);
    if (!session) return;
    const listed = await this.sessions.list(session.user);
    // Only one of her own.
    if (listed.some(({ sessionId }) => sessionId === req.body.session_id)) await this.sessionEnd.end(req.body.session_id!, browserActor(req, session.user));
    this.back(res, 'session_ended');
  }

  @Post('sessions/end-others')
  @UseGuards(PageFormGuard)
  async endOtherSessions(@Req() req: PageFormRequest, @Res() res: Response): Promise<void> {
    const session = await this.sessionOf(req, res);
    if (!session) return;
    await this.sessionEnd.endOthers(session.user.userId, session.sessionId, browserActor(req, session.user));
    this.back(res, 'other_sessions_ended');
  }

  @Post('consents/revoke')
  @UseGuards(PageFormGuard)
  async revokeConsent(@Req() req: PageFormRequest, @Res() res: Response): Promise<void> {
    const session = await this.sessionOf(req, res);
    if (!session) return;
    if (req.body.client_id !== undefined) await this.consents.withdraw(session.user.userId, req.body.client_id, browserActor(req, session.user));
    this.back(res, 'consent_revoked');
  }

  @Post('password')
  @UseGuards(PageFormGuard)
  async changePassword(@Req() req: PageFormRequest, @Res() res: Response): Promise<void> {
    const session = await this.sessionOf(req, res);
    if (!session) return;
    const passwordError = await this.passwordChange.attempt(req, res, session);
    if (passwordError === undefined) this.back(res, 'password_changed');
    else await this.page.render(req, res, session, { passwordError });
  }

  /** Who sent the form; a browser whose session is over is sent to sign in. @throws {OAuthError} 403 for a form of another page */
  private async sessionOf(req: PageFormRequest, res: Response): Promise<Session | undefined> {
    const session = await this.sessions.find(this.cookies.session(req));
    if (session) this.csrf.assert(req, req.body.csrf_token, this.cookies.session(req));
    else this.back(res);
    return session;
  }

  private back(res: Response, notice?: string): void {
    res.set({ Location: `${this.config.issuer}${ACCOUNT_PATH}${notice === undefined ? '' : `?notice=${notice}`}`, 'Cache-Control': 'no-store' });
    res.status(303).end();
  }
}
