import { Injectable } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '../common/openapi/decorators.js';
import type { ClientEntity } from '../clients/client.entity.js';
import { parseScope } from '../common/oauth/scope.js';
import { Clock } from '../common/time/clock.js';
import { adminScopesIn } from '../resources/admin-api.js';
import { ADMIN_RIGHTS } from './client.response.js';
import { dayOf } from '../grants/usage/grant-usage.js';
import { GrantUsageRepository } from '../grants/usage/grant-usage.repository.js';

const DAY_MS = 86_400_000;

/** One thing that RFC 9700 would change. */
export class AdviceItem {
  @ApiProperty() client_id: string;
  @ApiProperty({ enum: ['password_grant', 'implicit_grant', 'pkce_not_required', 'admin_rights'] }) advice: string;
  @ApiProperty({ example: 'RFC 9700 section 2.4' }) section: string;
  @ApiProperty({ description: 'What to do' }) detail: string;
  @ApiPropertyOptional({ type: String, format: 'date-time', nullable: true, description: 'Of a grant: when it was last used, a few seconds late at most; `null`: never' }) last_used_at?: string | null;
  @ApiPropertyOptional({ type: 'integer', description: 'Of the password grant: how many users signed in by it in the last `days`' }) users?: number;
  @ApiPropertyOptional({ type: String, format: 'date-time', nullable: true, description: 'Of the password grant: when it ends for this client' }) password_grant_sunset?: string | null;
}

type Finding = Pick<AdviceItem, 'advice' | 'section' | 'detail'>;

const PASSWORD_GRANT: Finding = {
  advice: 'password_grant',
  section: 'RFC 9700 section 2.4',
  detail: 'The password grant must not be used: the application sees the password, and no second factor or single sign-on is possible. Move to the authorization code grant with PKCE (section 2.1.1), set password_grant_sunset, and take password out of grant_types when nobody uses it any more.',
};
const IMPLICIT_GRANT: Finding = {
  advice: 'implicit_grant',
  section: 'RFC 9700 section 2.1.2',
  detail: 'The implicit grant should not be used: its tokens leak through the browser and cannot be bound to the client. Move to the authorization code grant with PKCE (section 2.1.1), and take implicit out of grant_types.',
};
const PKCE_NOT_REQUIRED: Finding = {
  advice: 'pkce_not_required',
  section: 'RFC 9700 section 2.1.1',
  detail: 'PKCE is recommended for confidential clients too: it keeps a stolen authorization code from being injected. Set require_pkce to true once the application sends a code_challenge.',
};

const adminRights = (rights: readonly string[]): Finding => ({
  advice: 'admin_rights',
  section: 'RFC 9700 section 2.3',
  detail: `${rights.join(', ')}: ${ADMIN_RIGHTS}. Take out of scope what the client does not need, and give the scopes of your own APIs other names.`,
});

/** What RFC 9700, the security best current practice of OAuth 2.0, would change in clients, and what their use so far says of it. */
@Injectable()
export class ClientAdvice {
  constructor(
    private readonly usage: GrantUsageRepository,
    private readonly clock: Clock,
  ) {}

  /** @param days over which users are counted. Items come in the order of the clients */
  async of(clients: readonly ClientEntity[], days: number): Promise<AdviceItem[]> {
    const ids = clients.filter(({ legacyGrants }) => legacyGrants !== null).map(({ clientId }) => clientId);
    const passwordUses = await this.usage.lastUses(ids, 'password');
    const implicitUses = await this.usage.lastUses(ids, 'implicit');
    const users = await this.usage.passwordGrantUsers(ids, this.clock.nowMs() - days * DAY_MS);
    return clients.flatMap(({ clientId, scope, grantTypes, requirePkce, passwordGrantSunset }) => [
      ...(grantTypes.includes('password')
        ? [{ client_id: clientId, ...PASSWORD_GRANT, last_used_at: asTime(passwordUses.get(clientId)), users: users.get(clientId) ?? 0, password_grant_sunset: asTime(passwordGrantSunset) }]
        : []),
      ...(grantTypes.includes('implicit') ? [{ client_id: clientId, ...IMPLICIT_GRANT, last_used_at: asTime(implicitUses.get(clientId)) }] : []),
      ...(grantTypes.includes('authorization_code') && !requirePkce ? [{ client_id: clientId, ...PKCE_NOT_REQUIRED }] : []),
      ...(adminScopesIn(scope).length > 0 ? [{ client_id: clientId, ...adminRights(adminScopesIn(scope)) }] : []),
    ]);
  }

  /** Those scopes of a client that no token of the last `days` held: candidates for less (RFC 9700 section 2.3). */
  async unusedScopes(client: ClientEntity, days: number): Promise<string[]> {
    const used = await this.usage.scopesSince(client.clientId, dayOf(this.clock.nowMs()) - days);
    return (parseScope(client.scope) ?? []).filter((scope) => !used.has(scope.slice(0, 255)));
  }
}

const asTime = (ms: number | null | undefined): string | null => (ms === null || ms === undefined ? null : new Date(ms).toISOString());
