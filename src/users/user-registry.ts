import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Actor, AuditLog, type AuditRecord } from '../audit/audit-log.js';
import { describeChanges, describeInitial, single } from '../audit/described-changes.js';
import { randomId } from '../common/crypto/random-id.js';
import { Clock } from '../common/time/clock.js';
import { ChangeFeed } from '../database/change-feed.js';
import { isDuplicate } from '../database/database-errors.js';
import { OvertakenError, untilNotOvertaken } from '../database/optimistic.js';
import { Transactions } from '../database/transactions.js';
import { PasswordAttempts } from './password-attempts.js';
import { UserDirectory } from './user-directory.js';
import { User } from './user.js';
import type { UserEntity } from './user.entity.js';
import { profileColumns, profileOf, type UserProfile } from './user-profile.js';
import { UsersRepository } from './users.repository.js';

/** The username, or the e-mail address, is another user's. */
export class UserExistsError extends Error {}

/** What decides about access. The rest is about the person: the audit log tells that it changed, and not what it was. */
const VALUES = {
  roles: (user: UserProfile) => user.roles,
  enabled: (user: UserProfile) => single(user.enabled),
  email_verified: (user: UserProfile) => single(user.email_verified),
};

const newTokenGeneration = (): string => randomBytes(6).toString('base64url');

/** Makes, changes and deletes users: each in one transaction with its audit event and its notice to other instances. */
@Injectable()
export class UserRegistry {
  constructor(
    private readonly transactions: Transactions,
    private readonly users: UsersRepository,
    private readonly directory: UserDirectory,
    private readonly attempts: PasswordAttempts,
    private readonly feed: ChangeFeed,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  /** @throws {UserExistsError} */
  create(profile: UserProfile, passwordHash: string | null, actor: Actor): Promise<UserEntity> {
    const nowMs = this.clock.nowMs();
    const userId = `usr_${randomId()}`;
    const row = { userId, ...profileColumns(profile), passwordHash, tokenGeneration: newTokenGeneration(), lastLoginAt: null, version: 1, createdAt: nowMs, updatedAt: nowMs };
    const detail = describeInitial(profile, { roles: VALUES.roles });
    return this.write(userId, { type: 'user.created', actor, userId, detail }, (manager) => this.users.insert(row, manager));
  }

  /**
   * @param edit makes the new profile from the current state; it may refuse by throwing, and is asked again when another writer was faster
   * @returns the new state, `null` when there is no such user
   * @throws {UserExistsError}
   */
  update(userId: string, actor: Actor, edit: (current: UserEntity) => UserProfile): Promise<UserEntity | null> {
    return this.change(userId, (current) => {
      const profile = edit(current);
      const detail = describeChanges(profileOf(current), profile, VALUES);
      if (detail.changed.length === 0) return { result: current };
      // Tokens of a disabled user are dead for good: enabling her again does not bring them back.
      const disabled = current.enabled && !profile.enabled;
      const changes = { ...profileColumns(profile), ...(disabled ? { tokenGeneration: newTokenGeneration() } : {}), updatedAt: this.clock.nowMs() };
      return {
        result: { ...current, ...changes, version: current.version + 1 },
        record: { type: 'user.updated', actor, userId, detail: { ...detail } },
        apply: async (manager) => {
          if (!(await this.users.update(current, changes, manager))) return false;
          // The name may be another user's from now on, who starts with none of what was tried, and no address that is known.
          if (changes.usernameKey !== current.usernameKey) await this.attempts.forget(current.usernameKey, manager);
          return true;
        },
      };
    });
  }

  /** @param check may refuse by throwing. Answers whether there was such a user. */
  async delete(userId: string, actor: Actor, check: (current: UserEntity) => void): Promise<boolean> {
    const deleted = await this.change(userId, (current) => {
      check(current);
      return {
        result: true,
        record: { type: 'user.deleted', actor, userId },
        apply: async (manager) => {
          if (!(await this.users.delete(current, manager))) return false;
          await this.attempts.forget(current.usernameKey, manager);
          return true;
        },
      };
    });
    return deleted ?? false;
  }

  /**
   * Sets a password: whoever is signed in by the old one is signed out, and attempts at it are forgotten.
   * @param check may refuse by throwing, and is called again when another writer was faster
   * @param begin writes what goes on under the new password, in the same transaction
   * @returns whether there is such a user
   */
  async setPassword(
    userId: string,
    passwordHash: string,
    actor: Actor,
    check: (current: UserEntity) => void,
    begin?: (user: User, manager: EntityManager) => Promise<void>,
  ): Promise<boolean> {
    const set = await this.change(userId, (current) => {
      check(current);
      const changes = { passwordHash, tokenGeneration: newTokenGeneration(), updatedAt: this.clock.nowMs() };
      return {
        result: true,
        record: { type: 'user.password_set', actor, userId },
        apply: async (manager) => {
          if (!(await this.users.update(current, changes, manager))) return false;
          await this.attempts.unlock(current.usernameKey, manager);
          await begin?.(new User({ ...current, ...changes }), manager);
          return true;
        },
      };
    });
    return set ?? false;
  }

  /** Makes everything invalid by which the user is signed in anywhere. Answers whether there is such a user. */
  async signOut(userId: string, actor: Actor): Promise<boolean> {
    const signedOut = await this.change(userId, (current) => ({
      result: true,
      record: { type: 'user.signed_out', actor, userId },
      apply: (manager) => this.users.renewGeneration(current.id, newTokenGeneration(), manager),
    }));
    return signedOut ?? false;
  }

  /** Forgets the wrong passwords that were tried. Answers whether there is such a user. */
  async unlock(userId: string, actor: Actor): Promise<boolean> {
    const unlocked = await this.change(userId, (current) => ({
      result: true,
      record: { type: 'user.unlocked', actor, userId },
      apply: async (manager) => {
        await this.attempts.unlock(current.usernameKey, manager);
        return true;
      },
    }));
    return unlocked ?? false;
  }

  /** Reads, lets `plan` decide, and writes if nobody has written since; else from the start. */
  private async change<T>(userId: string, plan: (current: UserEntity) => Change<T>): Promise<T | null> {
    return untilNotOvertaken(async () => {
      const current = await this.users.find(userId);
      if (!current) return null;
      const { result, record, apply } = plan(current);
      if (apply) {
        await this.write(userId, record, async (manager) => {
          if (!(await apply(manager))) throw new OvertakenError();
        });
      }
      return result;
    });
  }

  private async write<T>(userId: string, record: AuditRecord, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    try {
      const result = await this.transactions.run(async (manager) => {
        const done = await work(manager);
        await this.audit.record(record, manager);
        await this.feed.publish('user', userId, manager);
        return done;
      });
      this.directory.invalidate(userId);
      return result;
    } catch (error) {
      throw isDuplicate(error) ? new UserExistsError() : error;
    }
  }
}

type Change<T> = { result: T; record?: undefined; apply?: undefined } | { result: T; record: AuditRecord; apply: (manager: EntityManager) => Promise<boolean> };
