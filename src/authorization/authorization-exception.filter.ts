import { type ArgumentsHost, Catch, type ExceptionFilter, Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ErrorLog } from '../common/http/error-log.js';
import { asOAuthError } from '../common/oauth/oauth-exception.filter.js';
import { PageErrorFilter } from '../pages/page-error.filter.js';
import { AuthorizationRefusal } from './authorization-refusal.js';
import { AuthorizationResponder } from './authorization-responder.js';

/** Errors of the authorization endpoint: to the client where that is allowed, else on a page (RFC 6749 §4.1.2.1). */
@Injectable()
@Catch()
export class AuthorizationExceptionFilter implements ExceptionFilter {
  constructor(
    private readonly log: ErrorLog,
    private readonly responder: AuthorizationResponder,
    private readonly pages: PageErrorFilter,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    if (!(thrown instanceof AuthorizationRefusal)) return this.pages.catch(thrown, host);
    const req = host.switchToHttp().getRequest<Request>();
    const res = host.switchToHttp().getResponse<Response>();
    const error = asOAuthError(thrown.cause);
    if (error.status >= 500) this.log.failed(req, error.status, thrown.cause);
    else this.log.refused(req, 303, { error: error.code, detail: error.detail ?? error.description });
    if (error.headers['Retry-After']) res.set('Retry-After', error.headers['Retry-After']);
    this.responder.send(req, res, this.responder.refusal(thrown.target, error));
  }
}
