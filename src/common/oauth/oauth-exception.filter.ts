import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ErrorLog } from '../http/error-log.js';
import { requestId } from '../http/request-context.js';
import { NO_STORE, sendJson } from '../http/respond.js';
import { RateLimitedError } from '../rate-limited.error.js';
import { TemporarilyUnavailableError } from '../temporarily-unavailable.error.js';
import { OAuthError } from './oauth-error.js';

/** The only writer of OAuth error bodies (RFC 6749 §5.2). What is not an {@link OAuthError} is `server_error` or `temporarily_unavailable`. */
@Injectable()
@Catch()
export class OAuthExceptionFilter implements ExceptionFilter {
  constructor(private readonly log: ErrorLog) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const req = http.getRequest<Request>();
    const res = http.getResponse<Response>();
    const error = asOAuthError(thrown);
    if (error.status >= 500) this.log.failed(req, error.status, thrown);
    else this.log.refused(req, error.status, { error: error.code, detail: error.detail ?? error.description });
    if (res.headersSent) {
      res.destroy();
      return;
    }
    sendJson(res, error.status, { error: error.code, error_description: error.description }, { ...NO_STORE, 'X-Request-Id': requestId(req), ...error.headers });
  }
}

/** What an OAuth client is told of an error of whatever kind. */
export function asOAuthError(thrown: unknown): OAuthError {
  if (thrown instanceof OAuthError) return thrown;
  if (thrown instanceof TemporarilyUnavailableError) {
    return new OAuthError('temporarily_unavailable', 'The server cannot answer now. Try again shortly.', 503, { 'Retry-After': String(thrown.retryAfterSeconds) });
  }
  // No RFC has a code of its own for 429 (slow_down is for those who poll, RFC 8628 §3.5); this one says that it is worth trying again.
  if (thrown instanceof RateLimitedError) return new OAuthError('temporarily_unavailable', 'Too many requests. Try again later.', 429, thrown.headers);
  if (thrown instanceof HttpException && thrown.getStatus() < 500) return new OAuthError('invalid_request', 'The request cannot be served.', thrown.getStatus());
  return new OAuthError('server_error', 'The server met an unexpected condition.', 500);
}
