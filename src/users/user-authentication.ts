import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../audit/audit-log.js';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { RateLimits } from '../rate-limits/rate-limits.js';
import { identifierKey } from './identifier-key.js';
import { PasswordAttempts, type ReachedLimit } from './password-attempts.js';
import { PasswordHashing, type PasswordVerdict } from './passwords/password-hashing.js';
import { type Purpose, SignInRecord } from './sign-in-record.js';
import type { User } from './user.js';
import { type PasswordCredentials, UsersRepository } from './users.repository.js';

/**
 * Signs a user in by her password: the one way in which a password is ever judged. Unknown, wrong, disabled, locked and without a password are one answer, and
 * take the same steps, the hash among them, so that none shows by its time.
 */
@Injectable()
export class UserAuthentication {
  constructor(
    private readonly users: UsersRepository,
    private readonly attempts: PasswordAttempts,
    private readonly hashing: PasswordHashing,
    private readonly limits: RateLimits,
    private readonly record: SignInRecord,
  ) {}

  /**
   * @param actor who asks, and from which address: guesses are counted by it
   * @param begin what the user is signed in for (a session, a token family): written in the transaction that records the success, of which there is but one to wait for
   * @returns what `begin` did; `undefined` when the user is not signed in, for whichever reason
   * @throws {RateLimitedError} when more passwords are sent than a limit allows
   * @throws {TemporarilyUnavailableError} when the database or the hashing threads cannot take it now; whatever `begin` throws, the password still having been right
   */
  async byPassword<T extends object>(username: string, password: string, actor: Actor, begin: (user: User, manager: EntityManager) => T | Promise<T>, purpose: Purpose = 'sign_in'): Promise<T | undefined> {
    const account = identifierKey(username);
    this.limits.takeLogin(account, actor);
    try {
      return await this.attempt(account, password, actor, begin, purpose);
    } catch (error) {
      this.record.count(error instanceof TemporarilyUnavailableError ? 'unavailable' : 'other');
      throw error;
    }
  }

  private async attempt<T>(account: string, password: string, actor: Actor, begin: (user: User, manager: EntityManager) => T | Promise<T>, purpose: Purpose): Promise<T | undefined> {
    // Before anything is counted and looked up for a password that nobody has the time to look at.
    this.hashing.assertRoom(this.attempts.waiting);
    const admission = await this.attempts.begin(account, actor.address ?? '');
    if ('limit' in admission) {
      await this.refuse(account, password, actor, admission, purpose);
      return undefined;
    }
    const { allowed } = admission;
    const { credentials, verdict } = await this.judge(account, password).catch(async (error: unknown) => {
      await this.attempts.release(allowed).catch(() => undefined);
      throw error;
    });
    if (!credentials || !verdict.matches) {
      await this.attempts.fail(allowed);
      this.record.refused(credentials, actor, purpose);
      return undefined;
    }
    this.record.matched(credentials, actor, purpose);
    const begun = await this.attempts.succeed(allowed, async (manager) => {
      if (verdict.replacement !== undefined) await this.users.replaceHash(credentials.rowId, credentials.passwordHash!, verdict.replacement, manager);
      return begin(credentials.user, manager);
    });
    this.record.count('success');
    return begun;
  }

  private async judge(account: string, password: string): Promise<{ credentials: PasswordCredentials | null; verdict: PasswordVerdict }> {
    const credentials = await this.users.findCredentials(account);
    return { credentials, verdict: await this.hashing.verify(password, credentials?.user.enabled ? credentials.passwordHash : null) };
  }

  /** By the same steps, for whoever measures the time. */
  private async refuse(account: string, password: string, actor: Actor, { limit, key }: { limit: ReachedLimit; key: string }, purpose: Purpose): Promise<void> {
    const credentials = await this.users.findCredentials(account);
    await this.hashing.verify(password, null);
    this.record.throttled(credentials, actor, purpose);
    if (await this.attempts.announce(key)) await this.record.limitReached(credentials, actor, limit);
  }
}
