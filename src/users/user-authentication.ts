import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Actor, AuditLog } from '../audit/audit-log.js';
import type { Counter } from '../common/metrics/counter.js';
import { Metrics } from '../common/metrics/metrics.js';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { Transactions } from '../database/transactions.js';
import { RateLimits } from '../rate-limits/rate-limits.js';
import { identifierKey } from './identifier-key.js';
import { type Allowed, PasswordAttempts, type ReachedLimit } from './password-attempts.js';
import { PasswordHashing, type PasswordVerdict } from './passwords/password-hashing.js';
import type { User } from './user.js';
import { UserLogins } from './user-logins.js';
import { type PasswordCredentials, UsersRepository } from './users.repository.js';

/** What a password is asked for. */
type Purpose = 'sign_in' | 'password_change';

const OUTCOMES = ['success', 'refused', 'throttled', 'unavailable', 'other'] as const;

/**
 * Signs a user in by her password: the one way in which a password is ever judged. Unknown, wrong, disabled, locked and without a password are one answer, and
 * take the same steps, the hash among them, so that none shows by its time.
 */
@Injectable()
export class UserAuthentication {
  private readonly signIns: Counter<{ outcome: typeof OUTCOMES }>;

  constructor(
    private readonly users: UsersRepository,
    private readonly attempts: PasswordAttempts,
    private readonly hashing: PasswordHashing,
    private readonly logins: UserLogins,
    private readonly transactions: Transactions,
    private readonly audit: AuditLog,
    private readonly limits: RateLimits,
    metrics: Metrics,
  ) {
    this.signIns = metrics.counter({
      name: 'sign_ins_total',
      help: 'Passwords of users that were to be judged: `refused` for a wrong one, an unknown or a disabled user, `throttled` after too many of these, `unavailable` while the database or the hashing threads could not take it, `other` where what a right one was for was refused.',
      labels: { outcome: OUTCOMES },
    });
  }

  /**
   * @param actor who asks, and from which address: guesses are counted by it
   * @param begin what the user is signed in for (a session, a token family): written in the transaction that records the success, of which there is but one to wait for
   * @returns what `begin` did; `undefined` when the user is not signed in, for whichever reason
   * @throws {RateLimitedError} when more passwords are sent than a limit allows
   * @throws {TemporarilyUnavailableError} when the database or the hashing threads cannot take it now; whatever `begin` throws, the password still having been right
   */
  async byPassword<T extends object>(username: string, password: string, actor: Actor, begin: (user: User, manager: EntityManager) => T | Promise<T>, purpose: Purpose = 'sign_in'): Promise<T | undefined> {
    this.limits.takeLogin(identifierKey(username), actor);
    try {
      return await this.attempt(username, password, actor, begin, purpose);
    } catch (error) {
      this.signIns.inc({ outcome: error instanceof TemporarilyUnavailableError ? 'unavailable' : 'other' });
      throw error;
    }
  }

  private async attempt<T>(username: string, password: string, actor: Actor, begin: (user: User, manager: EntityManager) => T | Promise<T>, purpose: Purpose): Promise<T | undefined> {
    // Before anything is counted and looked up for a password that nobody has the time to look at.
    this.hashing.assertRoom();
    const account = identifierKey(username);
    const admission = await this.attempts.begin(account, actor.address ?? '');
    if ('limit' in admission) {
      await this.refuse(account, password, actor, admission, purpose);
      this.signIns.inc({ outcome: 'throttled' });
      return undefined;
    }
    const { allowed } = admission;
    const { credentials, verdict } = await this.judge(account, password).catch(async (error: unknown) => {
      await this.attempts.release(allowed).catch(() => undefined);
      throw error;
    });
    if (!credentials || !verdict.matches) {
      await this.attempts.fail(allowed);
      this.noteFailure(credentials, reasonOf(credentials), actor, purpose);
      this.signIns.inc({ outcome: 'refused' });
      return undefined;
    }
    if (verdict.replacement !== undefined) await this.users.replaceHash(credentials.rowId, credentials.passwordHash!, verdict.replacement);
    this.logins.note(credentials.rowId);
    this.audit.note({ type: 'user.signed_in', actor, userId: credentials.user.userId, detail: { purpose } });
    const begun = await this.succeed(allowed, (manager) => begin(credentials.user, manager));
    this.signIns.inc({ outcome: 'success' });
    return begun;
  }

  private async succeed<T>(allowed: Allowed, begin: (manager: EntityManager) => T | Promise<T>): Promise<T> {
    try {
      return await this.transactions.run(async (manager) => {
        const begun = await begin(manager);
        // Last, since others wait for the counter of their address until the commit.
        await this.attempts.succeed(allowed, manager);
        return begun;
      });
    } catch (error) {
      await this.transactions.run((manager) => this.attempts.succeed(allowed, manager)).catch(() => undefined);
      throw error;
    }
  }

  private async judge(account: string, password: string): Promise<{ credentials: PasswordCredentials | null; verdict: PasswordVerdict }> {
    const credentials = await this.users.findCredentials(account);
    return { credentials, verdict: await this.hashing.verify(password, credentials?.user.enabled ? credentials.passwordHash : null) };
  }

  /** By the same steps, for whoever measures the time. */
  private async refuse(account: string, password: string, actor: Actor, { limit, key }: { limit: ReachedLimit; key: string }, purpose: Purpose): Promise<void> {
    const credentials = await this.users.findCredentials(account);
    await this.hashing.verify(password, null);
    this.noteFailure(credentials, 'throttled', actor, purpose);
    if (await this.attempts.announce(key)) await this.audit.record({ type: 'user.login_throttled', actor, ...(credentials ? { userId: credentials.user.userId } : {}), detail: { limit } });
  }

  private noteFailure(credentials: PasswordCredentials | null, reason: string, actor: Actor, purpose: Purpose): void {
    this.audit.note({ type: 'user.sign_in_failed', actor, ...(credentials ? { userId: credentials.user.userId } : {}), detail: { reason, purpose } });
  }
}

function reasonOf(credentials: PasswordCredentials | null): string {
  if (!credentials) return 'unknown_user';
  if (!credentials.user.enabled) return 'disabled_user';
  return credentials.passwordHash === null ? 'no_password' : 'wrong_password';
}
