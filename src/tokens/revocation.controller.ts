import { Controller, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '../common/openapi/decorators.js';
import type { Response } from 'express';
import { AuthenticatedClient, ClientAuthGuard } from '../clients/authentication/client-auth.guard.js';
import type { Client } from '../clients/client.js';
import { CrossOriginGuard } from '../clients/cross-origin/cross-origin.guard.js';
import type { Actor } from '../audit/audit-log.js';
import { isRefreshToken } from '../common/crypto/opaque-value.js';
import { FormBodyGuard, type FormRequest } from '../common/http/form-body.guard.js';
import { clientAddress, requestId } from '../common/http/request-context.js';
import { sendJson } from '../common/http/respond.js';
import { OAuthExceptionFilter } from '../common/oauth/oauth-exception.filter.js';
import { invalidRequest, OAuthError } from '../common/oauth/oauth-error.js';
import { AccessTokenVerifier } from './access-token-verifier.js';
import { RefreshTokens } from './refresh-tokens.js';
import { TokenFamilyRevocation } from './token-family-revocation.js';
import { TokenRevocation } from './token-revocation.js';

/** Token revocation, RFC 7009. */
@ApiExcludeController()
@Controller('oauth/revoke')
@UseGuards(CrossOriginGuard, FormBodyGuard, ClientAuthGuard)
@UseFilters(OAuthExceptionFilter)
export class RevocationController {
  constructor(
    private readonly verifier: AccessTokenVerifier,
    private readonly revocation: TokenRevocation,
    private readonly refreshTokens: RefreshTokens,
    private readonly familyRevocation: TokenFamilyRevocation,
  ) {}

  /** 200 also for a token that is unknown, expired or revoked already (§2.2), with a body, since some clients fail on an empty one. */
  @Post()
  async revoke(@AuthenticatedClient() client: Client, @Req() req: FormRequest, @Res() res: Response): Promise<void> {
    const value = req.body.token;
    if (value === undefined) throw invalidRequest('The parameter token is missing.');
    const actor = { clientId: client.clientId, address: clientAddress(req), requestId: requestId(req) };
    await (isRefreshToken(value) ? this.revokeFamily(value, client, actor) : this.revokeAccessToken(value, client, actor));
    sendJson(res, 200, {});
  }

  private async revokeAccessToken(value: string, client: Client, actor: Actor): Promise<void> {
    const token = await this.verifier.read(value);
    if (!token) return;
    if (token.clientId !== client.clientId) throw issuedToAnother();
    await this.revocation.revoke(token, actor);
  }

  /** §2.1: with a refresh token go the access tokens of the same authorization. One that was used already ends it too: its holder wants to be signed out. */
  private async revokeFamily(value: string, client: Client, actor: Actor): Promise<void> {
    const family = await this.refreshTokens.find(value);
    if (!family) return;
    if (family.clientId !== client.clientId) throw issuedToAnother();
    await this.familyRevocation.revoke(family, 'refresh_token.revoked', actor);
  }
}

/** §2.1: a token that was issued to another client is not revoked, and the caller is told. */
const issuedToAnother = () => new OAuthError('unauthorized_client', 'The token was not issued to this client.');
