import { Controller, Get, HttpCode, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '../common/openapi/decorators.js';
import type { Request, Response } from 'express';
import { RequestActor } from '../audit/request-actor.js';
import { ClientDirectory } from '../clients/client-directory.js';
import { confineToOriginsOf, CrossOriginGuard } from '../clients/cross-origin/cross-origin.guard.js';
import { readForm } from '../common/http/form-body.guard.js';
import { sendJson } from '../common/http/respond.js';
import { parseBearerForm } from '../common/oauth/form-params.js';
import { invalidRequest } from '../common/oauth/oauth-error.js';
import { OAuthExceptionFilter } from '../common/oauth/oauth-exception.filter.js';
import { Config } from '../config/config.js';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { bearerChallenge, bearerRefusal, bearerTokenOf, noBearerToken } from '../tokens/bearer-token.js';
import { PresentedTokens } from '../tokens/presented-tokens.js';
import { Userinfo } from './userinfo.js';

/** The userinfo endpoint, OIDC Core §5.3. */
@ApiExcludeController()
@Controller('oauth/userinfo')
@UseGuards(CrossOriginGuard)
@UseFilters(OAuthExceptionFilter)
export class UserinfoController {
  constructor(
    private readonly config: Config,
    private readonly tokens: PresentedTokens,
    private readonly clients: ClientDirectory,
    private readonly userinfo: Userinfo,
  ) {}

  @Get()
  async get(@Req() req: Request, @Res() res: Response): Promise<void> {
    await this.answer(req, res, undefined);
  }

  @Post()
  @HttpCode(200)
  async post(@Req() req: Request, @Res() res: Response): Promise<void> {
    await this.answer(req, res, req.headers['content-type'] === undefined ? undefined : (await readForm(req, parseBearerForm)).access_token);
  }

  /** @param inForm the token of the form body (RFC 6750 §2.2); one in the query is none (RFC 9700 §4.3.2) */
  private async answer(req: Request, res: Response, inForm: string | undefined): Promise<void> {
    const token = await this.tokens.verify(tokenOf(req, inForm), new RequestActor(req));
    if (!token) throw bearerRefusal(401, 'invalid_token', 'The access token is not valid.');
    const client = await this.clients.find(token.clientId);
    if (client) confineToOriginsOf(client, req, res);
    this.assertMeantForUs(token);
    const claims = client && (await this.userinfo.of(client, token));
    if (!claims) throw bearerRefusal(401, 'invalid_token', 'The access token is not valid.');
    sendJson(res, 200, claims);
  }

  private assertMeantForUs({ audience, scope, userId }: AccessToken): void {
    if (!audience.includes(this.config.issuer)) throw bearerRefusal(401, 'invalid_token', 'The access token is for another audience.');
    if (userId === undefined || !scope.includes('openid')) {
      throw bearerRefusal(403, 'insufficient_scope', 'The access token does not have the scope that this needs.', 'openid');
    }
  }
}

function tokenOf(req: Request, inForm: string | undefined): string {
  const read = bearerTokenOf(req);
  if ('token' in read) {
    if (inForm !== undefined) throw invalidRequest('The access token is sent in more than one way.', 400, { 'WWW-Authenticate': bearerChallenge('invalid_request') });
    return read.token;
  }
  if (read.refusal !== 'missing' || inForm === undefined) throw noBearerToken(read.refusal);
  return inForm;
}
