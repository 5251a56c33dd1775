import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { RequestActor } from '../audit/request-actor.js';
import { RateLimits } from './rate-limits.js';

/** Limits what a browser can ask for without credentials, by address: each request may be a row in the database. It comes before the body is read. */
@Injectable()
export class AuthorizationRateGuard implements CanActivate {
  constructor(private readonly limits: RateLimits) {}

  canActivate(context: ExecutionContext): boolean {
    this.limits.takeAuthorization(new RequestActor(context.switchToHttp().getRequest<Request>()));
    return true;
  }
}
