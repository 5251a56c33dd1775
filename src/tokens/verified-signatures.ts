import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { CacheUse } from '../common/cache/read-through-cache.js';
import { KeyRing } from '../keys/key-ring.js';
import type { AccessToken } from './access-token-verifier.js';

const MAX_ENTRIES = 10_000;
/** Of all tokens together; most have some 600, and one may have 12,000. */
const MAX_CHARACTERS = 8_000_000;

interface Verified {
  readonly kid: string;
  readonly read: AccessToken;
  readonly characters: number;
}

/**
 * What was read from JWTs whose signature was verified, so that this and the parsing are done once for a token and not for each request that brings it. It is no verdict: whoever asks looks
 * each time whether the token has expired or was revoked, and at its client and its user. That its key is still good is seen to here.
 *
 * A token is found by the SHA-256 of all of it. One that differs in a single byte is another one, though its claims be the same: of an ECDSA signature, anybody can make a second one
 * that the mathematics accept. What is not good is not kept: whoever sends rubbish would decide what is.
 */
@Injectable()
export class VerifiedSignatures {
  private readonly verified = new LRUCache<string, Verified>({ max: MAX_ENTRIES, maxSize: MAX_CHARACTERS, sizeCalculation: ({ characters }) => characters });
  private hits = 0;
  private misses = 0;

  constructor(private readonly keys: KeyRing) {}

  get cacheUse(): CacheUse {
    return { hits: this.hits, misses: this.misses, entries: this.verified.size, maxEntries: this.verified.max };
  }

  /** What `verify` has read from this very token, now or before, while the key that signed it is good. @param verify is asked about a token that is not known */
  read(token: string, verify: (token: string) => AccessToken | undefined): AccessToken | undefined {
    const digest = hash('sha256', token, 'base64');
    const known = this.verified.get(digest);
    if (known && this.keys.find(known.kid)) {
      this.hits++;
      return known.read;
    }
    this.misses++;
    const read = verify(token);
    if (read) this.verified.set(digest, { kid: kidOf(token), read, characters: token.length });
    return read;
  }
}

/** Of a token that was verified: its header is one that we wrote. */
const kidOf = (token: string): string => (JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString()) as { kid: string }).kid;
