import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { digestOf } from '../common/crypto/opaque-value.js';
import { OAuthError } from '../common/oauth/oauth-error.js';
import { Clock } from '../common/time/clock.js';
import type { ConsentEntity } from '../consents/consent.entity.js';
import { type Allowed, Consents } from '../consents/consents.js';
import { UserScope } from '../grants/user-scope.js';
import type { Session } from '../sessions/sessions.js';
import { type Target, TargetResolver } from '../tokens/target-resolver.js';
import { claimsWithin, scopesOfClaims } from '../users/user-claims.js';
import type { AuthorizationRequest } from './authorization-request.js';
import type { CheckedRequest } from './authorize.pipeline.js';
import type { Interaction } from './interactions/interactions.js';

/** Why the user is not asked: they have just allowed this request, they allowed the client this before, or an admin did. */
export type Permission = { by: 'approval' } | { by: 'consent'; consent: ConsentEntity } | { by: 'skip_consent' };

/** What a user is asked to allow. */
export interface Asked extends Allowed {
  /** By which it is known again. */
  readonly digest: string;
}

export interface Grant {
  readonly target: Target;
  readonly session: Session;
  readonly permission: Permission;
}

/** What a request still needs: the user, their consent, or nothing but an answer. */
export type Decision = { ask: 'login' | 'consent' } | { grant: Grant };

/**
 * Decides what an authorization request still needs before it can be answered, OIDC Core §3.1.2.3 and §3.1.2.4. Whoever
 * acts on a {@link Grant} checks in the same transaction that what it rests on is still there.
 */
@Injectable()
export class AuthorizationDecision {
  constructor(
    private readonly consents: Consents,
    private readonly userScope: UserScope,
    private readonly targets: TargetResolver,
    private readonly clock: Clock,
  ) {}

  /**
   * @param interaction what the user has been asked so far
   * @throws {OAuthError} that the client is to hear
   */
  async decide({ client, request }: CheckedRequest, session: Session | undefined, interaction?: Interaction): Promise<Decision> {
    const silent = request.prompt.includes('none');
    if (!session || !this.isRecent(request, session, interaction)) {
      if (silent) throw new OAuthError('login_required', 'The user is not signed in.');
      return { ask: 'login' };
    }
    if (request.hintedUserId !== undefined && request.hintedUserId !== session.user.userId) throw new OAuthError('login_required', 'Another user than the one who is asked for is signed in.');
    const target = this.targetFor({ client, request }, session);
    const permission = await this.findPermission({ client, request }, session, target, interaction);
    if (permission) return { grant: { target, session, permission } };
    if (silent) throw new OAuthError('consent_required', 'The user has not consented.');
    return { ask: 'consent' };
  }

  /**
   * What of the request the user may hand on.
   * @throws {OAuthError} `invalid_scope`, `invalid_target`
   */
  targetFor({ client, request }: CheckedRequest, { user }: Session): Target {
    return this.targets.resolve(client, this.userScope.allowed(client, user, request.scope), request.scopeSent, request.resource);
  }

  /** Claims that are requested one by one count as the scope that they belong to (OIDC Core §5.5). */
  askedFor({ client, request }: CheckedRequest, { scope: granted, audience }: Target): Asked {
    const { id_token: idToken, userinfo } = request.claims ?? {};
    const claims = granted.includes('openid') ? [...Object.keys(idToken ?? {}), ...Object.keys(userinfo ?? {})] : [];
    const scope = [...new Set([...granted, ...scopesOfClaims(claimsWithin(client.scope, claims))])];
    const byAudience = this.consents.divide(scope, audience);
    return { scope, byAudience, digest: digestOf(JSON.stringify([...byAudience])) };
  }

  /** Whether she signed in as lately as the request asks. At its own pages she always did. */
  private isRecent({ prompt, maxAgeSeconds }: AuthorizationRequest, { sessionId, authenticatedAtMs }: Session, interaction: Interaction | undefined): boolean {
    if (interaction?.signedInSession === sessionId) return true;
    if (prompt.includes('login') || prompt.includes('select_account')) return false;
    return maxAgeSeconds === undefined || this.clock.nowMs() - authenticatedAtMs < maxAgeSeconds * 1000;
  }

  private async findPermission(
    checked: CheckedRequest,
    { user }: Session,
    target: Target,
    interaction: Interaction | undefined,
  ): Promise<Permission | undefined> {
    const { client, request } = checked;
    const asked = this.askedFor(checked, target);
    if (interaction && approves(interaction, user.userId, asked)) return { by: 'approval' };
    if (request.prompt.includes('consent') || !isIdentified(client, request.redirectUri)) return undefined;
    if (client.skipConsent) return { by: 'skip_consent' };
    const consent = await this.consents.find(user.userId, client, asked.byAudience);
    return consent && { by: 'consent', consent };
  }
}

/** An admin may have changed since what the request comes to. Approvals of the version before this one have no digest. */
const approves = ({ approvedBy, approvedDigest }: Interaction, userId: string, asked: Asked): boolean =>
  approvedBy === userId && (approvedDigest === null || approvedDigest === asked.digest);

/** Whether it is certain who gets the answer: a client that authenticates, or one to whose own web address it goes. Any app may listen where others do (RFC 8252 §8.6). */
export function isIdentified(client: Client, redirectUri: string): boolean {
  return client.confidential || redirectUri.startsWith('https:');
}
