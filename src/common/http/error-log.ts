import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { type LogFields, Logger } from '../logging/logger.js';
import { loggedPath } from './logged-path.js';
import { clientAddress, requestId } from './request-context.js';

/** One log line for a request that was refused or failed. Neither the query nor what stands in the path in place of an id is logged: credentials may have been put there. */
@Injectable()
export class ErrorLog {
  constructor(private readonly logger: Logger) {}

  refused(req: Request, status: number, fields: LogFields): void {
    // Of a flood the limiter tells once.
    if (status === 429) return;
    this.logger.info('request refused', { request_id: requestId(req), method: req.method, path: loggedPath(req), address: clientAddress(req), status, ...fields });
  }

  failed(req: Request, status: number, error: unknown): void {
    this.logger.failure('request failed', error, { request_id: requestId(req), method: req.method, path: loggedPath(req), status });
  }
}
