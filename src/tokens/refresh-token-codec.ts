import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { OPAQUE_PREFIX } from '../common/crypto/opaque-value.js';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FAMILY_ID_BYTES = 16;
const SECRET_BYTES = 20;
const HEAD_BYTES = FAMILY_ID_BYTES + SECRET_BYTES;
const TOKEN_BYTES = NONCE_BYTES + TAG_BYTES + HEAD_BYTES;
/** No token that is made here is longer. */
const MAX_TOKEN_BYTES = 1024;
const FORM = new RegExp(`^${OPAQUE_PREFIX.refreshToken}([A-Za-z0-9_-]+)$`);

/** What is in a refresh token. */
export interface OpenedToken {
  /** 16 bytes in base64url. */
  readonly familyId: string;
  /** What was sealed beside it: the same in all tokens of a family. */
  readonly content: Buffer;
}

/**
 * The form of refresh tokens: `mg_rt_` and, in base64url, the id of the family, 160 random bits and what was granted to the family, sealed by AES-256-GCM under a
 * random nonce of 96. Whoever holds one sees random text; the server sees which family it belongs to, what for, and that it once made it, so that a token of long ago
 * is known for what it is without a row for each that ever was, and one that was cut or altered is not taken for it. What is good is decided by the digest in the
 * family's row alone.
 */
export class RefreshTokenCodec {
  private readonly sealKey: Buffer;
  private readonly successorKey: Buffer;

  /** @param key 32 bytes, for this purpose only */
  constructor(key: Buffer) {
    this.sealKey = Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), 'seal', 32));
    this.successorKey = Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), 'successor', 32));
  }

  /** The first token of a family. */
  first(opened: OpenedToken): string {
    return this.seal(opened, randomBytes(NONCE_BYTES + SECRET_BYTES));
  }

  /**
   * The token that follows another one. The same again for the same salt, so that an answer which got lost can be given once more, and as unforeseeable as any
   * other to those who do not have the predecessor, the salt and the key.
   * @param opened of the predecessor
   */
  successor(opened: OpenedToken, predecessor: string, salt: string): string {
    return this.seal(opened, createHmac('sha256', this.successorKey).update(`${salt} ${predecessor}`).digest());
  }

  /** A token that this server made, good or not; `undefined` for anything else. */
  open(token: string): OpenedToken | undefined {
    const text = FORM.exec(token)?.[1];
    const bytes = Buffer.from(text ?? '', 'base64url');
    if (bytes.length < TOKEN_BYTES || bytes.length > MAX_TOKEN_BYTES || bytes.toString('base64url') !== text) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.sealKey, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    const sealed = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return { familyId: sealed.toString('base64url', 0, FAMILY_ID_BYTES), content: sealed.subarray(HEAD_BYTES) };
  }

  private seal({ familyId, content }: OpenedToken, random: Buffer): string {
    const nonce = random.subarray(0, NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.sealKey, nonce, { authTagLength: TAG_BYTES });
    const sealed = cipher.update(Buffer.concat([Buffer.from(familyId, 'base64url'), random.subarray(NONCE_BYTES), content]));
    cipher.final();
    return OPAQUE_PREFIX.refreshToken + Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
  }
}
