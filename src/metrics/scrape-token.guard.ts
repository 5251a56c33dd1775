import { createHash, timingSafeEqual } from 'node:crypto';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { Problem } from '../common/http/problem.js';
import { Config } from '../config/config.js';
import { bearerChallenge, bearerTokenOf } from '../tokens/bearer-token.js';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Where `METRICS_TOKEN` is set, lets those in who bring it as a bearer token (RFC 6750 §2.1). Digests are compared, so that neither its length nor how much of it was right shows by the time. */
@Injectable()
export class ScrapeTokenGuard implements CanActivate {
  private readonly expected: Buffer | undefined;

  constructor({ metricsToken }: Config) {
    if (metricsToken !== undefined) this.expected = digest(metricsToken);
  }

  canActivate(context: ExecutionContext): boolean {
    if (!this.expected) return true;
    const read = bearerTokenOf(context.switchToHttp().getRequest<Request>());
    if ('token' in read && timingSafeEqual(digest(read.token), this.expected)) return true;
    const error = 'refusal' in read && read.refusal === 'missing' ? undefined : 'invalid_token';
    throw new Problem(401, 'The token of METRICS_TOKEN is needed.', undefined, { 'WWW-Authenticate': bearerChallenge(error) });
  }
}
