import { Injectable } from '@nestjs/common';
import type { Actor } from '../audit/audit-log.js';
import type { Client } from '../clients/client.js';
import type { GrantType } from '../clients/client-metadata.js';
import { digestOf } from '../common/crypto/opaque-value.js';
import { invalidGrant, OAuthError } from '../common/oauth/oauth-error.js';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { Clock } from '../common/time/clock.js';
import type { User } from '../users/user.js';
import { UserDirectory } from '../users/user-directory.js';
import { RefreshTokenCodec } from './refresh-token-codec.js';
import { type PresentedToken, RefreshTokenRotation } from './refresh-token-rotation.js';
import { type GrantedToFamily, sealable, unsealed } from './sealed-family.js';
import { TokenFamiliesRepository } from './token-families.repository.js';
import type { TokenFamilyEntity } from './token-family.entity.js';
import { TokenFamilyRevocation } from './token-family-revocation.js';
import type { PreparedTokens } from './token-issuance.js';

/** A caller that lost a race reads the family again to learn why, and gives up after three reads. */
const MAX_LOOKS = 3;

const refused = (detail: string) => invalidGrant('The refresh token is not valid.', detail);

/**
 * Prepares the tokens that a refresh gives, by what was granted to the family.
 * @throws {OAuthError} when that allows less than what is asked for
 */
export type PrepareRefresh = (family: GrantedToFamily, user: User) => PreparedTokens | Promise<PreparedTokens>;

/**
 * Refresh tokens with rotation and reuse detection (RFC 6749 §6, RFC 9700 §4.14.2). Each use retires the token and
 * returns its successor. The token that was used last may be sent again by the same client for a while, and then gets
 * the same successor: an answer that was lost, or two requests at once, do not end the session, and there is never more
 * than one valid token. Any older one is reuse: the family is revoked.
 */
@Injectable()
export class RefreshTokens {
  constructor(
    private readonly families: TokenFamiliesRepository,
    private readonly codec: RefreshTokenCodec,
    private readonly rotation: RefreshTokenRotation,
    private readonly revocation: TokenFamilyRevocation,
    private readonly users: UserDirectory,
    private readonly clock: Clock,
  ) {}

  /**
   * Uses a token that its client may use now: retires it, and returns the prepared tokens with its successor once that
   * is committed. A token that was used before the last use is reuse, and ends the family.
   * @param prepare is called before the token is used up, and may be called again
   * @throws {OAuthError} `invalid_grant`, or what `prepare` throws
   */
  async use(token: string, client: Client, actor: Actor, prepare: PrepareRefresh): Promise<PreparedTokens> {
    const opened = this.codec.open(token);
    if (!opened) throw refused('unknown');
    const presented = { token, opened, client };
    return (await this.useUnseen(presented, prepare)) ?? this.useSeen(presented, actor, prepare);
  }

  /**
   * The usual case, in one statement: what was granted is in the token itself, and the rotation decides whether the
   * token is valid. Returns `undefined` for anything unusual in the token or in what is asked for; nothing has happened
   * then.
   */
  private async useUnseen(presented: PresentedToken, prepare: PrepareRefresh): Promise<PreparedTokens | undefined> {
    const { familyId, content } = presented.opened;
    const family = unsealed(familyId, content);
    const user = family && (await this.userOf(family, presented.client));
    if (!user) return undefined;
    let tokens: PreparedTokens;
    try {
      tokens = await prepare(family, user);
    } catch (error) {
      // Don't report errors of the request until the token has been proved valid.
      if (error instanceof OAuthError) return undefined;
      throw error;
    }
    return (await this.rotation.rotate(presented, family, tokens)) ? tokens : undefined;
  }

  /** Reads the family first, and says what is wrong. */
  private async useSeen(presented: PresentedToken, actor: Actor, prepare: PrepareRefresh): Promise<PreparedTokens> {
    const { token, opened } = presented;
    const { familyId } = opened;
    for (let looks = 1; looks <= MAX_LOOKS; looks++) {
      const found = await this.present(presented, actor);
      if (!found) continue;
      const { family, user } = found;
      const tokens = await prepare(family, user);
      // A token without content is followed by one with content, if it fits: the same each time, as none of it changes.
      const content = opened.content.length > 0 ? opened.content : sealable(family);
      const holding = { ...presented, opened: { familyId, content } };
      if (!this.isCurrent(family, token)) await this.rotation.repeat(holding, family, tokens);
      else if (!(await this.rotation.rotate(holding, family, tokens))) continue;
      return tokens;
    }
    throw new TemporarilyUnavailableError('the family changed with every look');
  }

  /** Returns `undefined` when the family has changed since it was read: then nothing can be said of the token yet. */
  private async present(
    { token, opened, client }: PresentedToken,
    actor: Actor,
  ): Promise<{ family: TokenFamilyEntity; user: User } | undefined> {
    const family = await this.families.find(opened.familyId);
    if (!family) throw refused('unknown');
    if (!this.isOf(family, client)) throw refused('issued to another client');
    if (family.revokedAt !== null) throw refused('revoked');
    if (!this.isCurrent(family, token) && !this.rotation.mayRepeat(family, token)) {
      if (!(await this.revocation.revokeUnchanged(family, 'refresh_token.reused', actor))) return undefined;
      throw refused('reused');
    }
    if (this.hasEnded(family)) throw refused('expired');
    const user = await this.userOf(family, client);
    if (!user) throw refused('what it was issued for has ended');
    return { family, user };
  }

  /** Returns the family of a token that this server made, in whichever state; `null` for anything else. */
  async find(token: string): Promise<TokenFamilyEntity | null> {
    const opened = this.codec.open(token);
    return opened === undefined ? null : this.families.find(opened.familyId);
  }

  /**
   * Returns the family and the user of a token that this client could use now: the current one of its family, whose user
   * and grant are still valid; `undefined` for any other.
   */
  async inspect(token: string, client: Client): Promise<{ family: TokenFamilyEntity; user: User } | undefined> {
    const family = await this.find(token);
    if (!family || !this.isOf(family, client) || family.revokedAt !== null) return undefined;
    if (!this.isCurrent(family, token) || this.hasEnded(family)) return undefined;
    const user = await this.userOf(family, client);
    return user && { family, user };
  }

  private isOf({ clientId, clientGeneration }: TokenFamilyEntity, client: Client): boolean {
    return clientId === client.clientId && clientGeneration === client.tokenGeneration;
  }

  /**
   * Returns the user if they exist, are enabled and have not signed out since, and the client may still use the grants
   * that this came and comes by.
   */
  private async userOf(
    { userId, userGeneration, grantType }: GrantedToFamily,
    client: Client,
  ): Promise<User | undefined> {
    if (!client.grantTypes.has('refresh_token') || !client.grantTypes.has(grantType as GrantType)) return undefined;
    return this.users.findOfGeneration(userId, userGeneration);
  }

  private isCurrent(family: TokenFamilyEntity, token: string): boolean {
    return family.currentDigest === digestOf(token);
  }

  private hasEnded({ expiresAt, idleExpiresAt }: TokenFamilyEntity): boolean {
    return Math.min(expiresAt, idleExpiresAt) <= this.clock.nowMs();
  }
}
