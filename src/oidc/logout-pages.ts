import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { formActionSource } from '../pages/page-headers.js';
import { PageRenderer } from '../pages/page-renderer.js';
import { BrowserCookies } from '../sessions/browser-cookies.js';
import { CsrfTokens } from '../sessions/csrf-tokens.js';
import type { Session } from '../sessions/sessions.js';
import { UsersRepository } from '../users/users.repository.js';
import type { LogoutRequest } from './logout-request.js';

export const LOGOUT_PATH = '/oauth/logout';

/** The pages of the end session endpoint. */
@Injectable()
export class LogoutPages {
  constructor(
    private readonly cookies: BrowserCookies,
    private readonly csrf: CsrfTokens,
    private readonly users: UsersRepository,
    private readonly pages: PageRenderer,
  ) {}

  /** @param fields parameters of the request, which the form sends once more */
  async ask(req: Request, res: Response, { client, redirect }: LogoutRequest, fields: Record<string, string>, { user }: Session): Promise<void> {
    const view = {
      csrfToken: this.csrf.of(this.cookies.session(req)),
      action: `${LOGOUT_PATH}/confirm`,
      username: (await this.users.find(user.userId))?.username ?? '',
      fields,
      ...(client ? { client: { clientId: client.clientId, name: client.clientName } } : {}),
    };
    const options = redirect === undefined ? {} : { formAction: [formActionSource(redirect)] };
    this.pages.render(req, res, 200, 'logout_confirm', view, options);
  }

  renderSignedOut(req: Request, res: Response): void {
    this.pages.render(req, res, 200, 'logged_out', {});
  }

  /** The session that the client named is not this browser's: it may go on elsewhere. */
  renderSignedOutOfClient(req: Request, res: Response, { clientId, clientName }: NonNullable<LogoutRequest['client']>): void {
    this.pages.render(req, res, 200, 'logged_out', { client: { clientId, name: clientName } });
  }
}
