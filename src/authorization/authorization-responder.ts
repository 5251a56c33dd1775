import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { OAuthError } from '../common/oauth/oauth-error.js';
import { Config } from '../config/config.js';
import { formActionSource } from '../pages/page-headers.js';
import { PageRenderer } from '../pages/page-renderer.js';
import { type AuthorizationAnswer, locationOf } from './authorization-answer.js';
import type { ResponseTarget } from './authorization-request.js';

/** Sends answers to clients by way of the browser. */
@Injectable()
export class AuthorizationResponder {
  constructor(
    private readonly config: Config,
    private readonly pages: PageRenderer,
  ) {}

  /** By 303, whatever the method was: a browser repeats a form post on others, password and all (RFC 9700 §4.12). */
  send(req: Request, res: Response, answer: AuthorizationAnswer): void {
    const { redirectUri, responseMode } = answer.target;
    if (responseMode === 'form_post') {
      this.pages.render(req, res, 200, 'form_post', { action: redirectUri, params: answer.params }, { formAction: [formActionSource(redirectUri)] });
      return;
    }
    res.set({ Location: locationOf(answer), 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' });
    res.status(303).end();
  }

  /** RFC 6749 §4.1.2.1, RFC 9207 §2. */
  refusal(target: ResponseTarget, { code, description }: OAuthError): AuthorizationAnswer {
    return { target, params: { error: code, error_description: description, ...(target.state === undefined ? {} : { state: target.state }), iss: this.config.issuer } };
  }
}
