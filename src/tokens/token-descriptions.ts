import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { isRefreshToken } from '../common/crypto/opaque-value.js';
import { formatScope, parseScope } from '../common/oauth/scope.js';
import { Config } from '../config/config.js';
import { ResourceDirectory } from '../resources/resource-directory.js';
import { type AccessToken, AccessTokenVerifier } from './access-token-verifier.js';
import { AllowedScope } from './allowed-scope.js';
import { RefreshTokens } from './refresh-tokens.js';
import { Subjects } from './subject.js';

export type TokenDescription = Record<string, unknown>;

/** Describes active tokens by RFC 7662 §2.2, to the clients that may know of them. */
@Injectable()
export class TokenDescriptions {
  constructor(
    private readonly config: Config,
    private readonly verifier: AccessTokenVerifier,
    private readonly refreshTokens: RefreshTokens,
    private readonly allowedScope: AllowedScope,
    private readonly resources: ResourceDirectory,
    private readonly subjects: Subjects,
  ) {}

  /**
   * Returns `undefined` for a token that is not active, or that the client may not know of. Returns a promise only when
   * the database has to be asked.
   */
  describe(
    value: string,
    client: Client,
  ): TokenDescription | undefined | Promise<TokenDescription | undefined> {
    if (isRefreshToken(value)) return this.describeRefreshToken(value, client);
    const token = this.verifier.verify(value);
    if (token instanceof Promise) return token.then((verified) => this.describeIfKnown(verified, client));
    return this.describeIfKnown(token, client);
  }

  private describeIfKnown(token: AccessToken | undefined, client: Client): TokenDescription | undefined {
    return token && this.mayKnow(client, token) ? this.describeAccessToken(token) : undefined;
  }

  /** Only for the client that it was issued to. It has no `token_type`: it is of no use at a resource. */
  private async describeRefreshToken(value: string, client: Client): Promise<TokenDescription | undefined> {
    const inspected = await this.refreshTokens.inspect(value, client);
    if (!inspected) return undefined;
    const { family, user } = inspected;
    return {
      active: true,
      client_id: family.clientId,
      sub: this.subjects.of(client, family.userId),
      ...scopeMember(this.allowedScope.of(client, user, parseScope(family.scope) ?? [])),
      iss: this.config.issuer,
      exp: Math.floor(Math.min(family.expiresAt, family.idleExpiresAt) / 1000),
    };
  }

  /** Its own tokens, and those for a resource that it serves; any other token is inactive to it (RFC 7662 §4). */
  private mayKnow(client: Client, { clientId, audience }: AccessToken): boolean {
    if (clientId === client.clientId) return true;
    return audience.some((identifier) => this.resources.find(identifier)?.resourceServers.has(client.clientId) ?? false);
  }

  private describeAccessToken(token: AccessToken): TokenDescription {
    return {
      active: true,
      client_id: token.clientId,
      sub: token.subject,
      ...scopeMember(token.scope),
      token_type: 'Bearer',
      iss: this.config.issuer,
      aud: token.audience.length === 1 ? token.audience[0] : token.audience,
      iat: token.issuedAt,
      exp: token.expiresAt,
      ...(token.format === 'jwt' ? { jti: token.id } : {}),
      ...(token.roles ? { roles: token.roles } : {}),
    };
  }
}

const scopeMember = (scope: readonly string[]) => (scope.length === 0 ? {} : { scope: formatScope(scope) });
