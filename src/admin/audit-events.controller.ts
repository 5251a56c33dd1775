import { Get, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse } from '../common/openapi/decorators.js';
import type { Request, Response } from 'express';
import { AuditEventsRepository } from '../audit/audit-events.repository.js';
import { AuditExport } from '../audit/audit-export.js';
import { AuditLog } from '../audit/audit-log.js';
import { PageCursors } from '../common/http/page-cursor.js';
import { invalidInput, pointer } from '../common/http/problem.js';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { Bearer, RequiredScope } from '../tokens/bearer.guard.js';
import { AdminController } from './admin-controller.decorator.js';
import { actorOf } from './admin-request.js';
import { auditEventResponse, AuditEventResponse } from './audit-event.response.js';
import { ApiAuditFilters, AUDIT_FILTERS, readAuditFilter } from './audit-filter.js';
import { ApiPage } from './page.decorator.js';
import { readQuery } from './query.js';

const NDJSON = 'application/x-ndjson';

@AdminController('audit-events', 'Audit')
export class AuditEventsController {
  constructor(
    private readonly events: AuditEventsRepository,
    private readonly exports: AuditExport,
    private readonly audit: AuditLog,
    private readonly cursors: PageCursors,
  ) {}

  @Get()
  @RequiredScope('audit:read')
  @ApiOperation({ summary: 'Who did what when, from where, and with what result; newest first' })
  @ApiQuery({ name: 'limit', required: false, schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 } })
  @ApiQuery({ name: 'cursor', required: false, description: '`next_cursor` of the page before' })
  @ApiAuditFilters()
  @ApiPage(AuditEventResponse)
  async list(@Req() req: Request) {
    const { limit, cursor, ...given } = readQuery(req, ['limit', 'cursor', ...AUDIT_FILTERS]);
    const filter = readAuditFilter(given);
    const query = ['audit-events', filter];
    const page = this.cursors.read(query, limit, cursor);
    await this.audit.writeWaiting();
    return this.cursors.page(query, page, await this.events.list(filter, page), auditEventResponse);
  }

  /** Broken off by a failure, the answer ends without its last chunk: whoever reads it sees that, and goes on after the last whole line. */
  @Get('export')
  @RequiredScope('audit:read')
  @ApiOperation({ summary: 'Events as JSON lines, oldest first, up to those that are there now', description: 'Streamed. To go on later, or after a break, send the `event_id` of the last line as `after`. The export is audited itself.' })
  @ApiQuery({ name: 'after', required: false, schema: { type: 'integer', minimum: 0 }, description: '`event_id` of the last event that is known already' })
  @ApiAuditFilters()
  @ApiResponse({ status: 200, description: 'An event a line, each as the list has it', content: { [NDJSON]: { schema: { type: 'string' } } } })
  async export(@Req() req: Request, @Res() res: Response, @Bearer() token: AccessToken): Promise<void> {
    const { after, ...given } = readQuery(req, ['after', ...AUDIT_FILTERS]);
    const filter = readAuditFilter(given);
    const first = readEventId('after', after) ?? 0;
    const upTo = await this.exports.newest();
    await this.audit.record({ type: 'audit.exported', actor: actorOf(req, token), detail: { filters: Object.keys(given), after: first } });
    const pages = this.exports.read(filter, first, upTo);
    // Before the headers: so long a failure is an answer like any other.
    let page = await pages.next();
    res.writeHead(200, { 'Content-Type': NDJSON });
    while (!page.done && !res.closed && req.method !== 'HEAD') {
      const lines = page.value.map((event) => `${JSON.stringify(auditEventResponse(event))}\n`).join('');
      // Read on only when the caller has taken what came before; a caller who is gone never does.
      if (!res.write(lines)) await drained(res);
      if (!res.closed) page = await pages.next();
    }
    res.end();
  }
}

/** @throws {Problem} 400 */
function readEventId(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw invalidInput([{ pointer: pointer(name), detail: 'must be the event_id of an event' }]);
  return Number(text);
}

/** Resolves when there is room for more, or nobody there any more. */
function drained(res: Response): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off('drain', done).off('close', done);
      resolve();
    };
    res.on('drain', done).on('close', done);
  });
}
