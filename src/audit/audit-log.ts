import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/time/clock.js';
import { AuditEventsRepository } from './audit-events.repository.js';

/** Everything that is audited: `<what>.<what happened>`. */
export type AuditEventType =
  | 'client.created'
  | 'client.updated'
  | 'client.deleted'
  | 'client.tokens_revoked'
  | 'client_secret.created'
  | 'client_secret.deleted'
  | 'resource.created'
  | 'resource.updated'
  | 'resource.deleted'
  | 'signing_key.created'
  | 'signing_key.rotated'
  | 'signing_key.deleted'
  | 'token.revoked'
  | 'refresh_token.revoked'
  | 'refresh_token.reused'
  | 'authorization_code.replayed'
  | 'consent.given'
  | 'consent.revoked'
  | 'session.ended'
  | 'logout.backchannel_failed'
  | 'user.created'
  | 'user.updated'
  | 'user.deleted'
  | 'user.password_set'
  | 'user.signed_out'
  | 'user.unlocked'
  | 'user.login_throttled';

/** Who did it, from where, in which request. Empty when the server itself did. */
export interface Actor {
  clientId?: string;
  address?: string;
  requestId?: string;
}

export const SERVER: Actor = Object.freeze({});

export interface AuditRecord {
  type: AuditEventType;
  actor: Actor;
  clientId?: string;
  userId?: string;
  /** Names of what changed and ids; never a secret, a token or a digest of one. */
  detail?: Record<string, unknown>;
}

@Injectable()
export class AuditLog {
  constructor(
    private readonly events: AuditEventsRepository,
    private readonly clock: Clock,
  ) {}

  /** @param manager of the transaction that makes the change, so that neither is there without the other */
  record({ type, actor, clientId, userId, detail }: AuditRecord, manager?: EntityManager): Promise<void> {
    return this.events.append(
      {
        type,
        occurredAt: this.clock.nowMs(),
        actorClientId: actor.clientId ?? null,
        actorAddress: actor.address ?? null,
        clientId: clientId ?? null,
        userId: userId ?? null,
        requestId: actor.requestId ?? null,
        detail: detail ?? {},
      },
      manager,
    );
  }
}
