import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../audit/audit-log.js';
import type { Client } from '../clients/client.js';
import type { GrantType } from '../clients/client-metadata.js';
import { digestOf } from '../common/crypto/opaque-value.js';
import { randomId } from '../common/crypto/random-id.js';
import { invalidGrant } from '../common/oauth/oauth-error.js';
import { formatScope } from '../common/oauth/scope.js';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { ChangeFeed } from '../database/change-feed.js';
import type { User } from '../users/user.js';
import { UserDirectory } from '../users/user-directory.js';
import type { GrantedFamily } from './granted-access.js';
import type { OpenIdGrant } from './openid-grant.js';
import { RefreshTokenCodec } from './refresh-token-codec.js';
import type { Target } from './target-resolver.js';
import { TokenFamiliesRepository } from './token-families.repository.js';
import type { TokenFamilyEntity } from './token-family.entity.js';
import { TokenFamilyRevocation } from './token-family-revocation.js';
import { UncertainRotations } from './uncertain-rotations.js';

const DAY_MS = 86_400_000;

/** Who was not the one to rotate the token finds out why in the next look. */
const MAX_LOOKS = 3;

const refused = (detail: string) => invalidGrant('The refresh token is not valid.', detail);

/** What is known of a family from the authorization endpoint. */
export interface FamilyBeginning {
  familyId?: string;
  sessionId?: string;
  openid?: OpenIdGrant;
  /** Whether a refresh token is given; it is unless said otherwise. */
  refreshable?: boolean;
}

/** A family whose token was presented, and the user who authorized it. */
export interface PresentedFamily {
  family: TokenFamilyEntity;
  user: User;
}

/**
 * Refresh tokens with rotation and reuse detection (RFC 6749 §6, RFC 9700 §4.14.2). Each use retires the token and answers its successor. The token that was
 * used last may be sent again by the same client for a while, and then gets the same successor: an answer that was lost, or two requests at once, do
 * not end the session, and there is never more than one token that is good. Any older one is reuse: the family is revoked.
 */
