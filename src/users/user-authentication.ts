import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Actor, AuditLog } from '../audit/audit-log.js';
import { Transactions } from '../database/transactions.js';
import { identifierKey } from './identifier-key.js';
import { type Allowed, PasswordAttempts, type ReachedLimit } from './password-attempts.js';
import { PasswordHashing, type PasswordVerdict } from './passwords/password-hashing.js';
import type { User } from './user.js';
import { UserLogins } from './user-logins.js';
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
    private readonly logins: UserLogins,
    private readonly transactions: Transactions,
    private readonly audit: AuditLog,
  ) {}

  /**
   * @param actor who asks, and from which address: guesses are counted by it
   * @param begin what the user is signed in for (a session, a token family): written in the transaction that records the success, of which there is but one to wait for
   * @returns what `begin` did; `undefined` when the user is not signed in, for whichever reason
   * @throws {TemporarilyUnavailableError} when the database or the hashing threads cannot take it now; whatever `begin` throws, the password still having been right
   */
  async byPassword<T extends object>(username: string, password: string, actor: Actor, begin: (user: User, manager: EntityManager) => T | Promise<T>): Promise<T | undefined> {
    // Before anything is counted and looked up for a password that nobody has the time to look at.
    this.hashing.assertRoom();
    const account = identifierKey(username);
    const admission = await this.attempts.begin(account, actor.address ?? '');
    if ('limit' in admission) {
      await this.refuse(account, password, actor, admission);
      return undefined;
    }
    const { allowed } = admission;
    const { credentials, verdict } = await this.judge(account, password).catch(async (error: unknown) => {
      await this.attempts.release(allowed).catch(() => undefined);
      throw error;
    });
    if (!credentials || !verdict.matches) {
      await this.attempts.fail(allowed);
      return undefined;
    }
    if (verdict.replacement !== undefined) await this.users.replaceHash(credentials.rowId, credentials.passwordHash!, verdict.replacement);
    this.logins.note(credentials.rowId);
    return this.succeed(allowed, (manager) => begin(credentials.user, manager));
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
  private async refuse(account: string, password: string, actor: Actor, { limit, key }: { limit: ReachedLimit; key: string }): Promise<void> {
    const credentials = await this.users.findCredentials(account);
    await this.hashing.verify(password, null);
    if (await this.attempts.announce(key)) await this.audit.record({ type: 'user.login_throttled', actor, ...(credentials ? { userId: credentials.user.userId } : {}), detail: { limit } });
  }
}
