import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Actor, AuditLog } from '../audit/audit-log.js';
import type { ResponseType } from '../clients/client-metadata.js';
import { authorizationGranted } from '../grants/authorization-granted.js';
import { TokenMetrics } from '../grants/token-metrics.js';
import { GrantUsage } from '../grants/usage/grant-usage.js';
import type { GrantedAccess, TokenResponse } from '../tokens/granted-access.js';
import { IdTokenIssuer } from '../tokens/id-token-issuer.js';
import { NewTokenFamilies } from '../tokens/new-token-families.js';
import { TokenIssuance } from '../tokens/token-issuance.js';
import type { User } from '../users/user.js';

/** What a user granted to a client that gets its tokens from the authorization endpoint. */
export type ImplicitAccess = GrantedAccess & { readonly user: User };

/** Parameters of an answer that may leave once it is stored. */
export interface PreparedParams {
  readonly params: Readonly<Record<string, string>>;
  store(manager: EntityManager): Promise<void>;
  /** Counts and audits what was committed. */
  note(): void;
}

/** Issues tokens at the authorization endpoint: RFC 6749 §4.2.2, OIDC Core §3.2.2.5. */
@Injectable()
export class ImplicitTokens {
  constructor(
    private readonly families: NewTokenFamilies,
    private readonly issuance: TokenIssuance,
    private readonly idTokens: IdTokenIssuer,
    private readonly usage: GrantUsage,
    private readonly metrics: TokenMetrics,
    private readonly audit: AuditLog,
  ) {}

  async prepare(
    responseType: ResponseType,
    granted: ImplicitAccess,
    sessionId: string,
    actor: Actor,
  ): Promise<PreparedParams> {
    const { openid, ...withoutOpenid } = granted;
    const { client, user } = granted;
    const beginning = { sessionId, refreshable: false, ...(openid ? { openid } : {}) };
    const { granted: family, row: familyRow } = this.families.prepare(client, user, 'implicit', granted, beginning);
    // With the `openid` that was granted, an ID token comes with the access token.
    const access: ImplicitAccess = { ...(responseType === 'token' ? withoutOpenid : granted), family };
    const note = () => this.note(access, responseType, actor);
    if (responseType === 'id_token') {
      const idToken = await this.idTokens.issue({ client, userId: user.userId, openid: openid!, scope: granted.scope });
      return { params: { id_token: idToken }, store: (manager) => this.issuance.store({ familyRow }, manager), note };
    }
    const tokens = await this.issuance.prepare(access, familyRow);
    return { params: toParams(tokens.response), store: (manager) => this.issuance.store(tokens, manager), note };
  }

  private note(access: ImplicitAccess, responseType: ResponseType, actor: Actor): void {
    this.usage.note('implicit', access);
    if (responseType !== 'id_token') this.metrics.tokenIssued('implicit', access);
    this.audit.note(authorizationGranted('implicit', access, access.user, actor));
  }
}

function toParams({ access_token, token_type, expires_in, scope, id_token }: TokenResponse): Record<string, string> {
  return {
    access_token,
    token_type,
    expires_in: String(expires_in),
    ...(scope === undefined ? {} : { scope }),
    ...(id_token === undefined ? {} : { id_token }),
  };
}
