import { All, Controller, Req, Res, UseFilters } from '@nestjs/common';
import { ApiExcludeController } from '../common/openapi/decorators.js';
import type { Request, Response } from 'express';
import { formatScope } from '../common/oauth/scope.js';
import { invalidRequest } from '../common/oauth/oauth-error.js';
import { OAuthExceptionFilter } from '../common/oauth/oauth-exception.filter.js';
import { Config } from '../config/config.js';
import { ResourceDirectory } from '../resources/resource-directory.js';
import { type AccessToken, AccessTokenVerifier } from '../tokens/access-token-verifier.js';
import { bearerRefusal, bearerTokenOf, noBearerToken } from '../tokens/bearer-token.js';
import { parseRequiredAccess, type RequiredAccess } from './required-access.js';

/** Forward-auth: a gateway asks whether its caller's bearer token (RFC 6750 §2.1) is enough. Nothing else that the caller sent counts. */
@ApiExcludeController()
@Controller('gateway/verify')
@UseFilters(OAuthExceptionFilter)
export class VerifyController {
  constructor(
    private readonly config: Config,
    private readonly verifier: AccessTokenVerifier,
    private readonly resources: ResourceDirectory,
  ) {}

  @All()
  async verify(@Req() req: Request, @Res() res: Response): Promise<void> {
    const required = parseRequiredAccess(req.url);
    if (!required.byEnvoy && req.method !== 'GET' && req.method !== 'HEAD') throw invalidRequest('This endpoint does not have that method.', 405, { Allow: 'GET, HEAD' });
    const read = bearerTokenOf(req);
    if ('refusal' in read) throw noBearerToken(read.refusal);
    const token = await this.verifier.verify(read.token);
    if (!token) throw bearerRefusal(401, 'invalid_token', 'The access token is not valid.');
    this.assertEnough(token, required);
    // Envoy takes 200 for a yes, and nothing else.
    if (required.byEnvoy) res.writeHead(200, { ...identityOf(token), 'Content-Length': 0 }).end();
    else res.writeHead(204, identityOf(token)).end();
  }

  /** RFC 9068 §4 and RFC 6750 §3.1. */
  private assertEnough(token: AccessToken, required: RequiredAccess): void {
    if (!this.isMeantFor(token, required)) throw bearerRefusal(401, 'invalid_token', 'The access token is for another audience.');
    if (required.subject !== undefined && (required.subject === 'user') !== (token.userId !== undefined)) {
      throw bearerRefusal(403, 'insufficient_scope', required.subject === 'user' ? 'This needs the access token of a user.' : 'This needs the access token of a client that acts for itself.');
    }
    if (!required.scope.every((scope) => token.scope.includes(scope))) {
      throw bearerRefusal(403, 'insufficient_scope', 'The access token does not have the scope that this needs.', formatScope(required.scope));
    }
  }

  /** A gateway that names no audience gets the one that tokens of its scope have: the owners of that scope, or the issuer where nobody owns it. */
  private isMeantFor({ audience }: AccessToken, required: RequiredAccess): boolean {
    if (required.audience.length > 0) return required.audience.some((each) => audience.includes(each));
    const owners = required.scope.flatMap((scope) => this.resources.ownerOf(scope)?.identifier ?? []);
    return owners.length > 0 ? owners.every((each) => audience.includes(each)) : audience.includes(this.config.issuer);
  }
}

/** All of them, always: a gateway that copies them replaces whatever its caller has sent under these names. */
const identityOf = ({ clientId, subject, scope, roles, id }: AccessToken): Record<string, string> => ({
  'Cache-Control': 'no-store',
  'X-Auth-Client-Id': clientId,
  'X-Auth-Subject': subject,
  'X-Auth-Scope': formatScope(scope),
  'X-Auth-Roles': roles === undefined ? '' : roles.join(' '),
  'X-Auth-Token-Id': id,
});
