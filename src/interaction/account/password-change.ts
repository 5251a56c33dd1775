import { Injectable } from '@nestjs/common';
import type { Response } from 'express';
import type { EntityManager } from 'typeorm';
import { AuditLog } from '../../audit/audit-log.js';
import { addressBlock } from '../../common/http/address-block.js';
import { TemporarilyUnavailableError } from '../../common/temporarily-unavailable.error.js';
import { Config } from '../../config/config.js';
import type { AccountView } from '../../pages/views.js';
import { BrowserCookies } from '../../sessions/browser-cookies.js';
import { type Session, Sessions } from '../../sessions/sessions.js';
import { SessionsRepository } from '../../sessions/sessions.repository.js';
import { PasswordHashing } from '../../users/passwords/password-hashing.js';
import { PASSWORD_PROBLEM, passwordContext, passwordProblem } from '../../users/passwords/password-policy.js';
import type { User } from '../../users/user.js';
import type { UserEntity } from '../../users/user.entity.js';
import { UserAuthentication } from '../../users/user-authentication.js';
import { UserRegistry } from '../../users/user-registry.js';
import { UsersRepository } from '../../users/users.repository.js';
import { browserActor } from '../browser-actor.js';
import type { PageFormRequest } from '../page-form.guard.js';

type PasswordError = NonNullable<AccountView['passwordError']>;

const REASONS: ReadonlyMap<string, PasswordError> = new Map(
  (Object.entries(PASSWORD_PROBLEM) as [keyof typeof PASSWORD_PROBLEM, string][]).map(([name, text]) => [text, name === 'notText' || name === 'control' ? 'malformed' : name]),
);

/** The user was signed out, or their password was set, since the password was verified. */
class OutdatedProofError extends Error {}

/**
 * Lets users replace their password if they know it: an attempt counts as one at the sign-in does. They are signed out
 * everywhere, and signed in anew where they are, in the transaction that sets the password: whatever ends their sessions
 * after that ends this one, too.
 */
@Injectable()
export class PasswordChange {
  constructor(
    private readonly config: Config,
    private readonly users: UsersRepository,
    private readonly authentication: UserAuthentication,
    private readonly hashing: PasswordHashing,
    private readonly registry: UserRegistry,
    private readonly sessions: Sessions,
    private readonly sessionRows: SessionsRepository,
    private readonly cookies: BrowserCookies,
    private readonly audit: AuditLog,
  ) {}

  /** Returns why the password was not changed, if it was not. */
  async attempt(req: PageFormRequest, res: Response, session: Session): Promise<PasswordError | undefined> {
    const user = await this.users.find(session.user.userId);
    if (!user) return 'wrong';
    const { current_password: current, new_password: wanted, new_password_repeat: repeated } = req.body;
    if (wanted !== repeated) return 'mismatch';
    const problem = this.problemOf(wanted ?? '', user);
    if (problem !== undefined) return problem;
    try {
      const actor = browserActor(req, session.user);
      const proved = await this.authentication.byPassword(
        user.username,
        current ?? '',
        actor,
        (known) => known,
        'password_change',
      );
      // The username may be another user's since it was read.
      if (proved?.userId !== session.user.userId) return 'wrong';
      if (proved.tokenGeneration !== session.user.tokenGeneration) return 'outdated';
      const passwordHash = await this.hashing.hash(wanted!, addressBlock(actor.address ?? ''));
      await this.replace(req, res, session, passwordHash);
      return undefined;
    } catch (error) {
      if (error instanceof OutdatedProofError) return 'outdated';
      if (error instanceof TemporarilyUnavailableError) return 'busy';
      throw error;
    }
  }

  private problemOf(password: string, user: UserEntity): PasswordError | undefined {
    const problem = passwordProblem(password, passwordContext(user, this.config.issuer));
    return problem === undefined ? undefined : (REASONS.get(problem) ?? 'malformed');
  }

  private async replace(req: PageFormRequest, res: Response, before: Session, passwordHash: string): Promise<void> {
    const { sessionId, amr, user: { userId, tokenGeneration } } = before;
    const actor = browserActor(req, before.user);
    let begun: Awaited<ReturnType<Sessions['begin']>> | undefined;
    const check = (current: UserEntity) => {
      if (current.tokenGeneration !== tokenGeneration) throw new OutdatedProofError();
    };
    const beginSession = async (user: User, manager: EntityManager) => {
      begun = undefined;
      // A session that the user has ended meanwhile does not come back.
      if (!(await this.sessionRows.lock(sessionId, manager))) return;
      begun = await this.sessions.begin(user, amr, actor, req.headers['user-agent'], undefined, manager);
    };
    await this.registry.setPassword(userId, passwordHash, actor, check, beginSession);
    if (!begun) return;
    this.audit.note({ type: 'session.begun', actor, userId, detail: { session_id: begun.session.sessionId } });
    this.cookies.setSession(res, begun.cookie);
  }
}
