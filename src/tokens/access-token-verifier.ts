import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { ClientDirectory } from '../clients/client-directory.js';
import { digestOf, OPAQUE_PREFIX } from '../common/crypto/opaque-value.js';
import { parseScope } from '../common/oauth/scope.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import type { User } from '../users/user.js';
import { UserDirectory } from '../users/user-directory.js';
import { AccessTokenJwt, MAX_ACCESS_TOKEN_LENGTH } from './access-token-jwt.js';
import { AccessTokensRepository } from './access-tokens.repository.js';
import { AllowedAudience } from './allowed-audience.js';
import { AllowedScope } from './allowed-scope.js';
import { RevokedTokens } from './revoked-tokens.js';
import { Subjects } from './subject.js';
import { type TokenTies, tiesOf } from './token-id.js';
import { VerifiedSignatures } from './verified-signatures.js';

/** What an access token of ours says, in whichever form. */
export interface AccessToken {
  readonly clientId: string;
  /** The `sub`: the client's id, or the user as the client knows her. */
  readonly subject: string;
  /** The user that a verified token speaks of; `undefined` in a client's. */
  readonly userId?: string;
  /** In a verified token without what client and user may no longer have. */
  readonly scope: readonly string[];
  readonly audience: readonly string[];
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  /** The id of a JWT, the digest of an opaque token. */
  readonly id: string;
  readonly format: 'jwt' | 'opaque';
  /** The roles that the user has now; `undefined` in a client's token. */
  readonly roles?: readonly string[];
  readonly ties: TokenTies;
  readonly revoked: boolean;
}

/** A token that was issued later than this from now was not issued by our clock, the database's (ADR 0043). */
const LEEWAY_SECONDS = 30;

type Awaitable<T> = T | Promise<T>;

/** Goes on at once with what is in memory: a promise for each step would cost more than the step. */
const andThen = <T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> => (value instanceof Promise ? value.then(next) : next(value));

@Injectable()
export class AccessTokenVerifier {
  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly jwt: AccessTokenJwt,
    private readonly tokens: AccessTokensRepository,
    private readonly revoked: RevokedTokens,
    private readonly clients: ClientDirectory,
    private readonly users: UserDirectory,
    private readonly subjects: Subjects,
    private readonly verified: VerifiedSignatures,
    private readonly allowed: AllowedScope,
    private readonly audiences: AllowedAudience,
  ) {}

  /**
   * Returns the token if it may be used now: it is ours, not expired and not revoked, and its client, its user and its
   * family still exist, are enabled, and have not revoked all their tokens since. Its scope, its audience and its roles
   * are those of now. Returns a promise only when the database has to be asked.
   * @throws {TemporarilyUnavailableError} when that cannot be known
   */
  verify(token: string): Awaitable<AccessToken | undefined> {
    return andThen(this.read(token), (read) => (read && !read.revoked ? andThen(this.clients.find(read.clientId), (client) => this.ofClient(read, client)) : undefined));
  }

  /** The token if we issued it and it has not expired, in whichever state. A promise only when the database has to be asked. */
  read(token: string): Awaitable<AccessToken | undefined> {
    if (token.length > MAX_ACCESS_TOKEN_LENGTH) return undefined;
    return token.startsWith(OPAQUE_PREFIX.accessToken) ? this.readOpaque(token) : this.readJwt(token);
  }

  private ofClient(issued: AccessToken, client: Client | null): Awaitable<AccessToken | undefined> {
    if (!client?.enabled || client.tokenGeneration !== issued.ties.clientGeneration) return undefined;
    const audience = this.audiences.of(client, issued.audience);
    if (audience.length === 0) return undefined;
    const read = audience === issued.audience ? issued : { ...issued, audience };
    if (read.ties.userGeneration === undefined) {
      const scope = this.allowed.of(client, undefined, read.scope);
      return scope === read.scope ? read : { ...read, scope };
    }
    const userId = this.subjects.userIdOf(client, read.subject);
    return userId === undefined ? undefined : andThen(this.users.find(userId), (user) => this.ofUser(read, client, user));
  }

  private ofUser(read: AccessToken, client: Client, user: User | null): AccessToken | undefined {
    if (!user?.enabled || this.subjects.generationOf(client, user) !== read.ties.userGeneration) return undefined;
    return { ...read, scope: this.allowed.of(client, user, read.scope), userId: user.userId, roles: user.roles };
  }

  private readJwt(token: string): AccessToken | undefined {
    const read = this.verified.read(token, this.verifyJwt);
    if (!read || !this.isCurrent(read.issuedAt, read.expiresAt)) return undefined;
    return this.revoked.has(read.id) || this.familyRevoked(read.ties) ? { ...read, revoked: true } : read;
  }

  /** Without a look at what may yet change: what comes of it is kept, and belongs to all who ask. */
  private readonly verifyJwt = (token: string): AccessToken | undefined => {
    const claims = this.jwt.verify(token);
    if (!claims || claims.iss !== this.config.issuer || !this.isCurrent(claims.iat, claims.exp)) return undefined;
    return Object.freeze({
      clientId: claims.client_id,
      subject: claims.sub,
      scope: scopeOf(claims.scope ?? ''),
      audience: typeof claims.aud === 'string' ? [claims.aud] : claims.aud,
      issuedAt: claims.iat,
      expiresAt: claims.exp,
      id: claims.jti,
      format: 'jwt',
      ties: tiesOf(claims.jti),
      revoked: false,
    });
  };

  private async readOpaque(token: string): Promise<AccessToken | undefined> {
    const row = await this.tokens.find(digestOf(token));
    if (!row || !this.isCurrent(row.issuedAt / 1000, row.expiresAt / 1000)) return undefined;
    const ties: TokenTies = {
      clientGeneration: row.clientGeneration,
      ...(row.userGeneration === null ? {} : { userGeneration: row.userGeneration }),
      ...(row.familyId === null ? {} : { familyId: row.familyId }),
    };
    return {
      clientId: row.clientId,
      subject: row.subject,
      scope: scopeOf(row.scope),
      audience: row.audience,
      issuedAt: row.issuedAt / 1000,
      expiresAt: row.expiresAt / 1000,
      id: row.digest,
      format: 'opaque',
      ties,
      revoked: row.revokedAt !== null || this.familyRevoked(ties),
    };
  }

  /** @param issuedAt seconds since the epoch @param expiresAt seconds since the epoch */
  private isCurrent(issuedAt: number, expiresAt: number): boolean {
    const now = this.clock.nowMs() / 1000;
    return now < expiresAt && issuedAt <= now + LEEWAY_SECONDS;
  }

  private familyRevoked({ familyId }: TokenTies): boolean {
    return familyId !== undefined && this.revoked.has(familyId);
  }
}

/** Our own tokens hold what {@link parseScope} accepted once. */
const scopeOf = (text: string): readonly string[] => parseScope(text) ?? [];
