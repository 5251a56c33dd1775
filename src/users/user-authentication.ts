import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../audit/audit-log.js';
import { addressBlock } from '../common/http/address-block.js';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { RateLimits } from '../rate-limits/rate-limits.js';
import { identifierKey } from './identifier-key.js';
import { PasswordAttempts, type ReachedLimit } from './password-attempts.js';
import { type HashingPlace, PasswordHashing, type PasswordVerdict } from './passwords/password-hashing.js';
import { type Purpose, SignInRecord } from './sign-in-record.js';
import type { User } from './user.js';
import { type PasswordCredentials, UsersRepository } from './users.repository.js';

/** A password that is to be verified. */
interface Attempt {
  readonly account: string;
  readonly password: string;
  readonly actor: Actor;
  readonly purpose: Purpose;
  readonly place: HashingPlace;
}

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
    let place: HashingPlace | undefined;
    try {
      // Sheds load before touching the database.
      place = this.hashing.enter(addressBlock(actor.address ?? ''));
      return await this.attempt({ account, password, actor, purpose, place }, begin);
    } catch (error) {
      this.record.count(error instanceof TemporarilyUnavailableError ? 'unavailable' : 'other');
      throw error;
    } finally {
      if (place) this.hashing.leave(place);
    }
  }

  private async attempt<T>(
    attempt: Attempt,
    begin: (user: User, manager: EntityManager) => T | Promise<T>,
  ): Promise<T | undefined> {
    const { account, actor, purpose } = attempt;
    const admission = await this.attempts.begin(account, actor.address ?? '');
    if ('limit' in admission) {
      await this.refuse(attempt, admission);
      return undefined;
    }
    const { allowed } = admission;
    const { credentials, verdict } = await this.judge(attempt).catch(async (error: unknown) => {
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

  private async judge(
    { account, password, place }: Attempt,
  ): Promise<{ credentials: PasswordCredentials | null; verdict: PasswordVerdict }> {
    const credentials = await this.users.findCredentials(account);
    const stored = credentials?.user.enabled ? credentials.passwordHash : null;
    return { credentials, verdict: await this.hashing.verify(password, stored, place) };
  }

  /**
   * Takes the same steps as for a wrong password, for whoever measures the time. Also where the limit is the address's: it
   * lets those through who signed in from there before, so a quick refusal would tell who did.
   */
  private async refuse(
    { account, password, actor, purpose, place }: Attempt,
    { limit, key }: { limit: ReachedLimit; key: string },
  ): Promise<void> {
    const credentials = await this.users.findCredentials(account);
    await this.hashing.verify(password, null, place);
    this.record.throttled(credentials, actor, purpose);
    await this.attempts.announce(key, (manager) => this.record.limitReached(credentials, actor, limit, manager));
  }
}
