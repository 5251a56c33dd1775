import { Controller, Get, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '../common/openapi/decorators.js';
import type { Response } from 'express';
import { Problem } from '../common/http/problem.js';
import { sendText } from '../common/http/respond.js';
import { Config } from '../config/config.js';
import { KeyRing } from '../keys/key-ring.js';
import { ServerMetadata } from './server-metadata.js';

/** Another instance may serve a JWKS without a new key for so long, until it has read the change feed: caches let go earlier by as much. */
const PROPAGATION_SECONDS = 2;

/** What anyone may read: the server's metadata and its public keys. */
@ApiExcludeController()
@Controller('.well-known')
export class WellKnownController {
  private readonly headers: Readonly<Record<string, string>>;
  private readonly issuerPath: string;

  constructor(
    config: Config,
    private readonly keys: KeyRing,
    private readonly metadata: ServerMetadata,
  ) {
    this.headers = { 'Cache-Control': `public, max-age=${Math.max(1, config.jwksMaxAgeSeconds - PROPAGATION_SECONDS)}`, 'Access-Control-Allow-Origin': '*', 'X-Content-Type-Options': 'nosniff' };
    this.issuerPath = new URL(config.issuer).pathname.slice(1);
  }

  /** RFC 8414 §3, and OpenID Connect Discovery 1.0 §4. */
  @Get(['oauth-authorization-server', 'openid-configuration'])
  document(@Res() res: Response): void {
    sendText(res, 200, this.metadata.toString(), this.headers);
  }

  /** RFC 8414 §3.1: the path of the issuer stands behind the well-known part. */
  @Get(['oauth-authorization-server/*path', 'openid-configuration/*path'])
  documentOfPath(@Param('path') path: string[] | string, @Res() res: Response): void {
    if ([path].flat().join('/') !== this.issuerPath) throw new Problem(404, 'There is no such issuer here.');
    this.document(res);
  }

  /** RFC 7517 §5. */
  @Get('jwks.json')
  jwks(@Res() res: Response): void {
    const jwks = this.keys.jwks();
    if (jwks.keys.length === 0) throw new Problem(503, 'The signing keys are not loaded yet.', undefined, { 'Retry-After': '1' });
    sendText(res, 200, JSON.stringify(jwks), { ...this.headers, 'Content-Type': 'application/jwk-set+json' });
  }
}
