import { ApiProperty } from '../common/openapi/decorators.js';
import type { AuditEvent } from '../audit/audit-event.entity.js';
import { AUDIT_EVENT_TYPES, type AuditResult } from '../audit/audit-event-types.js';

class AuditActorResponse {
  @ApiProperty({ type: String, nullable: true, description: 'The client that acted, or that passed on what a user sent' }) client_id: string | null;
  @ApiProperty({ type: String, nullable: true, description: 'The user who acted herself, at the pages' }) user_id: string | null;
  @ApiProperty({ type: String, nullable: true, description: 'The system user at the command line' }) operator: string | null;
  @ApiProperty({ type: String, nullable: true }) address: string | null;
}

export class AuditEventResponse {
  @ApiProperty() event_id: string;
  @ApiProperty({ example: 'client.created', description: `One of ${AUDIT_EVENT_TYPES.join(', ')}` }) type: string;
  @ApiProperty({ enum: ['success', 'failure'] }) result: AuditResult;
  @ApiProperty({ format: 'date-time', description: 'The first time' }) occurred_at: string;
  @ApiProperty({ format: 'date-time', description: 'Equal observations are one event: the time of the last of them' }) last_occurred_at: string;
  @ApiProperty({ type: 'integer', description: 'How many there were' }) count: number;
  @ApiProperty({ description: 'Nothing but `null`: the server itself' }) actor: AuditActorResponse;
  @ApiProperty({ type: String, nullable: true, description: 'The client that the event is about' }) client_id: string | null;
  @ApiProperty({ type: String, nullable: true, description: 'The user that the event is about' }) user_id: string | null;
  @ApiProperty({ type: String, nullable: true, description: 'Of the first' }) request_id: string | null;
  @ApiProperty({ type: 'object', additionalProperties: true, description: 'Names of what changed, what was added and removed, reasons, and ids' }) detail: Record<string, unknown>;
}

export const auditEventResponse = (event: AuditEvent): AuditEventResponse => ({
  event_id: String(event.id),
  type: event.type,
  result: event.result,
  occurred_at: new Date(event.occurredAt).toISOString(),
  last_occurred_at: new Date(event.lastOccurredAt ?? event.occurredAt).toISOString(),
  count: event.occurrences,
  actor: { client_id: event.actorClientId, user_id: event.actorUserId, operator: event.actorOperator, address: event.actorAddress },
  client_id: event.clientId,
  user_id: event.userId,
  request_id: event.requestId,
  detail: event.detail,
});
