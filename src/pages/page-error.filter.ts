import { type ArgumentsHost, Catch, type ExceptionFilter, Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ErrorLog } from '../common/http/error-log.js';
import { requestId } from '../common/http/request-context.js';
import { asOAuthError } from '../common/oauth/oauth-exception.filter.js';
import { PageRenderer } from './page-renderer.js';

/** Where the status says more than the code. */
const REASON_OF: ReadonlyMap<number, 'not_found' | 'too_many_requests'> = new Map([[404, 'not_found'], [429, 'too_many_requests']]);

/** Shows every refusal as a page, where a user and not a client is listening (RFC 6749 §4.1.2.1). Status and log line are those of the OAuth endpoints. */
@Injectable()
@Catch()
export class PageErrorFilter implements ExceptionFilter {
  constructor(
    private readonly log: ErrorLog,
    private readonly pages: PageRenderer,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const req = http.getRequest<Request>();
    const res = http.getResponse<Response>();
    const { status, code, description, detail, headers } = asOAuthError(thrown);
    if (status >= 500) this.log.failed(req, status, thrown);
    else this.log.refused(req, status, { error: code, detail: detail ?? description });
    if (res.headersSent) {
      res.destroy();
      return;
    }
    const reference = requestId(req);
    this.pages.render(req, res, status, 'error', { status, reason: REASON_OF.get(status) ?? code, code, description, reference }, { headers: { 'X-Request-Id': reference, ...headers } });
  }
}
