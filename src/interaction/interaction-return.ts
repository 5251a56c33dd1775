import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { AuthorizationResponder } from '../authorization/authorization-responder.js';
import { Authorizations } from '../authorization/authorizations.js';
import { type Interaction, pathOf } from '../authorization/interactions/interactions.js';
import { OAuthError } from '../common/oauth/oauth-error.js';
import { Config } from '../config/config.js';
import { BrowserCookies } from '../sessions/browser-cookies.js';

/** Ways from the pages of an authorization request back to where it came from. */
@Injectable()
export class InteractionReturn {
  constructor(
    private readonly config: Config,
    private readonly authorizations: Authorizations,
    private readonly responder: AuthorizationResponder,
    private readonly cookies: BrowserCookies,
  ) {}

  /** To the authorization endpoint, which finds out what is still needed; or to another page of the request. */
  resume(res: Response, { requestId }: Interaction, page?: 'login'): void {
    res.set({ Location: `${this.config.issuer}${pathOf(requestId)}${page === undefined ? '' : `/${page}`}`, 'Cache-Control': 'no-store' });
    res.status(303).end();
  }

  /** To the client, which learns that the user did not want it (RFC 6749 §4.1.2.1). */
  async refuse(req: Request, res: Response, interaction: Interaction): Promise<void> {
    const answer = await this.authorizations.refuse(interaction, new OAuthError('access_denied', 'The user did not allow it.'), interaction);
    this.cookies.clearForm(res, interaction.requestId);
    this.responder.send(req, res, answer);
  }
}
