import { Injectable } from '@nestjs/common';
import type { Response } from 'express';
import { AuditLog } from '../../audit/audit-log.js';
import { TemporarilyUnavailableError } from '../../common/temporarily-unavailable.error.js';
import { Config } from '../../config/config.js';
import { Transactions } from '../../database/transactions.js';
import type { AccountView } from '../../pages/views.js';
import { BrowserCookies } from '../../sessions/browser-cookies.js';
import { type Session, Sessions } from '../../sessions/sessions.js';
import { PasswordHashing } from '../../users/passwords/password-hashing.js';
import { PASSWORD_PROBLEM, passwordContext, passwordProblem } from '../../users/passwords/password-policy.js';
import { User } from '../../users/user.js';
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

/**
 * Lets a user set another password, by the one that she has: a guess at it counts as one at the sign-in does. She is signed out everywhere by it, and signed in anew where she is.
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
    private readonly cookies: BrowserCookies,
    private readonly transactions: Transactions,
    private readonly audit: AuditLog,
  ) {}

  /** Answers why the password is not changed, if it is not. */
  async attempt(req: PageFormRequest, res: Response, session: Session): Promise<PasswordError | undefined> {
    const user = await this.users.find(session.user.userId);
    if (!user) return 'wrong';
    const { current_password: current, new_password: wanted, new_password_repeat: repeated } = req.body;
    if (wanted !== repeated) return 'mismatch';
    const problem = this.problemOf(wanted ?? '', user);
    if (problem !== undefined) return problem;
    try {
      const actor = browserActor(req, session.user);
      if (!(await this.authentication.byPassword(user.username, current ?? '', actor, (known) => known, 'password_change'))) return 'wrong';
      await this.registry.setPassword(user.userId, await this.hashing.hash(wanted!), actor, () => undefined);
      await this.signInAgain(req, res, session);
      return undefined;
    } catch (error) {
      if (error instanceof TemporarilyUnavailableError) return 'busy';
      throw error;
    }
  }

  private problemOf(password: string, user: UserEntity): PasswordError | undefined {
    const problem = passwordProblem(password, passwordContext(user, this.config.issuer));
    return problem === undefined ? undefined : (REASONS.get(problem) ?? 'malformed');
  }

  private async signInAgain(req: PageFormRequest, res: Response, before: Session): Promise<void> {
    const { user: { userId }, amr } = before;
    const user = await this.users.find(userId);
    if (!user) return;
    const actor = browserActor(req, before.user);
    const { session, cookie } = await this.transactions.run((manager) => this.sessions.begin(new User(user), amr, actor, req.headers['user-agent'], undefined, manager));
    this.audit.note({ type: 'session.begun', actor, userId, detail: { session_id: session.sessionId } });
    this.cookies.setSession(res, cookie);
  }
}
