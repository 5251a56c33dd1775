import { createHmac, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { SecretBox } from '../common/crypto/secret-box.js';
import { OAuthError } from '../common/oauth/oauth-error.js';

/**
 * Tokens in the forms of our pages, so that no other site can send one. A token is made from the cookies that the browser holds: a new session has new ones, and no
 * other browser's fits.
 */
@Injectable()
export class CsrfTokens {
  private readonly keys: readonly Buffer[];

  constructor(box: SecretBox) {
    this.keys = box.deriveEach('csrf-tokens');
  }

  /** @param cookies values of the cookies that the page depends on, in a fixed order; `undefined` for one that is not there */
  of(...cookies: (string | undefined)[]): string {
    return tokenUnder(this.keys[0], cookies);
  }

  /**
   * Refuses a form that was not sent from the page that this browser was shown. Browsers say themselves from where a form
   * comes; that is checked in addition to the token, where they do.
   * @throws {OAuthError} 403
   */
  assert(req: Request, token: string | undefined, ...cookies: (string | undefined)[]): void {
    const site = req.headers['sec-fetch-site'];
    // While KEY_ENCRYPTION_KEY is replaced, another instance may have made the form.
    const isRight = this.keys.some((key) => isEqual(token ?? '', tokenUnder(key, cookies)));
    if (!isRight || (site !== undefined && site !== 'same-origin')) {
      throw new OAuthError('access_denied', 'The form was not sent from the page that this browser was shown.', 403);
    }
  }
}

const tokenUnder = (key: Buffer, cookies: readonly (string | undefined)[]): string =>
  createHmac('sha256', key).update(JSON.stringify(cookies.map((cookie) => cookie ?? null))).digest('base64url');

function isEqual(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
