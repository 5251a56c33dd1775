import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts small secrets at rest with AES-256-GCM. A sealed value opens only under one of the box's keys and with the context that
 * it was sealed with. With several keys the first one seals, so that a key can be replaced while values of the other are in use.
 */
export class SecretBox {
  private readonly keys: readonly Buffer[];

  /**
   * @param key seals; 32 bytes, of uniform randomness
   * @param others open what `key` does not
   */
  constructor(key: Buffer, ...others: readonly Buffer[]) {
    this.keys = [key, ...others];
    if (this.keys.some(({ length }) => length !== 32)) throw new RangeError('a secret box needs keys of 32 bytes');
  }

  /** @param context bound to the sealed value as associated data: what the plaintext is, e.g. `signing-key:<kid>` */
  seal(plaintext: string, context: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.keys[0], nonce);
    cipher.setAAD(Buffer.from(context));
    const sealed = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** @throws when no key opens the value, the context differs, or the value was altered */
  open(sealed: string, context: string): string {
    for (const key of this.keys) {
      const plaintext = openWith(key, sealed, context);
      if (plaintext !== undefined) return plaintext;
    }
    throw new Error('no key opens the sealed value');
  }

  /** Whether the key that seals opens the value. */
  isCurrent(sealed: string, context: string): boolean {
    return openWith(this.keys[0], sealed, context) !== undefined;
  }

  /** Returns a box under the one key that opens the value, or `undefined` if none does. */
  narrowedTo(sealed: string, context: string): SecretBox | undefined {
    const key = this.keys.find((each) => openWith(each, sealed, context) !== undefined);
    return key && new SecretBox(key);
  }

  /** Derives another key for one purpose only (HKDF-SHA-256, RFC 5869) from the key that seals. */
  derive(purpose: string): Buffer {
    return deriveKey(this.keys[0], purpose);
  }

  /** Derives a key for one purpose from each key: the first is to be used, values of any are to be accepted. */
  deriveEach(purpose: string): readonly Buffer[] {
    return this.keys.map((key) => deriveKey(key, purpose));
  }
}

export const deriveKey = (key: Buffer, purpose: string): Buffer => Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), purpose, 32));

function openWith(key: Buffer, sealed: string, context: string): string | undefined {
  try {
    const bytes = Buffer.from(sealed, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(context));
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    const plaintext = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
    return Buffer.concat([plaintext, decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
