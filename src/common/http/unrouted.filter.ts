import { type ArgumentsHost, Catch, NotFoundException } from '@nestjs/common';
import type { Express, Request } from 'express';
import { OAuthExceptionFilter } from '../oauth/oauth-exception.filter.js';
import { invalidRequest } from '../oauth/oauth-error.js';
import { ErrorLog } from './error-log.js';
import { Problem } from './problem.js';
import { ProblemFilter } from './problem.filter.js';

interface RouteLayer {
  route?: { methods: Record<string, boolean> };
  match(path: string): boolean;
}

/**
 * Answers what no controller answers. A path that exists, asked with a method that it does not have, is 405 with `Allow` (RFC 9110 §15.5.6), in the form
 * of the endpoint's standard.
 */
@Catch()
export class UnroutedFilter extends ProblemFilter {
  constructor(
    log: ErrorLog,
    private readonly oauth: OAuthExceptionFilter,
    private readonly express: Express,
  ) {
    super(log);
  }

  override catch(thrown: unknown, host: ArgumentsHost): void {
    const req = host.switchToHttp().getRequest<Request>();
    const allowed = thrown instanceof NotFoundException ? this.methodsOf(req.path) : [];
    if (allowed.length === 0) return super.catch(thrown, host);
    const headers = { Allow: allowed.join(', ') };
    if (req.path.startsWith('/oauth/')) return this.oauth.catch(invalidRequest('This endpoint does not have that method.', 405, headers), host);
    return super.catch(new Problem(405, `The method is not one of ${headers.Allow}.`, undefined, headers), host);
  }

  private methodsOf(path: string): string[] {
    const methods = new Set<string>();
    for (const layer of (this.express.router as unknown as { stack: RouteLayer[] }).stack) {
      if (!layer.route || !matches(layer, path)) continue;
      for (const method of Object.keys(layer.route.methods)) if (method !== '_all') methods.add(method.toUpperCase());
    }
    if (methods.has('GET')) methods.add('HEAD');
    return [...methods].sort();
  }
}

function matches(layer: RouteLayer, path: string): boolean {
  try {
    return layer.match(path);
  } catch {
    return false;
  }
}
