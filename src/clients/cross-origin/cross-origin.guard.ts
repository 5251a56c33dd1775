import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { requestOf, responseOf } from '../../common/http/http-context.js';
import { TemporarilyUnavailableError } from '../../common/temporarily-unavailable.error.js';
import type { Client } from '../client.js';
import { ClientOrigins } from '../client-origins.js';

const ALLOW_ORIGIN = 'Access-Control-Allow-Origin';
const EXPOSE_HEADERS = 'Access-Control-Expose-Headers';
const READABLE = 'WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy';

/**
 * Lets web applications read the answers of an endpoint, refusals included, when they come from an origin that some enabled client has registered (Fetch
 * §3.3). It refuses nobody: what an answer says is decided by the guards after it, which it comes before so that their refusals can be read too.
 * A controller that names it also gets preflights answered. No credentials that a browser adds by itself are ever let through.
 */
@Injectable()
export class CrossOriginGuard implements CanActivate {
  constructor(private readonly origins: ClientOrigins) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const { origin } = requestOf(context).headers;
    return origin === undefined || this.answer(origin, responseOf(context));
  }

  private async answer(origin: string, res: Response): Promise<boolean> {
    await allowOrigin(this.origins, origin, res);
    return true;
  }
}

/** Sets the headers by which a browser lets a page of a registered origin read the answer. Answers whether it did. */
export async function allowOrigin(origins: ClientOrigins, origin: string, res: Response): Promise<boolean> {
  res.setHeader('Vary', 'Origin');
  if (!(await isRegistered(origins, origin))) return false;
  res.setHeader(ALLOW_ORIGIN, origin);
  res.setHeader(EXPOSE_HEADERS, READABLE);
  return true;
}

/** Once it is known which client calls: only pages of its own origins may read the answer. */
export function confineToOriginsOf(client: Client, req: Request, res: Response): void {
  const { origin } = req.headers;
  if (origin === undefined || client.origins.has(origin)) return;
  res.removeHeader(ALLOW_ORIGIN);
  res.removeHeader(EXPOSE_HEADERS);
}

/** An origin that cannot be looked up is as good as unknown: the request itself is answered all the same. */
async function isRegistered(origins: ClientOrigins, origin: string): Promise<boolean> {
  try {
    return await origins.isRegistered(origin);
  } catch (error) {
    if (error instanceof TemporarilyUnavailableError) return false;
    throw error;
  }
}
