import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { digestOf } from '../common/crypto/opaque-value.js';
import { randomId } from '../common/crypto/random-id.js';
import { invalidGrant } from '../common/oauth/oauth-error.js';
import { Clock } from '../common/time/clock.js';
import { Transactions } from '../database/transactions.js';
import { RefreshRetryWindow } from './refresh-retry-window.js';
import { type OpenedToken, RefreshTokenCodec } from './refresh-token-codec.js';
import type { GrantedToFamily } from './sealed-family.js';
import { type PreparedTokens, TokenIssuance } from './token-issuance.js';
import { type Rotation, TokenFamiliesRepository } from './token-families.repository.js';
import { familyTimes } from './token-family-times.js';
import type { TokenFamilyEntity } from './token-family.entity.js';

/** A refresh token, and the client that uses it. */
export interface PresentedToken {
  readonly token: string;
  readonly opened: OpenedToken;
  readonly client: Client;
}

/** Puts the successor of a refresh token in its place, and into the response that is ready. */
@Injectable()
export class RefreshTokenRotation {
  constructor(
    private readonly families: TokenFamiliesRepository,
    private readonly codec: RefreshTokenCodec,
    private readonly issuance: TokenIssuance,
    private readonly transactions: Transactions,
    private readonly window: RefreshRetryWindow,
    private readonly clock: Clock,
  ) {}

  /** Retires the token. Returns whether it was the valid one of its family; nothing is issued if not. */
  async rotate(presented: PresentedToken, family: GrantedToFamily, tokens: PreparedTokens): Promise<boolean> {
    const { familyId, expiresAt } = family;
    const nowMs = this.clock.nowMs();
    const successorSalt = this.codec.saltFor(randomId(), nowMs);
    const refreshToken = this.codec.successor(presented.opened, presented.token, successorSalt);
    const currentDigest = digestOf(refreshToken);
    const retryUntil = this.window.endOf(nowMs);
    const next = { currentDigest, successorSalt, retryUntil, ...familyTimes(presented.client, nowMs, expiresAt) };
    try {
      if (!(await this.commit(familyId, presented, next, nowMs, tokens))) return false;
    } catch (error) {
      this.window.noteFailure(error, familyId, currentDigest);
      throw error;
    }
    tokens.response.refresh_token = refreshToken;
    return true;
  }

  /** Checks whether the token is the one that was used last, and may be sent again. */
  mayRepeat(family: TokenFamilyEntity, token: string): boolean {
    return family.previousDigest === digestOf(token) && this.window.isOpen(family);
  }

  /** Issues the successor that the token was given when it was used. */
  async repeat({ token, opened }: PresentedToken, family: TokenFamilyEntity, tokens: PreparedTokens): Promise<void> {
    const refreshToken = this.codec.successor(opened, token, family.successorSalt!);
    // A change of the key under which successors are made makes another one.
    if (digestOf(refreshToken) !== family.currentDigest) {
      throw invalidGrant('The refresh token is not valid.', 'its successor cannot be made again');
    }
    await this.issuance.store(tokens);
    tokens.response.refresh_token = refreshToken;
  }

  /** One statement for a JWT, which stands on nothing but the rotation. */
  private commit(
    familyId: string,
    { token, client }: PresentedToken,
    next: Rotation,
    nowMs: number,
    tokens: PreparedTokens,
  ): Promise<boolean> {
    const digest = digestOf(token);
    if (!tokens.row) return this.families.rotate(familyId, digest, client, next, nowMs);
    return this.transactions.run(async (manager) => {
      if (!(await this.families.rotate(familyId, digest, client, next, nowMs, manager))) return false;
      await this.issuance.store(tokens, manager);
      return true;
    });
  }
}
