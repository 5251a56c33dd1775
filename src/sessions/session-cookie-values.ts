import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { OPAQUE_PREFIX } from '../common/crypto/opaque-value.js';
import { SecretBox } from '../common/crypto/secret-box.js';

const RANDOM_BYTES = 16;
const TAG_BYTES = 16;

/**
 * Makes the values of session cookies: 128 random bits, and a tag by which this server sees to which session it gave
 * the value. So a browser can show that a session was its own when the session has ended and its row is gone. The value
 * tells nothing of the session to anybody else, and what it opens is decided by its digest in the row alone.
 */
@Injectable()
export class SessionCookieValues {
  private readonly key: Buffer;

  constructor(box: SecretBox) {
    this.key = box.derive('session-cookies');
  }

  make(sessionId: string): string {
    const random = randomBytes(RANDOM_BYTES);
    return OPAQUE_PREFIX.session + Buffer.concat([random, this.tag(random, sessionId)]).toString('base64url');
  }

  wasMadeFor(value: string, sessionId: string): boolean {
    const bytes = Buffer.from(value.slice(OPAQUE_PREFIX.session.length), 'base64url');
    if (bytes.length !== RANDOM_BYTES + TAG_BYTES) return false;
    return timingSafeEqual(bytes.subarray(RANDOM_BYTES), this.tag(bytes.subarray(0, RANDOM_BYTES), sessionId));
  }

  private tag(random: Buffer, sessionId: string): Buffer {
    return createHmac('sha256', this.key).update(random).update(sessionId).digest().subarray(0, TAG_BYTES);
  }
}
