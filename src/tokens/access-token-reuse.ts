import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Client } from '../clients/client.js';
import type { CacheUse } from '../common/cache/read-through-cache.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { KeyRing } from '../keys/key-ring.js';
import type { AccessTokenClaims } from './access-token-jwt.js';
import type { GrantedAccess } from './granted-access.js';
import { RevokedTokens } from './revoked-tokens.js';

/** A client has one token for each scope and audience that it asks for. */
const MAX_ENTRIES = 10_000;
/** Of all tokens together; most have some 600, and one may have 12,000. */
const MAX_CHARACTERS = 8_000_000;

/**
 * What is done about each part of what was granted. A part that is added to {@link GrantedAccess} does not compile before it stands here: a token that is bound to its
 * sender (RFC 7800 `cnf`), or speaks of anybody but its client, belongs among the excluded ones.
 */
const PARTS: Readonly<Record<keyof GrantedAccess, 'compared' | 'excluded' | 'says how long'>> = {
  client: 'compared',
  scope: 'compared',
  audience: 'compared',
  format: 'compared',
  lifetimeSeconds: 'compared',
  user: 'excluded',
  family: 'excluded',
  openid: 'excluded',
  reuseSeconds: 'says how long',
};
const EXCLUDED = (Object.keys(PARTS) as (keyof GrantedAccess)[]).filter((part) => PARTS[part] === 'excluded');

type TokenTimesAndId = Pick<AccessTokenClaims, 'iat' | 'exp' | 'jti'>;

interface Kept {
  /** As it was when the token was issued: any change of a client or of its secrets, and the end of all its tokens, makes another object of it. */
  readonly client: Client;
  readonly kid: string;
  readonly lifetimeSeconds: number;
  readonly claims: TokenTimesAndId;
  readonly token: string;
}

/**
 * The JWTs that clients with `access_token_reuse` may be given again in place of new ones: for the same scope and audience, while nothing has changed by which a new one
 * would differ in more than its times and its id, and while neither the token was revoked nor its key taken out of use. Each process keeps its own, in memory only.
 */
@Injectable()
export class AccessTokenReuse {
  private readonly kept = new LRUCache<string, Kept>({ max: MAX_ENTRIES, maxSize: MAX_CHARACTERS, sizeCalculation: ({ token }) => token.length });
  private hits = 0;
  private misses = 0;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly keys: KeyRing,
    private readonly revoked: RevokedTokens,
  ) {}

  get cacheUse(): CacheUse {
    return { hits: this.hits, misses: this.misses, entries: this.kept.size, maxEntries: this.kept.max };
  }

  /** A token to give once more, with the seconds that remain of it; `undefined` when a new one must be issued, which {@link keep} is then told of. */
  find(access: GrantedAccess): { token: string; expiresInSeconds: number } | undefined {
    if (!isReusable(access)) return undefined;
    const kept = this.kept.get(keyOf(access));
    const nowSeconds = this.clock.nowSeconds();
    if (kept && this.isGood(kept, access, nowSeconds)) {
      this.hits++;
      return { token: kept.token, expiresInSeconds: kept.claims.exp - nowSeconds };
    }
    this.misses++;
    return undefined;
  }

  /** Told of every new JWT; keeps it if it may be given again. */
  keep(access: GrantedAccess, claims: TokenTimesAndId, token: string): void {
    if (!isReusable(access)) return;
    this.kept.set(keyOf(access), { client: access.client, kid: this.signingKid, lifetimeSeconds: access.lifetimeSeconds, claims, token });
  }

  private isGood({ client, kid, lifetimeSeconds, claims }: Kept, access: GrantedAccess, nowSeconds: number): boolean {
    const ageSeconds = nowSeconds - claims.iat;
    return (
      client === access.client &&
      lifetimeSeconds === access.lifetimeSeconds &&
      // A clock that was set back makes tokens of the future.
      ageSeconds >= 0 &&
      ageSeconds < reusableSeconds(access) &&
      kid === this.signingKid &&
      !this.revoked.has(claims.jti)
    );
  }

  private get signingKid(): string {
    return this.keys.signer(this.config.accessTokenSigningAlg).kid;
  }
}

function isReusable(access: GrantedAccess): boolean {
  return (access.reuseSeconds ?? 0) > 0 && access.format === 'jwt' && EXCLUDED.every((part) => access[part] === undefined);
}

/** Where a resource cuts the lifetime short, it cuts this in proportion: what remains is the same part of the whole, and never nothing. */
const reusableSeconds = ({ client, lifetimeSeconds, reuseSeconds = 0 }: GrantedAccess): number => (reuseSeconds * lifetimeSeconds) / client.accessTokenLifetimeSeconds;

/** None of the three holds a line break, and neither a scope token nor an audience holds a space. */
const keyOf = ({ client, scope, audience }: GrantedAccess): string => `${client.clientId}\n${scope.join(' ')}\n${audience.join(' ')}`;
