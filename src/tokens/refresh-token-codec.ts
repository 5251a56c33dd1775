import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { OPAQUE_PREFIX } from '../common/crypto/opaque-value.js';
import { deriveKey } from '../common/crypto/secret-box.js';
import type { Clock } from '../common/time/clock.js';
import type { StoredSecret } from '../keys/stored-secrets.js';

const MONTH_BYTES = 2;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FAMILY_ID_BYTES = 16;
const SECRET_BYTES = 20;
const HEAD_BYTES = FAMILY_ID_BYTES + SECRET_BYTES;
const TOKEN_BYTES = NONCE_BYTES + TAG_BYTES + HEAD_BYTES;
/** No token that is made here is longer. */
const MAX_TOKEN_BYTES = 1024;
const FORM = new RegExp(`^${OPAQUE_PREFIX.refreshToken}([A-Za-z0-9_-]+)$`);

/** Tokens before the first month, and those of earlier versions, carry no month and share one key. */
const NO_MONTH = 0;
/** Instances of an earlier version cannot open tokens that carry a month: an upgrade has this long to replace them. */
const UPGRADE_MS = 86_400_000;

/** What is in a refresh token. */
export interface OpenedToken {
  /** 16 bytes in base64url. */
  readonly familyId: string;
  /** What was sealed beside it: the same in all tokens of a family. */
  readonly content: Buffer;
}

/**
 * The form of refresh tokens: `mg_rt_` and, in base64url, the month, then the id of the family, 160 random bits and what was granted to the family, sealed by AES-256-GCM under the
 * month's key and a random nonce of 96 bits. A key for each month keeps the number of tokens under one key far below 2^32 (NIST SP 800-38D §8.3). Whoever holds a token sees random
 * text; the server sees which family it belongs to, what for, and that it once made it, so that a token of long ago is known for what it is without a row for each that ever was, and
 * one that was cut or altered is not taken for it. The digest in the family's row alone decides whether a token is valid.
 */
export class RefreshTokenCodec {
  private readonly sealKeys = new Map<number, Buffer>();
  private successorKey: Buffer | undefined;
  private firstMonth: number | undefined;

  /** @param secret for this purpose only; it never changes once it can be read */
  constructor(
    private readonly secret: () => StoredSecret,
    private readonly clock: Clock,
  ) {}

  /** The first token of a family. */
  first(opened: OpenedToken): string {
    return this.seal(this.monthAt(this.clock.nowMs()), opened, randomBytes(NONCE_BYTES + SECRET_BYTES));
  }

  /**
   * Makes a salt for {@link successor}. It says which month the successor carries: that must not change when the successor is
   * made again.
   * @param text of the salt, without a point
   * @param atMs when the successor is made first
   */
  saltFor(text: string, atMs: number): string {
    const month = this.monthAt(atMs);
    return month === NO_MONTH ? text : `${month.toString(36)}.${text}`;
  }

  /**
   * The token that follows another one. The same again for the same salt, so that an answer which got lost can be given once more, and as unforeseeable as any
   * other to those who do not have the predecessor, the salt and the key.
   * @param opened of the predecessor
   */
  successor(opened: OpenedToken, predecessor: string, salt: string): string {
    const [label, ...rest] = salt.split('.');
    this.successorKey ??= deriveKey(this.secret().key, 'successor');
    const random = createHmac('sha256', this.successorKey).update(`${salt} ${predecessor}`).digest();
    return this.seal(rest.length === 0 ? NO_MONTH : Number.parseInt(label, 36), opened, random);
  }

  /** Opens a token that this server made, valid or not; returns `undefined` for anything else. */
  open(token: string): OpenedToken | undefined {
    const text = FORM.exec(token)?.[1];
    const bytes = Buffer.from(text ?? '', 'base64url');
    if (bytes.length < TOKEN_BYTES || bytes.length > MAX_TOKEN_BYTES || bytes.toString('base64url') !== text) return undefined;
    const month = bytes.readUInt16BE();
    const carriesMonth = bytes.length >= MONTH_BYTES + TOKEN_BYTES && month >= this.earliestMonth() && month <= monthOf(this.clock.nowMs()) + 1;
    // The first bytes of a token without a month are random, and may look like one.
    return (carriesMonth ? this.unseal(month, bytes.subarray(MONTH_BYTES)) : undefined) ?? this.unseal(NO_MONTH, bytes);
  }

  private unseal(month: number, bytes: Buffer): OpenedToken | undefined {
    const decipher = createDecipheriv('aes-256-gcm', this.sealKey(month), bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    const sealed = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return { familyId: sealed.toString('base64url', 0, FAMILY_ID_BYTES), content: sealed.subarray(HEAD_BYTES) };
  }

  private seal(month: number, { familyId, content }: OpenedToken, random: Buffer): string {
    const nonce = random.subarray(0, NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.sealKey(month), nonce, { authTagLength: TAG_BYTES });
    const sealed = cipher.update(Buffer.concat([Buffer.from(familyId, 'base64url'), random.subarray(NONCE_BYTES), content]));
    cipher.final();
    const label = Buffer.alloc(month === NO_MONTH ? 0 : MONTH_BYTES);
    if (month !== NO_MONTH) label.writeUInt16BE(month);
    return OPAQUE_PREFIX.refreshToken + Buffer.concat([label, nonce, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  private sealKey(month: number): Buffer {
    let key = this.sealKeys.get(month);
    if (!key) {
      key = deriveKey(this.secret().key, month === NO_MONTH ? 'seal' : `seal ${month}`);
      this.sealKeys.set(month, key);
    }
    return key;
  }

  private monthAt(ms: number): number {
    const month = monthOf(ms);
    return month >= this.earliestMonth() ? month : NO_MONTH;
  }

  private earliestMonth(): number {
    return (this.firstMonth ??= monthOf(this.secret().storedAtMs + UPGRADE_MS) + 1);
  }
}

/** Months since the epoch, in UTC. */
function monthOf(ms: number): number {
  const date = new Date(ms);
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
}
