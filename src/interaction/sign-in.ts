import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { EntityManager } from 'typeorm';
import { AuditLog } from '../audit/audit-log.js';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { type EndedSession, SessionEnd } from '../logout/session-end.js';
import { BrowserCookies } from '../sessions/browser-cookies.js';
import { type Session, Sessions } from '../sessions/sessions.js';
import { UserAuthentication } from '../users/user-authentication.js';
import { browserActor } from './browser-actor.js';
import type { PageFormRequest } from './page-form.guard.js';

/** Why a user is not signed in, as the pages say it. */
export type SignInError = 'credentials' | 'busy';

/** A session that begins, and the one before it in the browser if that was another. */
interface Opened {
  readonly session: Session;
  readonly cookie: string;
  readonly ended?: EndedSession;
}

/** RFC 8176. */
const AMR = ['pwd'];

/** Signs users in and out at our pages. */
@Injectable()
export class SignIn {
  constructor(
    private readonly authentication: UserAuthentication,
    private readonly sessions: Sessions,
    private readonly sessionEnd: SessionEnd,
    private readonly cookies: BrowserCookies,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Signs in by username and password, in place of whoever was signed in in this browser. Answers why it did not, if it did not.
   * @param note writes down what the sign-in is for, in its transaction
   */
  async attempt(req: PageFormRequest, res: Response, note?: (session: Session, manager: EntityManager) => Promise<void>): Promise<SignInError | undefined> {
    const { username, password } = req.body;
    if (username === undefined || password === undefined) return 'credentials';
    const actor = browserActor(req);
    const before = await this.sessions.find(this.cookies.session(req));
    try {
      const begun = await this.authentication.byPassword(username, password, actor, async (user, manager): Promise<Opened> => {
        const opened = await this.sessions.begin(user, AMR, actor, req.headers['user-agent'], before, manager);
        await note?.(opened.session, manager);
        if (!before || before.sessionId === opened.session.sessionId) return opened;
        const ended = await this.sessionEnd.endWithin(manager, before.sessionId, browserActor(req, before.user));
        return { ...opened, ended };
      });
      if (!begun) return 'credentials';
      const { session, cookie, ended } = begun;
      ended?.takeEffect();
      this.audit.note({ type: 'session.begun', actor: browserActor(req, session.user), userId: session.user.userId, detail: { session_id: session.sessionId } });
      this.cookies.setSession(res, cookie);
      return undefined;
    } catch (error) {
      if (error instanceof TemporarilyUnavailableError) return 'busy';
      throw error;
    }
  }

  /** Signs out in this browser. */
  async end(req: Request, res: Response): Promise<void> {
    const session = await this.sessions.find(this.cookies.session(req));
    if (session) await this.sessionEnd.end(session.sessionId, browserActor(req, session.user));
    // Once that is committed: a browser without its cookie could not ask for it again.
    this.cookies.clearSession(res);
  }
}
