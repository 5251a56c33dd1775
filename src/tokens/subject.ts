import { type Cipher, createCipheriv, createDecipheriv, createHmac, type Decipher, hkdfSync } from 'node:crypto';
import type { Client } from '../clients/client.js';
import type { User } from '../users/user.js';
import { USER_ID } from '../users/user-profile.js';

const PREFIX = 'usr_';
const CIPHER = 'aes-256-ecb';
const KEY_BYTES = 32;
/** 16 bytes in base64url. */
const ID_LENGTH = 22;
const GENERATION_BYTES = 6;

interface SectorKeys {
  readonly subject: Buffer;
  readonly generation: Buffer;
  readonly session: Buffer;
}

/**
 * Whom a token speaks of, as its client may know it (OIDC Core §8). A public subject is the user's id. A pairwise one is that id, 16 random bytes, encrypted as
 * one block of AES-256 under a key of the client's sector (§8.1): always the same for one sector, of no use to another, and read back by this server without
 * anything being stored. It has the form of a user's id, which no client's id has. The key is stored, and stays when KEY_ENCRYPTION_KEY is
 * replaced.
 */
export class Subjects {
  private readonly sectors = new WeakMap<Client, SectorKeys>();

  /** @param key returns 32 bytes, for this purpose only, which never change once they can be read */
  constructor(private readonly key: () => Buffer) {}

  /** The `sub` of the user in whatever the client sees. */
  of(client: Client, userId: string): string {
    return client.subjectType === 'pairwise' ? withBlock(createCipheriv(CIPHER, this.keysOf(client).subject, null), userId) : userId;
  }

  /** The user whom a subject of this client means, whether there is such a user or not; `undefined` for what is no user's subject, such as the client's own. */
  userIdOf(client: Client, subject: string): string | undefined {
    if (!USER_ID.test(subject)) return undefined;
    if (client.subjectType === 'public') return subject;
    const userId = withBlock(createDecipheriv(CIPHER, this.keysOf(client).subject, null), subject);
    // Several texts decode to the same 16 bytes; one of them is the subject.
    return this.of(client, userId) === subject ? userId : undefined;
  }

  /** The `sid` of a session in whatever the client sees: its id, or for a pairwise client what would tell others nothing. */
  sidOf(client: Client, sessionId: string): string {
    return client.subjectType === 'pairwise' ? block(createCipheriv(CIPHER, this.keysOf(client).session, null), sessionId) : sessionId;
  }

  /** The session that a `sid` of this client means. */
  sessionIdOf(client: Client, sid: string): string {
    return client.subjectType === 'pairwise' && sid.length === ID_LENGTH ? block(createDecipheriv(CIPHER, this.keysOf(client).session, null), sid) : sid;
  }

  /**
   * The user's token generation as the client may see it in the id of a token: the same value in tokens of two sectors would tell them that they speak of one
   * user.
   */
  generationOf(client: Client, { userId, tokenGeneration }: User): string {
    if (client.subjectType === 'public') return tokenGeneration;
    return createHmac('sha256', this.keysOf(client).generation).update(`${userId} ${tokenGeneration}`).digest().toString('base64url', 0, GENERATION_BYTES);
  }

  private keysOf(client: Client): SectorKeys {
    const known = this.sectors.get(client);
    if (known) return known;
    const bytes = Buffer.from(hkdfSync('sha256', this.key(), Buffer.alloc(0), client.sectorIdentifier, 3 * KEY_BYTES));
    const keys = { subject: bytes.subarray(0, KEY_BYTES), generation: bytes.subarray(KEY_BYTES, 2 * KEY_BYTES), session: bytes.subarray(2 * KEY_BYTES) };
    this.sectors.set(client, keys);
    return keys;
  }
}

const withBlock = (cipher: Cipher | Decipher, id: string): string => PREFIX + block(cipher, id.slice(PREFIX.length));

/** A single block of random bytes needs no chaining and no padding. */
function block(cipher: Cipher | Decipher, id: string): string {
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(Buffer.from(id, 'base64url')), cipher.final()]).toString('base64url');
}
