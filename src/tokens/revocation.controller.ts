import { Controller, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Response } from 'express';
import { AuthenticatedClient, ClientAuthGuard } from '../clients/authentication/client-auth.guard.js';
import type { Client } from '../clients/client.js';
import { FormBodyGuard, type FormRequest } from '../common/http/form-body.guard.js';
import { clientAddress, requestId } from '../common/http/request-context.js';
import { sendJson } from '../common/http/respond.js';
import { OAuthExceptionFilter } from '../common/oauth/oauth-exception.filter.js';
import { invalidRequest, OAuthError } from '../common/oauth/oauth-error.js';
import { AccessTokenVerifier } from './access-token-verifier.js';
import { TokenRevocation } from './token-revocation.js';

/** Token revocation, RFC 7009. */
@ApiExcludeController()
@Controller('oauth/revoke')
@UseGuards(FormBodyGuard, ClientAuthGuard)
@UseFilters(OAuthExceptionFilter)
export class RevocationController {
  constructor(
    private readonly verifier: AccessTokenVerifier,
    private readonly revocation: TokenRevocation,
  ) {}

  /** 200 also for a token that is unknown, expired or revoked already (§2.2), with a body, since some clients fail on an empty one. */
  @Post()
  async revoke(@AuthenticatedClient() client: Client, @Req() req: FormRequest, @Res() res: Response): Promise<void> {
    const value = req.body.token;
    if (value === undefined) throw invalidRequest('The parameter token is missing.');
    const token = await this.verifier.read(value);
    if (token) {
      // §2.1: a token that was issued to another client is not revoked, and the caller is told.
      if (token.clientId !== client.clientId) throw new OAuthError('unauthorized_client', 'The token was not issued to this client.');
      await this.revocation.revoke(token, { clientId: client.clientId, address: clientAddress(req), requestId: requestId(req) });
    }
    sendJson(res, 200, {});
  }
}
