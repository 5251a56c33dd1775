import { Injectable } from '@nestjs/common';
import type { Actor } from '../../audit/audit-log.js';
import type { Client } from '../../clients/client.js';
import type { FormParams } from '../../common/oauth/form-params.js';
import { invalidGrant, invalidRequest, OAuthError } from '../../common/oauth/oauth-error.js';
import { Clock } from '../../common/time/clock.js';
import { NewTokenFamilies } from '../../tokens/new-token-families.js';
import { TargetResolver } from '../../tokens/target-resolver.js';
import { type PreparedTokens, TokenIssuance } from '../../tokens/token-issuance.js';
import type { User } from '../../users/user.js';
import { UserAuthentication } from '../../users/user-authentication.js';
import type { CommittedTokens, GrantHandler } from '../grant-handler.js';
import { parseRequestedScope, scopeFor } from '../requested-scope.js';
import { isUsableForUsers, UserScope } from '../user-scope.js';

interface PasswordRequest {
  readonly username: string;
  readonly password: string;
  readonly scope: readonly string[] | undefined;
  readonly resource: readonly string[] | undefined;
}

/** The month in which RFC 9700 was published, as RFC 9745 §2.1 writes a date: since then this grant MUST NOT be used (RFC 9700 §2.4). */
const DEPRECATION = `@${Date.UTC(2025, 0, 1) / 1000}`;
const DEPRECATION_LINK = '<https://www.rfc-editor.org/rfc/rfc9700#section-2.4>; rel="deprecation"; type="text/html"';

/**
 * Resource owner password credentials, RFC 6749 §4.3, for applications of one's own that cannot redirect yet: off unless an admin opted the client in, announced as
 * deprecated in every answer, and over at the client's sunset date.
 */
@Injectable()
export class PasswordGrant implements GrantHandler<PasswordRequest> {
  readonly grantType = 'password';
  readonly confidentialOnly = false;

  constructor(
    private readonly authentication: UserAuthentication,
    private readonly userScope: UserScope,
    private readonly targets: TargetResolver,
    private readonly families: NewTokenFamilies,
    private readonly issuance: TokenIssuance,
    private readonly clock: Clock,
  ) {}

  /** RFC 9745 `Deprecation`, and RFC 8594 `Sunset` where the client has a date. */
  headers({ passwordGrantSunsetMs }: Client): Readonly<Record<string, string>> {
    return { Deprecation: DEPRECATION, Link: DEPRECATION_LINK, ...(passwordGrantSunsetMs === null ? {} : { Sunset: new Date(passwordGrantSunsetMs).toUTCString() }) };
  }

  parse({ username, password, scope, resource }: FormParams): PasswordRequest {
    if (username === undefined) throw invalidRequest('The parameter username is missing.');
    if (password === undefined) throw invalidRequest('The parameter password is missing.');
    return { username, password, scope: parseRequestedScope(scope), resource };
  }

  async authorize(client: Client, request: PasswordRequest, actor: Actor): Promise<CommittedTokens> {
    if (client.passwordGrantSunsetMs !== null && client.passwordGrantSunsetMs <= this.clock.nowMs()) {
      throw new OAuthError('unauthorized_client', 'This client may not use the password grant any more.');
    }
    const { username, password } = request;
    const requested = scopeFor(client, request.scope, isUsableForUsers);
    const tokens = await this.authentication.byPassword(username, password, actor, async (user, manager) => {
      const prepared = await this.prepare(client, user, requested, request);
      await this.issuance.store(prepared, manager);
      return prepared;
    });
    if (!tokens) throw invalidGrant('The username or the password is not right.', 'not signed in');
    return tokens;
  }

  private prepare(
    client: Client,
    user: User,
    requested: readonly string[],
    { scope, resource }: PasswordRequest,
  ): PreparedTokens | Promise<PreparedTokens> {
    const allowed = this.userScope.allowed(client, user, requested);
    const target = this.targets.resolve(client, allowed, scope !== undefined, resource);
    const access = { client, user, ...target };
    if (!client.grantTypes.has('refresh_token')) return this.issuance.prepare(access);
    const { granted, row } = this.families.prepare(client, user, this.grantType, target);
    return this.issuance.prepare({ ...access, family: granted }, row);
  }
}
