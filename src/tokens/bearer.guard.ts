import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { RequestActor } from '../audit/request-actor.js';
import { Problem } from '../common/http/problem.js';
import { Config } from '../config/config.js';
import { RateLimits } from '../rate-limits/rate-limits.js';
import { adminAudience, type AdminScope } from '../resources/admin-api.js';
import type { AccessToken } from './access-token-verifier.js';
import { bearerChallenge, bearerTokenOf } from './bearer-token.js';
import { PresentedTokens } from './presented-tokens.js';

const REQUIRED_SCOPE = 'mintgate:required-scope';

/** The scope that a route of the admin API demands. Every route names one: the guard refuses a route that does not. */
export const RequiredScope = (scope: AdminScope) => SetMetadata(REQUIRED_SCOPE, scope);

/** `accessToken`: one that is valid, whether it may do what is asked for or not. */
export interface BearerRequest extends Request {
  accessToken?: AccessToken;
}

/** The access token that the {@link BearerGuard} accepted. */
export const Bearer = createParamDecorator((_: unknown, context: ExecutionContext): AccessToken => context.switchToHttp().getRequest<BearerRequest>().accessToken!);

/** The caller sent no credentials at all (RFC 6750 §3.1). */
export class NoTokenProblem extends Problem {
  constructor() {
    super(401, 'An access token is needed.', undefined, { 'WWW-Authenticate': bearerChallenge() });
  }
}

/** Protects the admin API as RFC 6750 says: a bearer token of this server in the Authorization header, for the admin API, with the route's scope. */
@Injectable()
export class BearerGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly config: Config,
    private readonly tokens: PresentedTokens,
    private readonly limits: RateLimits,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const req = http.getRequest<BearerRequest>();
    const token = await this.tokens.verify(bearerToken(req), new RequestActor(req));
    if (!token) throw challenge(401, 'invalid_token', 'The access token is not valid.');
    req.accessToken = token;
    const required = this.reflector.get<AdminScope | undefined>(REQUIRED_SCOPE, context.getHandler());
    const forAdmin = token.audience.includes(adminAudience(this.config.issuer));
    if (!forAdmin && !token.audience.includes(this.config.issuer)) throw challenge(401, 'invalid_token', 'The access token is for another audience.');
    // Rights in the admin API are a client's: no user's token has any.
    if (!forAdmin || token.roles !== undefined || required === undefined || !token.scope.includes(required)) {
      throw challenge(403, 'insufficient_scope', 'The access token does not have the scope that this needs.', required);
    }
    http.getResponse<Response>().set(this.limits.takeAdmin(token.clientId, new RequestActor(req, token.clientId)));
    return true;
  }
}

function bearerToken(req: Request): string {
  const read = bearerTokenOf(req);
  if ('token' in read) return read.token;
  switch (read.refusal) {
    case 'repeated':
      throw challenge(400, 'invalid_request', 'The Authorization header is repeated.');
    case 'missing':
      throw new NoTokenProblem();
    case 'malformed':
      throw challenge(401, 'invalid_token', 'The Authorization header holds no bearer token.');
  }
}

const challenge = (status: number, error: string, detail: string, scope?: string): Problem => new Problem(status, detail, undefined, { 'WWW-Authenticate': bearerChallenge(error, detail, scope) });
