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
    preferLocales(req, request.uiLocales);
    const view = {
      csrfToken,
      action: `${pathOf(requestId)}/consent`,
      client: { clientId: client.clientId, name: client.clientName },
      returnsTo: destinationOf(request.redirectUri),
      username: (await this.users.find(session.user.userId))?.username ?? '',
      scopes: this.decision.consentScope(interaction, target).map((name) => ({ scope: name, ...describedBy(this.resources.describe(name)) })),
      accessSeconds: refreshable ? client.refreshTokenLifetimeSeconds : target.lifetimeSeconds,
      unverified: !isIdentified(client, request.redirectUri),
    };
    this.pages.render(req, res, 200, 'consent', view, { formAction: [formActionSource(request.redirectUri)] });
  }

  /** For this request; and for later ones as well, where it is certain that it is the same client that asks. */
  async allow(interaction: Interaction, session: Session, actor: Actor): Promise<void> {
    const { client, request } = interaction;
    const { user } = session;
    const scope = this.decision.consentScope(interaction, this.decision.targetFor(interaction, session));
    await this.transactions.run(async (manager) => {
      await this.interactions.approve(interaction, user.userId, manager);
      if (isIdentified(client, request.redirectUri)) await this.consents.give(user.userId, client, scope, manager);
      await this.audit.record({ type: 'consent.given', actor, clientId: client.clientId, userId: user.userId, detail: { scope: formatScope(scope) } }, manager);
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
