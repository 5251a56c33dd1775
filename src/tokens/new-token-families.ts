import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import type { GrantType } from '../clients/client-metadata.js';
import { digestOf } from '../common/crypto/opaque-value.js';
import { randomId } from '../common/crypto/random-id.js';
import { formatScope } from '../common/oauth/scope.js';
import { Clock } from '../common/time/clock.js';
import type { User } from '../users/user.js';
import type { GrantedFamily } from './granted-access.js';
import type { OpenIdGrant } from './openid-grant.js';
import { RefreshTokenCodec } from './refresh-token-codec.js';
import { type GrantedToFamily, sealable } from './sealed-family.js';
import type { Target } from './target-resolver.js';
import type { NewTokenFamily } from './token-families.repository.js';
import { familyTimes, timesWithoutRefresh } from './token-family-times.js';

/** What is known of a family from the authorization endpoint. */
export interface FamilyBeginning {
  familyId?: string;
  sessionId?: string;
  openid?: OpenIdGrant;
  /** Whether a refresh token is given; it is unless said otherwise. */
  refreshable?: boolean;
  /** A secret of the client from which the first refresh token can be made again; random without one. */
  code?: string;
}

/** A family that begins once its row is stored. */
export interface PreparedFamily {
  readonly granted: GrantedFamily;
  readonly row: NewTokenFamily;
}

/** Makes families for what users grant to clients. */
@Injectable()
export class NewTokenFamilies {
  constructor(
    private readonly codec: RefreshTokenCodec,
    private readonly clock: Clock,
  ) {}

  /** Makes a family and its first refresh token, and writes nothing. */
  prepare(
    client: Client,
    user: User,
    grantType: GrantType,
    target: Pick<Target, 'scope' | 'audience'>,
    beginning: FamilyBeginning = {},
  ): PreparedFamily {
    const { familyId = randomId(), sessionId = null, openid = null, refreshable = true, code } = beginning;
    const nowMs = this.clock.nowMs();
    // Without a refresh token the family is what its access tokens are revoked by, and is over with them.
    const expiresAt = nowMs + (refreshable ? client.refreshTokenLifetimeSeconds * 1000 : 0);
    const granted = {
      familyId,
      userId: user.userId,
      userGeneration: user.tokenGeneration,
      grantType,
      scope: formatScope(target.scope),
      audience: [...target.audience],
      expiresAt,
      openid,
    };
    const random = () => this.codec.first({ familyId, content: sealable(granted) });
    const refreshToken = code === undefined ? random() : this.firstOf(code, { ...granted, issuedAt: nowMs });
    const row = {
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
      ...(refreshable ? familyTimes(client, nowMs, expiresAt) : timesWithoutRefresh(client, nowMs)),
    };
    return { granted: { familyId, ...(refreshable ? { refreshToken } : {}) }, row };
  }

  /** Returns the first refresh token of a family that began with a code: the same each time. */
  firstOf(code: string, family: GrantedToFamily & { readonly issuedAt: number }): string {
    const { familyId, issuedAt } = family;
    const salt = this.codec.saltFor(familyId, issuedAt);
    return this.codec.successor({ familyId, content: sealable(family) }, code, salt);
  }
}