@Injectable()
export class RefreshTokens {
  constructor(
    private readonly families: TokenFamiliesRepository,
    private readonly codec: RefreshTokenCodec,
    private readonly revocation: TokenFamilyRevocation,
    private readonly uncertain: UncertainRotations,
    private readonly users: UserDirectory,
    private readonly feed: ChangeFeed,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /** Begins a family for what a user granted to a client, in the transaction of the manager. */
  async begin(client: Client, user: User, grantType: GrantType, { scope, audience }: Target, manager: EntityManager, beginning: FamilyBeginning = {}): Promise<GrantedFamily> {
    const { familyId = randomId(), sessionId = null, openid = null, refreshable = true } = beginning;
    const nowMs = this.clock.nowMs();
    const refreshToken = this.codec.first(familyId);
    // Without a refresh token the family is what its access tokens are revoked by, and is over with them.
    const expiresAt = nowMs + (refreshable ? client.refreshTokenLifetimeSeconds * 1000 : 0);
    const family = {
      familyId,
      clientId: client.clientId,
      clientGeneration: client.tokenGeneration,
      userId: user.userId,
      userGeneration: user.tokenGeneration,
      grantType,
      scope: formatScope(scope),
      audience: [...audience],
      currentDigest: digestOf(refreshToken),
      previousDigest: null,
      successorSalt: null,
      retryUntil: null,
      issuedAt: nowMs,
      expiresAt,
      sessionId,
      openid,
      revokedAt: null,
      ...this.ends(client, expiresAt, 0, sessionId === null ? 0 : nowMs + this.config.sessionLifetimeSeconds * 1000),
    };
    await this.families.insert(family, manager);
    return { familyId, ...(refreshable ? { refreshToken } : {}) };
  }

  /**
   * The family of a refresh token that its client may use now. One that was used before the last use is reuse, and ends the family.
   * @throws {OAuthError} `invalid_grant`
   */
  async present(token: string, client: Client, actor: Actor): Promise<PresentedFamily> {
    const family = await this.find(token);
    if (!family) throw refused('unknown');
    if (!this.isOf(family, client)) throw refused('issued to another client');
    if (family.revokedAt !== null) throw refused('revoked');
    if (!this.isCurrent(family, token) && !this.mayBeRepeated(family, token)) {
      await this.revocation.revoke(family, 'refresh_token.reused', actor);
      throw refused('reused');
    }
    if (this.hasEnded(family)) throw refused('expired');
    const user = await this.userOf(family, client);
    if (!user) throw refused('what it was issued for has ended');
    return { family, user };
  }

  /**
   * Uses the token: retires it, and answers its successor once that is committed.
   * @param family of the token, as {@link present} answered it
   * @throws {OAuthError} `invalid_grant` when it was revoked or used in the meantime
   */
  async advance(family: TokenFamilyEntity, token: string, client: Client, actor: Actor): Promise<GrantedFamily> {
    const { familyId } = family;
    let seen = family;
    for (let looks = 1; this.isCurrent(seen, token); looks++) {
      const salt = randomId();
      const refreshToken = this.codec.successor(familyId, token, salt);
      if (await this.rotate(seen, digestOf(refreshToken), salt, client)) return { familyId, refreshToken };
      if (looks === MAX_LOOKS) throw new TemporarilyUnavailableError('the family changed with every look');
      seen = (await this.present(token, client, actor)).family;
    }
    const again = this.codec.successor(familyId, token, seen.successorSalt!);
    // Not so after a change of the key under which successors are made.
    if (digestOf(again) !== seen.currentDigest) throw refused('its successor cannot be made again');
    return { familyId, refreshToken: again };
  }

  /** The family of a token that this server made, in whichever state; `null` for anything else. */
  async find(token: string): Promise<TokenFamilyEntity | null> {
    const familyId = this.codec.familyOf(token);
    return familyId === undefined ? null : this.families.find(familyId);
  }

  /** The family of a token of this client that is the one good token of its family now, and whose user and grant are still good; `undefined` for any other. */
  async inspect(token: string, client: Client): Promise<TokenFamilyEntity | undefined> {
    const family = await this.find(token);
    if (!family || !this.isOf(family, client) || family.revokedAt !== null || !this.isCurrent(family, token) || this.hasEnded(family)) return undefined;
    return (await this.userOf(family, client)) ? family : undefined;
  }

  private async rotate(family: TokenFamilyEntity, currentDigest: string, successorSalt: string, client: Client): Promise<boolean> {
    const windowMs = this.config.refreshRetryWindowSeconds * 1000;
    const rotation = { currentDigest, successorSalt, retryUntil: this.clock.nowMs() + windowMs, ...this.ends(client, family.expiresAt, family.accessExpiresAt, family.sessionId === null ? 0 : family.purgeAfter) };
    try {
      return await this.families.rotate(family, rotation);
    } catch (error) {
      if (error instanceof TemporarilyUnavailableError && windowMs > 0) this.uncertain.note(family.familyId, currentDigest);
      throw error;
    }
  }

  /**
   * A use moves the idle end, never beyond the absolute one.
   * @param neededUntil when the session is over: until then the row tells to which clients the user signed in
   */
  private ends(client: Client, expiresAt: number, accessExpiredAt: number, neededUntil: number) {
    const nowMs = this.clock.nowMs();
    const idleExpiresAt = Math.min(nowMs + client.refreshTokenIdleLifetimeSeconds * 1000, expiresAt);
    // The longest that any audience gives this client; and a repeated use gives another access token, which ends later by as much.
    const accessExpiresAt = Math.max(accessExpiredAt, nowMs + (client.accessTokenLifetimeSeconds + this.config.refreshRetryWindowSeconds) * 1000);
    // In whole days, so that its index is not written with every use.
    return { idleExpiresAt, accessExpiresAt, purgeAfter: Math.ceil(Math.max(idleExpiresAt, accessExpiresAt, neededUntil) / DAY_MS) * DAY_MS };
  }

  private isOf({ clientId, clientGeneration }: TokenFamilyEntity, client: Client): boolean {
    return clientId === client.clientId && clientGeneration === client.tokenGeneration;
  }

  /** The user, while she is there, enabled, not signed out since, and the client may still use the grants that this came and comes by. */
  private async userOf({ userId, userGeneration, grantType }: TokenFamilyEntity, client: Client): Promise<User | undefined> {
    if (!client.grantTypes.has('refresh_token') || !client.grantTypes.has(grantType as GrantType)) return undefined;
    return this.users.findOfGeneration(userId, userGeneration);
  }

  private isCurrent(family: TokenFamilyEntity, token: string): boolean {
    return family.currentDigest === digestOf(token);
  }

  private mayBeRepeated(family: TokenFamilyEntity, token: string): boolean {
    if (family.previousDigest !== digestOf(token)) return false;
    const retryUntil = family.retryUntil ?? 0;
    // While the database was away nobody could try again: that time does not count.
    return retryUntil > this.clock.nowMs() || this.uncertain.covers(family.currentDigest) || this.feed.excuses(retryUntil, this.config.refreshRetryWindowSeconds * 1000);
  }

  private hasEnded({ expiresAt, idleExpiresAt }: TokenFamilyEntity): boolean {
    return Math.min(expiresAt, idleExpiresAt) <= this.clock.nowMs();
  }
}
