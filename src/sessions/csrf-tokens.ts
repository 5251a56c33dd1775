import { createHmac, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { SecretBox } from '../common/crypto/secret-box.js';
import { OAuthError } from '../common/oauth/oauth-error.js';

/**
 * Tokens in the forms of our pages, so that no other site can send one. A token is made from the cookies that the browser holds: a new session has new ones, and no
 * other browser's fits.
 */
@Injectable()
export class CsrfTokens {
  private readonly key: Buffer;

  constructor(box: SecretBox) {
    this.key = box.derive('csrf-tokens');
  }

  /** @param cookies values of the cookies that the page depends on, in a fixed order; `undefined` for one that is not there */
  of(...cookies: (string | undefined)[]): string {
    return createHmac('sha256', this.key).update(JSON.stringify(cookies.map((cookie) => cookie ?? null))).digest('base64url');
  }

  /** @throws {OAuthError} 403 */
  assert(token: string | undefined, ...cookies: (string | undefined)[]): void {
    const expected = Buffer.from(this.of(...cookies));
    const given = Buffer.from(token ?? '');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw new OAuthError('access_denied', 'The form was not sent from the page that this browser was shown.', 403);
    }
  }
}
