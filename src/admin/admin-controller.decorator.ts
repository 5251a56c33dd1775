import { applyDecorators, type CallHandler, Controller, type ExecutionContext, Injectable, type NestInterceptor, UseFilters, UseGuards, UseInterceptors } from '@nestjs/common';
import { ApiBearerAuth, ApiTags, ApiTooManyRequestsResponse } from '../common/openapi/decorators.js';
import type { Request, Response } from 'express';
import type { Observable } from 'rxjs';
import { JsonBodyGuard } from '../common/http/json-body.guard.js';
import { requestId } from '../common/http/request-context.js';
import { BearerGuard } from '../tokens/bearer.guard.js';
import { AdminExceptionFilter } from './admin-exception.filter.js';

/** What an admin sees is nobody's to cache. */
@Injectable()
export class AdminHeaders implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    http.getResponse<Response>().set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', 'X-Request-Id': requestId(http.getRequest<Request>()) });
    return next.handle();
  }
}

/** A controller of the admin API: every route behind a bearer token, bodies in JSON, refusals as problem details. */
export const AdminController = (path: string, tag: string) =>
  applyDecorators(Controller(path === '' ? 'admin/v1' : `admin/v1/${path}`), UseGuards(BearerGuard, JsonBodyGuard), UseInterceptors(AdminHeaders), UseFilters(AdminExceptionFilter), ApiTags(tag), ApiBearerAuth('admin'), ApiTooManyRequestsResponse({ description: 'More requests than a limit allows: try again after Retry-After' }));
