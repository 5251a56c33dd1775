import { Delete, Get, HttpCode, Param, Req } from '@nestjs/common';
import { ApiOperation, ApiProperty } from '../common/openapi/decorators.js';
import type { Request } from 'express';
import { type AuthorizedClient, AuthorizedClients } from '../authorization/authorized-clients.js';
import { ConsentWithdrawal } from '../authorization/consent-withdrawal.js';
import { CLIENT_ID } from '../clients/client-metadata.js';
import { notFound } from '../common/http/problem.js';
import { formatScope } from '../common/oauth/scope.js';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { Bearer, RequiredScope } from '../tokens/bearer.guard.js';
import type { UserEntity } from '../users/user.entity.js';
import { USER_ID } from '../users/user-profile.js';
import { UsersRepository } from '../users/users.repository.js';
import { AdminController } from './admin-controller.decorator.js';
import { actorOf } from './admin-request.js';
import { ApiPage } from './page.decorator.js';
import { readQuery } from './query.js';

class UserConsentResponse {
  @ApiProperty({ example: 'billing-web' }) client_id: string;
  @ApiProperty({ example: 'Billing' }) client_name: string;
  @ApiProperty({ example: 'openid invoices:read', description: 'All that they have allowed it so far.' }) scope: string;
  @ApiProperty({ type: [String], example: ['https://api.example.com/invoices'], description: 'For which resources; the issuer stands for the endpoints of this server.' }) audience: string[];
  @ApiProperty({ format: 'date-time', description: 'When they consented last, or else since when it has had tokens.' }) granted_at: string;
  @ApiProperty({ description: 'Whether they are not asked again.' }) consented: boolean;
  @ApiProperty({ description: 'Whether it may hold valid tokens of theirs.' }) holds_tokens: boolean;
}

/** Which clients have access to a user's account. */
@AdminController('users/:user_id/consents', 'Users')
export class UserConsentsController {
  constructor(
    private readonly users: UsersRepository,
    private readonly authorized: AuthorizedClients,
    private readonly withdrawal: ConsentWithdrawal,
  ) {}

  @Get()
  @RequiredScope('users:read')
  @ApiOperation({
    summary: 'List the clients that have access to the account of a user, the latest first',
    description: 'Those with a consent that is remembered, and those that hold tokens without one: apps on devices, which ask each time, and clients with `skip_consent` or of the password grant, which never ask.',
  })
  @ApiPage(UserConsentResponse)
  async list(@Param('user_id') userId: string, @Req() req: Request): Promise<{ items: UserConsentResponse[]; next_cursor: null }> {
    readQuery(req, []);
    const user = await this.find(userId);
    return { items: (await this.authorized.list(user)).map(consentResponse), next_cursor: null };
  }

  @Delete(':client_id')
  @HttpCode(204)
  @RequiredScope('users:write')
  @ApiOperation({ summary: 'Take back what a user allows a client', description: 'With it go all tokens that the client holds for her, at once here, within a second on every other instance. She is asked again when the client comes back.' })
  async withdraw(@Param('user_id') userId: string, @Param('client_id') clientId: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    await this.find(userId);
    const withdrawn = CLIENT_ID.test(clientId) && (await this.withdrawal.withdraw(userId, clientId, actorOf(req, token)));
    if (!withdrawn) throw notFound('consent');
  }

  private async find(userId: string): Promise<UserEntity> {
    const user = USER_ID.test(userId) ? await this.users.find(userId) : null;
    if (!user) throw notFound('user');
    return user;
  }
}

function consentResponse({ client, scope, audience, sinceMs, consented, holdsTokens }: AuthorizedClient): UserConsentResponse {
  return {
    client_id: client.clientId,
    client_name: client.clientName,
    scope: formatScope(scope),
    audience: [...audience],
    granted_at: new Date(sinceMs).toISOString(),
    consented,
    holds_tokens: holdsTokens,
  };
}
