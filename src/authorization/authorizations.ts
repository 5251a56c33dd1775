import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../audit/audit-log.js';
import { OAuthError } from '../common/oauth/oauth-error.js';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { OvertakenError, untilNotOvertaken } from '../database/optimistic.js';
import { Transactions } from '../database/transactions.js';
import type { Session } from '../sessions/sessions.js';
import type { AuthorizationAnswer } from './authorization-answer.js';
import { AuthorizationDecision } from './authorization-decision.js';
import { AuthorizationGround, LostGroundError } from './authorization-ground.js';
import { AuthorizationIssuer } from './authorization-issuer.js';
import { AuthorizationRefusal } from './authorization-refusal.js';
import { AuthorizationResponder } from './authorization-responder.js';
import type { CheckedRequest } from './authorize.pipeline.js';
import { type Interaction, Interactions } from './interactions/interactions.js';
import { PushedAuthorizationRequests } from './pushed/pushed-authorization-requests.js';

/** What happens next: the user is asked, or the client gets its answer. */
export type Outcome = { ask: 'login' | 'consent' } | { answer: AuthorizationAnswer };

/** What was read before the decision. */
interface Known {
  readonly session: Session | undefined;
  readonly interaction: Interaction | undefined;
}

/**
 * Takes an authorization request as far as it goes now. A request is answered once: the database decides by whom. The
 * transaction that writes the code, or begins the token family, locks what the decision rests on. If that has ended
 * meanwhile, the decision is made again.
 */
@Injectable()
export class Authorizations {
  constructor(
    private readonly decision: AuthorizationDecision,
    private readonly ground: AuthorizationGround,
    private readonly issuer: AuthorizationIssuer,
    private readonly responder: AuthorizationResponder,
    private readonly interactions: Interactions,
    private readonly pushed: PushedAuthorizationRequests,
    private readonly transactions: Transactions,
  ) {}

  /**
   * @param actor who is signed in, from where
   * @param interaction when the user has been asked already
   * @throws {AuthorizationRefusal} when the server cannot go on now
   */
  async proceed(checked: CheckedRequest, session: Session | undefined, actor: Actor, interaction?: Interaction): Promise<Outcome> {
    let known: Known = { session, interaction };
    try {
      return await untilNotOvertaken(() =>
        this.decideAndAct(checked, known, actor).catch((error: unknown) => {
          if (error instanceof LostGroundError) known = without(known, error.ground);
          throw error;
        }),
      );
    } catch (error) {
      if (error instanceof OAuthError && error.status < 500) {
        return { answer: await this.refuse(checked, error, interaction) };
      }
      const overtaken = error instanceof OvertakenError;
      const cause = overtaken ? new TemporarilyUnavailableError('the consent changed with every decision') : error;
      throw new AuthorizationRefusal(checked.request, cause);
    }
  }

  /** Answers the request with an error. @throws {OAuthError} when it was answered before */
  async refuse(checked: CheckedRequest, error: OAuthError, interaction?: Interaction): Promise<AuthorizationAnswer> {
    await this.transactions.run((manager) => this.consume(checked, interaction, manager));
    return this.responder.refusal(checked.request, error);
  }

  private async decideAndAct(checked: CheckedRequest, { session, interaction }: Known, actor: Actor): Promise<Outcome> {
    const decision = await this.decision.decide(checked, session, interaction);
    if ('ask' in decision) return decision;
    const { grant } = decision;
    const prepared = await this.issuer.prepare(checked, grant.target, grant.session, actor);
    await this.transactions.run(async (manager) => {
      await this.consume(checked, interaction, manager);
      await this.ground.hold(grant, interaction, manager);
      await prepared.store(manager);
    });
    prepared.note();
    return { answer: prepared.answer };
  }

  private async consume({ request }: CheckedRequest, interaction: Interaction | undefined, manager: EntityManager): Promise<void> {
    if (interaction) await this.interactions.consume(interaction, manager);
    if (request.pushedId !== undefined) await this.pushed.consume(request.pushedId, manager);
  }
}

/** A consent is read again with each decision. */
function without({ session, interaction }: Known, ground: LostGroundError['ground']): Known {
  if (ground === 'session') return { session: undefined, interaction };
  if (ground === 'approval') return { session, interaction: interaction && { ...interaction, approvedBy: null } };
  return { session, interaction };
}
