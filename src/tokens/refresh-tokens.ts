import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../audit/audit-log.js';
import type { Client } from '../clients/client.js';
import type { GrantType } from '../clients/client-metadata.js';
import { digestOf } from '../common/crypto/opaque-value.js';
import { randomId } from '../common/crypto/random-id.js';
import { invalidGrant, OAuthError } from '../common/oauth/oauth-error.js';
import { formatScope } from '../common/oauth/scope.js';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { ChangeFeed } from '../database/change-feed.js';
import type { User } from '../users/user.js';
import { UserDirectory } from '../users/user-directory.js';
import type { GrantedFamily } from './granted-access.js';
import type { OpenIdGrant } from './openid-grant.js';
import { type OpenedToken, RefreshTokenCodec } from './refresh-token-codec.js';
import { type GrantedToFamily, sealable, unsealed } from './sealed-family.js';
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

/** A use of a refresh token: whose it is, what it was used for, and its successor. */
export interface Use<T> {
  family: GrantedToFamily;
  user: User;
  decision: T;
  granted: GrantedFamily;
}

/** What a token is used for, by what was granted; @throws {OAuthError} when that is refused */
type Decide<T> = (family: GrantedToFamily, user: User) => T;

/** Who uses a token. */
interface Bearer {
  token: string;
  opened: OpenedToken;
  client: Client;
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
    // Without a refresh token the family is what its access tokens are revoked by, and is over with them.
    const expiresAt = nowMs + (refreshable ? client.refreshTokenLifetimeSeconds * 1000 : 0);
    const granted = { familyId, userId: user.userId, userGeneration: user.tokenGeneration, grantType, scope: formatScope(scope), audience: [...audience], expiresAt, openid };
    const refreshToken = this.codec.first({ familyId, content: sealable(granted) });
    const family = {
      ...granted,
      clientId: client.clientId,
      clientGeneration: client.tokenGeneration,
      currentDigest: digestOf(refreshToken),
      previousDigest: null,
      successorSalt: null,
      retryUntil: null,
      issuedAt: nowMs,
      sessionId,
      revokedAt: null,
      ...this.ends(client, expiresAt, sessionId === null ? 0 : nowMs + this.config.sessionLifetimeSeconds * 1000),
    };
    await this.families.insert(family, manager);
    return { familyId, ...(refreshable ? { refreshToken } : {}) };
  }

  /**
   * Uses a token that its client may use now: retires it, and answers its successor once that is committed. One that was used before the last use is reuse, and ends the family.
   * @param decide is asked before the token is used up, and may be asked again
   * @throws {OAuthError} `invalid_grant`, or what `decide` throws
   */
  async use<T>(token: string, client: Client, actor: Actor, decide: Decide<T>): Promise<Use<T>> {
    const opened = this.codec.open(token);
    if (!opened) throw refused('unknown');
    const bearer = { token, opened, client };
    return (await this.useUnseen(bearer, decide)) ?? this.useSeen(bearer, actor, decide);
  }

  /**
   * The usual case, in one statement: what was granted is in the token itself, and whether the token is good is decided by the rotation. `undefined` for whatever is not the
   * usual case, be it the token or what it is to be used for; nothing has happened then.
   */
  private async useUnseen<T>(bearer: Bearer, decide: Decide<T>): Promise<Use<T> | undefined> {
    const { familyId, content } = bearer.opened;
    const family = unsealed(familyId, content);
    const user = family && (await this.userOf(family, bearer.client));
    if (!user) return undefined;
    let decision: T;
    try {
      decision = decide(family, user);
    } catch (error) {
      // Nobody is told who has not shown a good token.
      if (error instanceof OAuthError) return undefined;
      throw error;
    }
    const refreshToken = await this.rotate(bearer, family);
    return refreshToken === undefined ? undefined : { family, user, decision, granted: { familyId, refreshToken } };
  }

  /** Looks first, and says what is wrong. */
  private async useSeen<T>(bearer: Bearer, actor: Actor, decide: Decide<T>): Promise<Use<T>> {
    const { token, opened, client } = bearer;
    const { familyId } = opened;
    for (let looks = 1; looks <= MAX_LOOKS; looks++) {
      const { family, user } = await this.present(token, familyId, client, actor);
      const decision = decide(family, user);
      // A token that holds nothing is followed by one that does, if it may: the same one each time, since nothing of that changes.
      const holding = opened.content.length > 0 ? bearer : { ...bearer, opened: { familyId, content: sealable(family) } };
      const refreshToken = this.isCurrent(family, token) ? await this.rotate(holding, family) : this.again(holding, family);
      if (refreshToken !== undefined) return { family, user, decision, granted: { familyId, refreshToken } };
    }
    throw new TemporarilyUnavailableError('the family changed with every look');
  }

  private async present(token: string, familyId: string, client: Client, actor: Actor): Promise<{ family: TokenFamilyEntity; user: User }> {
    const family = await this.families.find(familyId);
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

  /** The family of a token that this server made, in whichever state; `null` for anything else. */
  async find(token: string): Promise<TokenFamilyEntity | null> {
    const opened = this.codec.open(token);
    return opened === undefined ? null : this.families.find(opened.familyId);
  }

  /** The family of a token of this client that is the one good token of its family now, and whose user and grant are still good; `undefined` for any other. */
  async inspect(token: string, client: Client): Promise<TokenFamilyEntity | undefined> {
    const family = await this.find(token);
    if (!family || !this.isOf(family, client) || family.revokedAt !== null || !this.isCurrent(family, token) || this.hasEnded(family)) return undefined;
    return (await this.userOf(family, client)) ? family : undefined;
  }

  /** Answers the successor, or `undefined` when the token is not good, or not any more. */
  private async rotate({ token, opened, client }: Bearer, { familyId, expiresAt }: GrantedToFamily): Promise<string | undefined> {
    const successorSalt = randomId();
    const refreshToken = this.codec.successor(opened, token, successorSalt);
    const currentDigest = digestOf(refreshToken);
    const nowMs = this.clock.nowMs();
    const windowMs = this.config.refreshRetryWindowSeconds * 1000;
    const rotation = { currentDigest, successorSalt, retryUntil: nowMs + windowMs, ...this.ends(client, expiresAt) };
    try {
      return (await this.families.rotate(familyId, digestOf(token), client, rotation, nowMs)) ? refreshToken : undefined;
    } catch (error) {
      if (error instanceof TemporarilyUnavailableError && windowMs > 0) this.uncertain.note(familyId, currentDigest);
      throw error;
    }
  }

  /** The successor that the token was given when it was used. */
  private again({ token, opened }: Bearer, { successorSalt, currentDigest }: TokenFamilyEntity): string {
    const refreshToken = this.codec.successor(opened, token, successorSalt!);
    // Not so after a change of the key under which successors are made.
    if (digestOf(refreshToken) !== currentDigest) throw refused('its successor cannot be made again');
    return refreshToken;
  }

  /**
   * A use moves the idle end, never beyond the absolute one.
   * @param neededUntil when the session is over: until then the row tells to which clients the user signed in
   */
  private ends(client: Client, expiresAt: number, neededUntil = 0) {
    const nowMs = this.clock.nowMs();
    const idleExpiresAt = Math.min(nowMs + client.refreshTokenIdleLifetimeSeconds * 1000, expiresAt);
    // The longest that any audience gives this client; and a repeated use gives another access token, which ends later by as much.
    const accessExpiresAt = nowMs + (client.accessTokenLifetimeSeconds + this.config.refreshRetryWindowSeconds) * 1000;
    // In whole days, so that its index is not written with every use.
    return { idleExpiresAt, accessExpiresAt, purgeAfter: Math.ceil(Math.max(idleExpiresAt, accessExpiresAt, neededUntil) / DAY_MS) * DAY_MS };
  }

  private isOf({ clientId, clientGeneration }: TokenFamilyEntity, client: Client): boolean {
    return clientId === client.clientId && clientGeneration === client.tokenGeneration;
  }

  /** The user, while she is there, enabled, not signed out since, and the client may still use the grants that this came and comes by. */
  private async userOf({ userId, userGeneration, grantType }: GrantedToFamily, client: Client): Promise<User | undefined> {
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
