import { Injectable } from '@nestjs/common';
import { entityTag } from '../common/http/entity-tag.js';
import { mergePatch } from '../common/http/merge-patch.js';
import { PageCursors } from '../common/http/page-cursor.js';
import { invalidInput, notFound } from '../common/http/problem.js';
import { PasswordAttempts } from '../users/password-attempts.js';
import type { UserEntity } from '../users/user.entity.js';
import { profileOf, USER_ID, type UserProfile, userProfileProblems, withUserDefaults } from '../users/user-profile.js';
import { UserRegistry } from '../users/user-registry.js';
import { UsersRepository } from '../users/users.repository.js';
import type { Administrator } from './administrator.js';
import { readBody, readPatched, withoutReadOnly } from './body.js';
import { NewUserDto, UserDto, UserPasswordDto, UserPatchDto } from './dto/user.dto.js';
import { NewPassword } from './new-password.js';
import { type ListQuery, readBoolean } from './query.js';
import { userResponse, type UserResponse } from './user.response.js';

const READ_ONLY = ['user_id', 'created_at', 'updated_at'];
const STATE = ['locked_until', 'last_login_at'];

/** What may be done with users, by the rules of the admin API; bodies are its JSON, not looked at yet. All throw `Problem`s. */
@Injectable()
export class UserAdministration {
  constructor(
    private readonly registry: UserRegistry,
    private readonly users: UsersRepository,
    private readonly attempts: PasswordAttempts,
    private readonly newPassword: NewPassword,
    private readonly cursors: PageCursors,
  ) {}

  /** Newest first. */
  async list({ limit, cursor, q, enabled: enabledText }: ListQuery<'q' | 'enabled'>): Promise<{ items: UserResponse[]; next_cursor: string | null }> {
    const enabled = readBoolean('enabled', enabledText);
    const filter = { ...(q === undefined ? {} : { q }), ...(enabled === undefined ? {} : { enabled }) };
    const query = ['users', filter];
    const page = this.cursors.read(query, limit, cursor);
    const rows = await this.users.list(filter, page);
    const locked = await this.attempts.lockedUntil(rows.map(({ usernameKey }) => usernameKey));
    return this.cursors.page(query, page, rows, (user) => userResponse(user, locked.get(user.usernameKey)));
  }

  /** A user as admins see her. */
  async describe(user: UserEntity): Promise<UserResponse> {
    return userResponse(user, (await this.attempts.lockedUntil([user.usernameKey])).get(user.usernameKey));
  }

  async find(userId: string): Promise<UserEntity> {
    const user = USER_ID.test(userId) ? await this.users.find(userId) : null;
    if (!user) throw notFound('user');
    return user;
  }

  async create(body: unknown, admin: Administrator): Promise<UserEntity> {
    const { password, password_hash: imported, ...given } = readBody(NewUserDto, body);
    const profile = complete(given);
    const hash = await this.newPassword.read({ ...(password === undefined ? {} : { password }), ...(imported === undefined ? {} : { password_hash: imported }) }, profile);
    return this.registry.create(profile, hash ?? null, admin.actor);
  }

  /** @param body a JSON merge patch (RFC 7396) */
  async patch(userId: string, body: object, admin: Administrator): Promise<UserEntity> {
    const patched = USER_ID.test(userId)
      ? await this.registry.update(userId, admin.actor, (current) => {
          admin.assertMatch(entityTag(current));
          const patch = withoutReadOnly(body, userResponse(current, undefined), READ_ONLY, STATE);
          readBody(UserPatchDto, patch);
          return complete(readPatched(UserDto, mergePatch(unverified(current, patch), patch), patch));
        })
      : null;
    if (!patched) throw notFound('user');
    return patched;
  }

  async delete(userId: string, admin: Administrator): Promise<void> {
    await known(userId, () => this.registry.delete(userId, admin.actor, (current) => admin.assertMatch(entityTag(current))));
  }

  async setPassword(userId: string, body: unknown, admin: Administrator): Promise<void> {
    const given = readBody(UserPasswordDto, body);
    const user = await this.find(userId);
    admin.assertMatch(entityTag(user));
    const hash = await this.newPassword.read(given, user);
    if (hash === undefined) throw invalidInput([{ pointer: '/password', detail: 'is missing' }]);
    await known(userId, () => this.registry.setPassword(userId, hash, admin.actor, (current) => admin.assertMatch(entityTag(current))));
  }

  /** Forgets the wrong passwords that were tried. */
  async unlock(userId: string, admin: Administrator): Promise<void> {
    await known(userId, () => this.registry.unlock(userId, admin.actor));
  }

  async signOut(userId: string, admin: Administrator): Promise<void> {
    await known(userId, () => this.registry.signOut(userId, admin.actor));
  }
}

async function known(userId: string, act: () => Promise<boolean>): Promise<void> {
  if (!USER_ID.test(userId) || !(await act())) throw notFound('user');
}

function complete(given: UserDto): UserProfile {
  const profile = withUserDefaults(given);
  const problems = userProfileProblems(profile);
  if (problems.length > 0) throw invalidInput(problems);
  return profile;
}

/** Another e-mail address, or phone number, is not verified because the one before it was. */
function unverified(current: UserEntity, patch: Record<string, unknown>): Record<string, unknown> {
  const profile = profileOf(current);
  return {
    ...profile,
    ...('email' in patch && patch['email'] !== profile.email ? { email_verified: false } : {}),
    ...('phone_number' in patch && patch['phone_number'] !== profile.phone_number ? { phone_number_verified: false } : {}),
  };
}
