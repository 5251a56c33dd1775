import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { AuthorizedClients } from '../../authorization/authorized-clients.js';
import { OAuthError } from '../../common/oauth/oauth-error.js';
import { PageRenderer } from '../../pages/page-renderer.js';
import type { AccountView } from '../../pages/views.js';
import { ResourceDirectory } from '../../resources/resource-directory.js';
import { BrowserCookies } from '../../sessions/browser-cookies.js';
import { CsrfTokens } from '../../sessions/csrf-tokens.js';
import { type Session, Sessions } from '../../sessions/sessions.js';
import { SignInForms } from '../../sessions/sign-in-forms.js';
import { MIN_CHARACTERS } from '../../users/passwords/password-policy.js';
import { UsersRepository } from '../../users/users.repository.js';
import type { SignInError } from '../sign-in.js';

export const ACCOUNT_PATH = '/account';
const NOTICES = ['session_ended', 'other_sessions_ended', 'consent_revoked', 'password_changed'] as const;
const ACTIONS = {
  signOut: `${ACCOUNT_PATH}/logout`,
  endSession: `${ACCOUNT_PATH}/sessions/end`,
  endOtherSessions: `${ACCOUNT_PATH}/sessions/end-others`,
  revokeConsent: `${ACCOUNT_PATH}/consents/revoke`,
  changePassword: `${ACCOUNT_PATH}/password`,
};

/** The account page, and the sign-in before it. */
@Injectable()
export class AccountPage {
  constructor(
    private readonly users: UsersRepository,
    private readonly sessions: Sessions,
    private readonly authorized: AuthorizedClients,
    private readonly resources: ResourceDirectory,
    private readonly cookies: BrowserCookies,
    private readonly csrf: CsrfTokens,
    private readonly forms: SignInForms,
    private readonly pages: PageRenderer,
  ) {}

  /** @param notice what has just been done, as the address of the page says; anything else is passed over */
  async render(req: Request, res: Response, session: Session, { notice, passwordError }: { notice?: unknown; passwordError?: AccountView['passwordError'] }): Promise<void> {
    const user = await this.users.find(session.user.userId);
    if (!user) throw new OAuthError('access_denied', 'There is no such account any more.', 403);
    const known = NOTICES.find((name) => name === notice);
    const view: AccountView = {
      csrfToken: this.csrf.of(this.cookies.session(req)),
      actions: ACTIONS,
      username: user.username,
      ...(user.name === null ? {} : { name: user.name }),
      sessions: await this.sessionsOf(session),
      consents: await this.consentsOf(session),
      minPasswordCharacters: MIN_CHARACTERS,
      ...(known === undefined ? {} : { notice: known }),
      ...(passwordError === undefined ? {} : { passwordError }),
    };
    this.pages.render(req, res, statusOf(passwordError), 'account', view);
  }

  renderSignIn(req: Request, res: Response, username?: string, error?: SignInError): void {
    const view = { csrfToken: this.forms.begin(res), action: `${ACCOUNT_PATH}/login`, ...(username === undefined ? {} : { username }), ...(error === undefined ? {} : { error }) };
    this.pages.render(req, res, statusOf(error), 'account_login', view);
  }

  renderSignedOut(req: Request, res: Response): void {
    this.pages.render(req, res, 200, 'logged_out', { signInPath: ACCOUNT_PATH });
  }

  private async sessionsOf({ user, sessionId: current }: Session): Promise<AccountView['sessions']> {
    return (await this.sessions.list(user)).map(({ sessionId, userAgent, address, authenticatedAtMs, lastSeenAtMs }) => ({
      sessionId,
      ...(userAgent === null ? {} : { userAgent }),
      address: address ?? '',
      signedInAtMs: authenticatedAtMs,
      lastUsedAtMs: lastSeenAtMs,
      current: sessionId === current,
    }));
  }

  private async consentsOf({ user }: Session): Promise<AccountView['consents']> {
    return (await this.authorized.list(user)).map(({ client, scope, audience, sinceMs }) => ({
      client: { clientId: client.clientId, name: client.clientName },
      scopes: scope.map((name) => {
        const description = this.resources.describe(name);
        return { scope: name, ...(description === undefined ? {} : { description }) };
      }),
      resources: audience.flatMap((identifier) => this.resources.find(identifier)?.name ?? []),
      sinceMs,
    }));
  }
}

const statusOf = (error: SignInError | AccountView['passwordError']): number => (error === undefined ? 200 : error === 'busy' ? 503 : 400);
