import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Consents } from '../consents/consents.js';
import { OvertakenError } from '../database/optimistic.js';
import { SessionsRepository } from '../sessions/sessions.repository.js';
import type { Grant } from './authorization-decision.js';
import { type Interaction, Interactions } from './interactions/interactions.js';

/** What a grant rests on was gone when it was to be acted on. */
export class LostGroundError extends OvertakenError {
  constructor(readonly ground: 'session' | 'approval' | 'consent') {
    super();
  }
}

/** Makes sure, in the transaction that acts on a grant, that what the grant rests on is still there. */
@Injectable()
export class AuthorizationGround {
  constructor(
    private readonly interactions: Interactions,
    private readonly sessions: SessionsRepository,
    private readonly consents: Consents,
  ) {}

  /**
   * Locks what the grant rests on until the transaction ends: a logout or a withdrawal waits for it, and ends what it
   * wrote. An admin's `skip_consent` is nothing that a withdrawal ends.
   * @throws {LostGroundError} when it is gone
   */
  async hold(
    { session, permission }: Grant,
    interaction: Interaction | undefined,
    manager: EntityManager,
  ): Promise<void> {
    const { userId } = session.user;
    if (permission.by === 'approval' && !(await this.interactions.isApprovedBy(interaction!, userId, manager))) {
      throw new LostGroundError('approval');
    }
    if (!(await this.sessions.lock(session.sessionId, manager))) throw new LostGroundError('session');
    if (permission.by === 'consent' && !(await this.consents.hold(permission.consent, manager))) {
      throw new LostGroundError('consent');
    }
  }
}
