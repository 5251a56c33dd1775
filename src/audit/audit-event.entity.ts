import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { EpochMsColumn } from '../database/epoch-ms.column.js';
import type { AuditResult } from './audit-event-types.js';

@Entity('audit_events')
@Index('audit_events_type', ['type', 'id'])
@Index('audit_events_client_id', ['clientId', 'id'])
@Index('audit_events_actor_client_id', ['actorClientId', 'id'])
@Index('audit_events_user_id', ['userId', 'id'])
@Index('audit_events_actor_user_id', ['actorUserId', 'id'])
@Index('audit_events_actor_address', ['actorAddress', 'id'])
@Index('audit_events_request_id', ['requestId', 'id'])
@Index('audit_events_result', ['result', 'id'])
@Index('audit_events_occurred_at', ['occurredAt'])
export class AuditEvent {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  @Column({ type: 'varchar', length: 64 }) type: string;
  @EpochMsColumn('occurred_at') occurredAt: number;
  /** `null`: it happened once. */
  @EpochMsColumn('last_occurred_at', { nullable: true }) lastOccurredAt: number | null;
  @Column({ type: 'integer', default: 1 }) occurrences: number;
  @Column({ type: 'varchar', length: 8, default: 'success' }) result: AuditResult;
  @Column({ name: 'actor_client_id', type: 'varchar', length: 128, nullable: true }) actorClientId: string | null;
  /** The user who acted herself, at our pages. */
  @Column({ name: 'actor_user_id', type: 'varchar', length: 64, nullable: true }) actorUserId: string | null;
  /** The system user who acted at the command line. */
  @Column({ name: 'actor_operator', type: 'varchar', length: 64, nullable: true }) actorOperator: string | null;
  @Column({ name: 'actor_address', type: 'varchar', length: 64, nullable: true }) actorAddress: string | null;
  /** The client that the event is about. */
  @Column({ name: 'client_id', type: 'varchar', length: 128, nullable: true }) clientId: string | null;
  /** The user that the event is about. */
  @Column({ name: 'user_id', type: 'varchar', length: 64, nullable: true }) userId: string | null;
  @Column({ name: 'request_id', type: 'varchar', length: 64, nullable: true }) requestId: string | null;
  @Column({ type: 'simple-json' }) detail: Record<string, unknown>;
}
