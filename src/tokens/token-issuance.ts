import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AccessTokenIssuer, type PreparedAccessToken } from './access-token-issuer.js';
import { AccessTokensRepository } from './access-tokens.repository.js';
import type { GrantedAccess, IssuedTokens } from './granted-access.js';
import { IdTokenIssuer } from './id-token-issuer.js';
import { type NewTokenFamily, TokenFamiliesRepository } from './token-families.repository.js';

/** Tokens that may leave once everything they stand on is committed, {@link TokenIssuance.store} included. */
export interface PreparedTokens extends IssuedTokens, PreparedAccessToken {
  /** Of the family that begins with them, if one does. */
  readonly familyRow?: NewTokenFamily;
}

/**
 * Issues the tokens of grants that use something up: a code, a refresh token, a password attempt. Everything that can
 * fail is made first, then one commit uses it up, then the tokens leave. An error costs the client nothing that way,
 * and no token is known to anybody before the database has decided.
 */
@Injectable()
export class TokenIssuance {
  constructor(
    private readonly accessTokens: AccessTokenIssuer,
    private readonly idTokens: IdTokenIssuer,
    private readonly tokenRows: AccessTokensRepository,
    private readonly families: TokenFamiliesRepository,
  ) {}

  /**
   * Makes the access token, and the ID token where one is due. Stores nothing.
   * @throws {OAuthError} `invalid_scope` for an access token that would be too long
   * @throws {TemporarilyUnavailableError} without a key to sign with
   */
  prepare(access: GrantedAccess, familyRow?: NewTokenFamily): PreparedTokens | Promise<PreparedTokens> {
    const tokens = { access, ...this.accessTokens.prepare(access), ...(familyRow ? { familyRow } : {}) };
    return access.openid === undefined ? tokens : this.addIdToken(tokens, access);
  }

  /** Writes what tokens stand on, in the transaction that uses up what they are issued for. */
  async store({ row, familyRow }: Pick<PreparedTokens, 'row' | 'familyRow'>, manager?: EntityManager): Promise<void> {
    if (familyRow) await this.families.insert(familyRow, manager);
    if (row) await this.tokenRows.insert(row, manager);
  }

  private async addIdToken(tokens: PreparedTokens, { client, user, openid }: GrantedAccess): Promise<PreparedTokens> {
    const { response } = tokens;
    const contents = { client, userId: user!.userId, openid: openid!, accessToken: response.access_token };
    response.id_token = await this.idTokens.issue(contents);
    return tokens;
  }
}
