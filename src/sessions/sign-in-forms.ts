import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { newOpaqueValue } from '../common/crypto/opaque-value.js';
import { randomId } from '../common/crypto/random-id.js';
import { BrowserCookies } from './browser-cookies.js';
import { CsrfTokens } from './csrf-tokens.js';

const LIFETIME_SECONDS = 3600;

/**
 * Sign-in forms that belong to no authorization request. Each rendering has an id, a cookie named by it and a token that
 * holds it: a value that came with a request never becomes that of a form (login CSRF), and two tabs do not disturb
 * each other.
 */
@Injectable()
export class SignInForms {
  constructor(
    private readonly cookies: BrowserCookies,
    private readonly csrf: CsrfTokens,
  ) {}

  /** Ties a form to the browser that gets the response. Returns its token. */
  begin(res: Response): string {
    const formId = randomId();
    const cookie = newOpaqueValue('authorizationRequest');
    this.cookies.setForm(res, formId, cookie, LIFETIME_SECONDS);
    return `${formId}.${this.csrf.of(formId, cookie)}`;
  }

  /** @throws {OAuthError} 403 */
  assert(req: Request, token: string | undefined): void {
    const [formId, value] = (token ?? '').split('.', 2);
    this.csrf.assert(req, value, formId, this.cookies.form(req, formId));
  }
}
