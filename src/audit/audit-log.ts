import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Logger } from '../common/logging/logger.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { Transactions } from '../database/transactions.js';
import type { AuditEvent } from './audit-event.entity.js';
import { AUDIT_EVENTS, type AuditEventType, type Change, type Observation } from './audit-event-types.js';
import { AuditEventsRepository } from './audit-events.repository.js';
import { Observations } from './observations.js';

/** Who did it, from where, in which request. Empty when the server itself did. */
export interface Actor {
  readonly clientId?: string;
  /** A user who acts herself, at our pages. */
  readonly userId?: string;
  /** The system user at the command line. */
  readonly operator?: string;
  readonly address?: string;
  readonly requestId?: string;
}

export const SERVER: Actor = Object.freeze({});

interface About {
  actor: Actor;
  /** That the event is about: one that exists, never what a caller claims. */
  clientId?: string;
  userId?: string;
  /** Names of what changed, fixed words, ids, and {@link DescribedChanges}; never a secret, a token, a digest of one, or what a person is called. */
  detail?: Record<string, unknown>;
}

export interface AuditRecord extends About {
  type: Change;
}

interface AuditNote extends About {
  type: Observation;
}

const MAX_OPERATOR_LENGTH = 64;

/** Writes down who did what, and what was seen. */
@Injectable()
export class AuditLog implements OnApplicationShutdown {
  private readonly observations: Observations;

  constructor(
    private readonly events: AuditEventsRepository,
    private readonly clock: Clock,
    transactions: Transactions,
    config: Config,
    logger: Logger,
  ) {
    this.observations = new Observations(config.lastUsedFlushSeconds * 1000, (rows) => transactions.run((manager) => events.appendAll(rows, manager)), logger);
  }

  /** How many rows of observations wait to be written. */
  get pending(): number {
    return this.observations.size;
  }

  /** How many rows of observations were lost because too many waited. */
  get dropped(): number {
    return this.observations.dropped;
  }

  /** @param manager of the transaction that makes the change, so that neither is there without the other */
  record(record: AuditRecord, manager?: EntityManager): Promise<void> {
    return this.events.append(this.rowOf(record), manager);
  }

  /** Records many changes of one transaction in few statements. */
  recordAll(records: readonly AuditRecord[], manager: EntityManager): Promise<void> {
    return this.events.appendAll(
      records.map((record) => this.rowOf(record)),
      manager,
    );
  }

  /**
   * Notes what happened without a change of ours to tie it to. It never throws and nobody waits for it: it is written behind, in order of what came first, and equal ones become one row. A crash
   * loses the last of it; an orderly stop does not.
   */
  note(note: AuditNote): void {
    this.observations.note(this.rowOf(note));
  }

  /** Writes what would be written within seconds, for somebody who reads the log now. */
  writeWaiting(): Promise<void> {
    return this.observations.writeWaiting();
  }

  /** Writes what is noted. */
  flush(): Promise<void> {
    return this.observations.flush();
  }

  onApplicationShutdown(): Promise<void> {
    return this.observations.close();
  }

  private rowOf({ type, actor, clientId, userId, detail }: About & { type: AuditEventType }): Omit<AuditEvent, 'id'> {
    return {
      type,
      occurredAt: this.clock.nowMs(),
      lastOccurredAt: null,
      occurrences: 1,
      result: AUDIT_EVENTS[type][1],
      actorClientId: actor.clientId ?? null,
      actorUserId: actor.userId ?? null,
      actorOperator: actor.operator?.slice(0, MAX_OPERATOR_LENGTH) ?? null,
      actorAddress: actor.address ?? null,
      clientId: clientId ?? null,
      userId: userId ?? null,
      requestId: actor.requestId ?? null,
      detail: detail ?? {},
    };
  }
}
