import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { type Actor, AuditLog } from '../audit/audit-log.js';
import { AuthorizationDecision, isIdentified } from '../authorization/authorization-decision.js';
import { type Interaction, Interactions, pathOf } from '../authorization/interactions/interactions.js';
import { formatScope } from '../common/oauth/scope.js';
import { Consents } from '../consents/consents.js';
import { Transactions } from '../database/transactions.js';
import { givesRefreshToken } from '../grants/user-scope.js';
import { formActionSource } from '../pages/page-headers.js';
import { preferLocales } from '../pages/page-locale.js';
import { PageRenderer } from '../pages/page-renderer.js';
import { ResourceDirectory } from '../resources/resource-directory.js';
import type { Session } from '../sessions/sessions.js';
import { UsersRepository } from '../users/users.repository.js';

/** What a user is asked to allow, and what it means that she did. */
@Injectable()
export class ConsentPage {
  constructor(
    private readonly decision: AuthorizationDecision,
    private readonly interactions: Interactions,
    private readonly consents: Consents,
    private readonly resources: ResourceDirectory,
    private readonly users: UsersRepository,
    private readonly transactions: Transactions,
    private readonly audit: AuditLog,
    private readonly pages: PageRenderer,
  ) {}

  async render(req: Request, res: Response, interaction: Interaction, session: Session, csrfToken: string): Promise<void> {
    const { requestId, client, request } = interaction;
    const target = this.decision.targetFor(interaction, session);
    const refreshable = request.responseType === 'code' && givesRefreshToken(client, target.scope);
    const { scope, byAudience, digest } = this.decision.askedFor(interaction, target);
    preferLocales(req, request.uiLocales);
    const view = {
      csrfToken,
      action: `${pathOf(requestId)}/consent`,
      client: { clientId: client.clientId, name: client.clientName },
      returnsTo: destinationOf(request.redirectUri),
      username: (await this.users.find(session.user.userId))?.username ?? '',
      asked: digest,
      resources: [...byAudience.keys()].flatMap((identifier) => this.resources.find(identifier)?.name ?? []),
      scopes: scope.map((name) => ({ scope: name, ...describedBy(this.resources.describe(name)) })),
      accessSeconds: refreshable ? client.refreshTokenLifetimeSeconds : target.lifetimeSeconds,
      unverified: !isIdentified(client, request.redirectUri),
    };
    this.pages.render(req, res, 200, 'consent', view, { formAction: [formActionSource(request.redirectUri)] });
  }

  /**
   * Allows it for this request, and for later ones where it is certain that it is the same client that asks. Does nothing
   * if the request comes to something else by now: the user is asked again.
   * @param shown what the page asked for, as its form says; `undefined`: the page is of the version before
   */
  async allow(interaction: Interaction, session: Session, shown: string | undefined, actor: Actor): Promise<void> {
    const { client, request } = interaction;
    const { userId } = session.user;
    const target = this.decision.targetFor(interaction, session);
    const asked = this.decision.askedFor(interaction, target);
    const { scope, byAudience, digest } = asked;
    if (shown !== undefined && shown !== digest) return;
    const detail = { scope: formatScope(scope), audience: [...byAudience.keys()] };
    await this.transactions.run(async (manager) => {
      await this.interactions.approve(interaction, userId, digest, manager);
      if (isIdentified(client, request.redirectUri)) await this.consents.give(userId, client, asked, manager);
      await this.audit.record({ type: 'consent.given', actor, clientId: client.clientId, userId, detail }, manager);
    });
  }

  noteRefusal({ client }: Interaction, { user }: Session, actor: Actor): void {
    this.audit.note({ type: 'consent.refused', actor, clientId: client.clientId, userId: user.userId });
  }
}

const describedBy = (description: string | undefined) => (description === undefined ? {} : { description });

/** The host, or the scheme of an app. */
function destinationOf(redirectUri: string): string {
  const { host, protocol } = new URL(redirectUri);
  return /^https?:$/.test(protocol) ? host : protocol.slice(0, -1);
}
