import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../audit/audit-log.js';
import { digestOf, OPAQUE_PREFIX } from '../common/crypto/opaque-value.js';
import { randomId } from '../common/crypto/random-id.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import type { User } from '../users/user.js';
import { UserDirectory } from '../users/user-directory.js';
import { SessionCookieValues } from './session-cookie-values.js';
import type { SessionEntity } from './session.entity.js';
import { SessionsRepository } from './sessions.repository.js';

/** The use of a session is written down this often at most. */
const TOUCH_MS = 60_000;
const MAX_USER_AGENT_LENGTH = 255;

/** A user who is signed in in a browser. */
export interface Session {
  /** The `sid` of ID tokens. */
  readonly sessionId: string;
  readonly user: User;
  /** Milliseconds since the epoch. */
  readonly authenticatedAtMs: number;
  /** RFC 8176. */
  readonly amr: readonly string[];
}

type SessionState = Omit<SessionEntity, 'id' | 'sessionId' | 'digest'>;
type NamedCookie = Readonly<Record<'sessionId' | 'cookie', string>>;

/** Another sign-in of a user, as she sees it in her list. Times are milliseconds since the epoch. */
export interface ListedSession {
  readonly sessionId: string;
  readonly authenticatedAtMs: number;
  readonly lastSeenAtMs: number;
  readonly address: string | null;
  readonly userAgent: string | null;
}

/**
 * Sign-ins of users at this server. What the browser holds is opaque and stored as a hash; every look goes to the database, so that a session that was ended on one
 * instance is over on all of them. A change of the user's generation (password set, disabled, signed out everywhere) ends all of hers.
 */
@Injectable()
export class Sessions {
  constructor(
    private readonly repository: SessionsRepository,
    private readonly users: UserDirectory,
    private readonly cookies: SessionCookieValues,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /**
   * Begins a session, by a cookie that nobody has seen before. Where the same user signs in once more the session goes on, and the cookie that it had is void: the clients
   * that know it by its `sid` still do.
   *
   * @param before the session that the browser had
   * @returns the session, and the value of its cookie, which is nowhere else
   */
  async begin(
    user: User,
    amr: readonly string[],
    actor: Actor,
    userAgent: string | undefined,
    before: Session | undefined,
    manager: EntityManager,
  ): Promise<{ session: Session; cookie: string }> {
    const nowMs = this.clock.nowMs();
    const expiresAt = nowMs + this.config.sessionLifetimeSeconds * 1000;
    const rest = {
      userId: user.userId,
      userGeneration: user.tokenGeneration,
      authenticatedAt: nowMs,
      amr: amr.join(' '),
      address: actor.address ?? null,
      userAgent: userAgent?.slice(0, MAX_USER_AGENT_LENGTH) ?? null,
      lastSeenAt: nowMs,
      idleExpiresAt: this.idleEnd(nowMs, expiresAt),
      expiresAt,
    };
    const renewed = before?.user.userId === user.userId ? await this.renew(before, rest, manager) : undefined;
    const { sessionId, cookie } = renewed ?? (await this.insert(rest, manager));
    return { session: { sessionId, user, authenticatedAtMs: nowMs, amr }, cookie };
  }

  /** The session of a cookie while it is good; a use of it moves its idle end. */
  async find(cookie: string | undefined): Promise<Session | undefined> {
    if (!cookie?.startsWith(OPAQUE_PREFIX.session)) return undefined;
    const row = await this.repository.findByDigest(digestOf(cookie));
    const user = row && (await this.userOf(row));
    if (!user) return undefined;
    const nowMs = this.clock.nowMs();
    if (nowMs - row.lastSeenAt >= TOUCH_MS) await this.repository.touch(row, nowMs, this.idleEnd(nowMs, row.expiresAt));
    return { sessionId: row.sessionId, user, authenticatedAtMs: row.authenticatedAt, amr: row.amr.split(' ') };
  }

  /**
   * Whether a browser that sends this cookie was signed in by a session which has ended, or ran out. A session that goes
   * on by another cookie is not this browser's any more.
   */
  async wasSignedIn(cookie: string | undefined, sessionId: string): Promise<boolean> {
    if (!cookie?.startsWith(OPAQUE_PREFIX.session)) return false;
    const row = await this.repository.find(sessionId);
    if (row?.digest === digestOf(cookie)) return true;
    return !(row && this.isGood(row)) && this.cookies.wasMadeFor(cookie, sessionId);
  }

  /** The good sessions of a user, newest first. */
  async list(user: User): Promise<ListedSession[]> {
    const rows = (await this.repository.ofUser(user.userId)).filter((row) => this.isGood(row) && row.userGeneration === user.tokenGeneration);
    return rows.map((row) => ({ sessionId: row.sessionId, authenticatedAtMs: row.authenticatedAt, lastSeenAtMs: row.lastSeenAt, address: row.address, userAgent: row.userAgent }));
  }

  /** Returns `undefined` for a session that has ended since it was read. */
  private async renew(
    { sessionId }: Session,
    rest: SessionState,
    manager: EntityManager,
  ): Promise<NamedCookie | undefined> {
    const cookie = this.cookies.make(sessionId);
    const renewed = await this.repository.renew({ sessionId, digest: digestOf(cookie), ...rest }, manager);
    return renewed ? { sessionId, cookie } : undefined;
  }

  /** By an id of its own: a client that is still to be told of the end of another session does not end this one. */
  private async insert(rest: SessionState, manager: EntityManager): Promise<NamedCookie> {
    const sessionId = randomId();
    const cookie = this.cookies.make(sessionId);
    await this.repository.insert({ sessionId, digest: digestOf(cookie), ...rest }, manager);
    return { sessionId, cookie };
  }

  private async userOf(row: SessionEntity): Promise<User | undefined> {
    return this.isGood(row) ? this.users.findOfGeneration(row.userId, row.userGeneration) : undefined;
  }

  private isGood({ idleExpiresAt, expiresAt }: SessionEntity): boolean {
    return Math.min(idleExpiresAt, expiresAt) > this.clock.nowMs();
  }

  private idleEnd(nowMs: number, expiresAt: number): number {
    return Math.min(nowMs + this.config.sessionIdleLifetimeSeconds * 1000, expiresAt);
  }
}
