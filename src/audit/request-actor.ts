import type { Request } from 'express';
import { clientAddress, requestId } from '../common/http/request-context.js';
import type { Actor } from './audit-log.js';

/** Whoever sent a request; from where, and in which request, is found out when somebody wants to know. */
export class RequestActor implements Actor {
  private foundAddress: string | undefined;

  constructor(
    private readonly req: Request,
    readonly clientId?: string,
    readonly userId?: string,
  ) {}

  get address(): string {
    return (this.foundAddress ??= clientAddress(this.req));
  }

  get requestId(): string {
    return requestId(this.req);
  }
}
