import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../audit/audit-log.js';
import { OAuthError } from '../common/oauth/oauth-error.js';
import { Transactions } from '../database/transactions.js';
import type { Session } from '../sessions/sessions.js';
import type { AuthorizationAnswer } from './authorization-answer.js';
import { AuthorizationDecision } from './authorization-decision.js';
import { AuthorizationIssuer } from './authorization-issuer.js';
import { AuthorizationRefusal } from './authorization-refusal.js';
import { AuthorizationResponder } from './authorization-responder.js';
import type { CheckedRequest } from './authorize.pipeline.js';
import { type Interaction, Interactions } from './interactions/interactions.js';
import { PushedAuthorizationRequests } from './pushed/pushed-authorization-requests.js';

/** What happens next: the user is asked, or the client gets its answer. */
export type Outcome = { ask: 'login' | 'consent' } | { answer: AuthorizationAnswer };

/** Takes an authorization request as far as it goes now. A request is answered once: the database decides by whom. */
@Injectable()
export class Authorizations {
  constructor(
    private readonly decision: AuthorizationDecision,
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
    try {
      const decision = await this.decision.decide(checked, session, interaction);
      if ('ask' in decision) return decision;
      const answer = await this.transactions.run(async (manager) => {
        await this.consume(checked, interaction, manager);
        return this.issuer.prepare(checked, decision.grant, decision.session, actor, manager);
      });
      return { answer: await answer() };
    } catch (error) {
      if (!(error instanceof OAuthError) || error.status >= 500) throw new AuthorizationRefusal(checked.request, error);
      return { answer: await this.refuse(checked, error, interaction) };
    }
  }

  /** Answers the request with an error. @throws {OAuthError} when it was answered before */
  async refuse(checked: CheckedRequest, error: OAuthError, interaction?: Interaction): Promise<AuthorizationAnswer> {
    await this.transactions.run((manager) => this.consume(checked, interaction, manager));
    return this.responder.refusal(checked.request, error);
  }

  private async consume({ request }: CheckedRequest, interaction: Interaction | undefined, manager: EntityManager): Promise<void> {
    if (interaction) await this.interactions.consume(interaction, manager);
    if (request.pushedId !== undefined) await this.pushed.consume(request.pushedId, manager);
  }
}
