import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { RateLimitedError } from '../rate-limited.error.js';
import { TemporarilyUnavailableError } from '../temporarily-unavailable.error.js';
import { ErrorLog } from './error-log.js';
import { Problem } from './problem.js';
import { requestId } from './request-context.js';
import { sendText } from './respond.js';

/** Writes every refusal outside the OAuth endpoints as `application/problem+json` (RFC 9457). */
@Injectable()
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: ErrorLog) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const req = http.getRequest<Request>();
    const res = http.getResponse<Response>();
    const problem = asProblem(thrown);
    if (problem.status >= 500) this.log.failed(req, problem.status, thrown);
    else this.log.refused(req, problem.status, { detail: problem.detail });
    if (res.headersSent) {
      res.destroy();
      return;
    }
    sendText(res, problem.status, JSON.stringify(problem.toBody()), {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'X-Request-Id': requestId(req),
      ...problem.headers,
    });
  }
}

export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof TemporarilyUnavailableError) {
    return new Problem(503, 'The server cannot answer now. Try again shortly.', undefined, { 'Retry-After': String(thrown.retryAfterSeconds) });
  }
  if (thrown instanceof RateLimitedError) return new Problem(429, 'Too many requests. Try again later.', undefined, thrown.headers);
  if (thrown instanceof URIError) return new Problem(400, 'The path is not encoded as UTF-8.');
  if (thrown instanceof HttpException && thrown.getStatus() < 500) return new Problem(thrown.getStatus(), thrown.getStatus() === 404 ? 'There is nothing here.' : 'The request cannot be served.');
  return new Problem(500, 'The server met an unexpected condition.');
}
