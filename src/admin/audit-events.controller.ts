import { Get, Req } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiQuery } from '@nestjs/swagger';
import type { Request } from 'express';
import type { AuditEvent } from '../audit/audit-event.entity.js';
import { type AuditFilter, AuditEventsRepository } from '../audit/audit-events.repository.js';
import { PageCursors } from '../common/http/page-cursor.js';
import { RequiredScope } from '../tokens/bearer.guard.js';
import { AdminController } from './admin-controller.decorator.js';
import { ApiPage } from './page.decorator.js';
import { readQuery, readTime } from './query.js';

class AuditActorResponse {
  @ApiProperty({ type: String, nullable: true, description: '`null`: the server itself' }) client_id: string | null;
  @ApiProperty({ type: String, nullable: true }) address: string | null;
}

class AuditEventResponse {
  @ApiProperty() event_id: string;
  @ApiProperty({ example: 'client.created' }) type: string;
  @ApiProperty({ format: 'date-time' }) occurred_at: string;
  @ApiProperty() actor: AuditActorResponse;
  @ApiProperty({ type: String, nullable: true, description: 'The client that the event is about' }) client_id: string | null;
  @ApiProperty({ type: String, nullable: true, description: 'The user that the event is about' }) user_id: string | null;
  @ApiProperty({ type: String, nullable: true }) request_id: string | null;
  @ApiProperty({ type: 'object', additionalProperties: true, description: 'Names of what changed, and ids' }) detail: Record<string, unknown>;
}

@AdminController('audit-events', 'Audit')
export class AuditEventsController {
  constructor(
    private readonly events: AuditEventsRepository,
    private readonly cursors: PageCursors,
  ) {}

  @Get()
  @RequiredScope('audit:read')
  @ApiOperation({ summary: 'Who did what when, newest first' })
  @ApiQuery({ name: 'limit', required: false, schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 } })
  @ApiQuery({ name: 'cursor', required: false, description: '`next_cursor` of the page before' })
  @ApiQuery({ name: 'type', required: false, example: 'client.created' })
  @ApiQuery({ name: 'client_id', required: false, description: 'The client that acted, or that the event is about' })
  @ApiQuery({ name: 'user_id', required: false })
  @ApiQuery({ name: 'since', required: false, schema: { type: 'string', format: 'date-time' } })
  @ApiQuery({ name: 'until', required: false, schema: { type: 'string', format: 'date-time' } })
  @ApiPage(AuditEventResponse)
  async list(@Req() req: Request) {
    const { limit, cursor, ...given } = readQuery(req, ['limit', 'cursor', 'type', 'client_id', 'user_id', 'since', 'until']);
    const filter = filterOf(given);
    const query = ['audit-events', filter];
    const page = this.cursors.read(query, limit, cursor);
    return this.cursors.page(query, page, await this.events.list(filter, page), eventResponse);
  }
}

function filterOf({ type, client_id: clientId, user_id: userId, since, until }: { [name in 'type' | 'client_id' | 'user_id' | 'since' | 'until']?: string }): AuditFilter {
  const sinceMs = readTime('since', since);
  const untilMs = readTime('until', until);
  return {
    ...(type === undefined ? {} : { type }),
    ...(clientId === undefined ? {} : { clientId }),
    ...(userId === undefined ? {} : { userId }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
  };
}

const eventResponse = (event: AuditEvent): AuditEventResponse => ({
  event_id: String(event.id),
  type: event.type,
  occurred_at: new Date(event.occurredAt).toISOString(),
  actor: { client_id: event.actorClientId, address: event.actorAddress },
  client_id: event.clientId,
  user_id: event.userId,
  request_id: event.requestId,
  detail: event.detail,
});
