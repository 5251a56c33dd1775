import { Delete, Get, HttpCode, Param, Req } from '@nestjs/common';
import { ApiOperation, ApiProperty } from '../common/openapi/decorators.js';
import type { Request } from 'express';
import { ConsentWithdrawal } from '../authorization/consent-withdrawal.js';
import { CLIENT_ID } from '../clients/client-metadata.js';
import { notFound } from '../common/http/problem.js';
import { formatScope } from '../common/oauth/scope.js';
import { Consents, type GivenConsent } from '../consents/consents.js';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { Bearer, RequiredScope } from '../tokens/bearer.guard.js';
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
  @ApiProperty({ format: 'date-time', description: 'When she was asked last.' }) granted_at: string;
}

/** What a user allowed clients to have. */
@AdminController('users/:user_id/consents', 'Users')
export class UserConsentsController {
  constructor(
    private readonly users: UsersRepository,
    private readonly consents: Consents,
    private readonly withdrawal: ConsentWithdrawal,
  ) {}

  @Get()
  @RequiredScope('users:read')
  @ApiOperation({
    summary: 'List what a user allows clients, the latest first',
    description: 'Those that are remembered: a client that shows no proof of who it is asks each time, and one with `skip_consent` never.',
  })
  @ApiPage(UserConsentResponse)
  async list(@Param('user_id') userId: string, @Req() req: Request): Promise<{ items: UserConsentResponse[]; next_cursor: null }> {
    readQuery(req, []);
    await this.assertKnown(userId);
    return { items: (await this.consents.list(userId)).map(consentResponse), next_cursor: null };
  }

  @Delete(':client_id')
  @HttpCode(204)
  @RequiredScope('users:write')
  @ApiOperation({ summary: 'Take back what a user allows a client', description: 'With it go all tokens that the client holds for her, at once here, within a second on every other instance. She is asked again when the client comes back.' })
  async withdraw(@Param('user_id') userId: string, @Param('client_id') clientId: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    await this.assertKnown(userId);
    const withdrawn = CLIENT_ID.test(clientId) && (await this.withdrawal.withdraw(userId, clientId, actorOf(req, token)));
    if (!withdrawn) throw notFound('consent');
  }

  private async assertKnown(userId: string): Promise<void> {
    if (!USER_ID.test(userId) || !(await this.users.find(userId))) throw notFound('user');
  }
}

function consentResponse({ client, scope, audience, grantedAtMs }: GivenConsent): UserConsentResponse {
  return { client_id: client.clientId, client_name: client.clientName, scope: formatScope(scope), audience: [...audience], granted_at: new Date(grantedAtMs).toISOString() };
}
