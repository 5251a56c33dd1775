import { Body, Delete, Get, HttpCode, Param, Patch, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiQuery, ApiResponse } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { assertIfMatch, entityTag } from '../common/http/entity-tag.js';
import { mergePatch } from '../common/http/merge-patch.js';
import { PageCursors } from '../common/http/page-cursor.js';
import { invalidInput, notFound } from '../common/http/problem.js';
import { Config } from '../config/config.js';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { Bearer, RequiredScope } from '../tokens/bearer.guard.js';
import { PasswordAttempts } from '../users/password-attempts.js';
import type { UserEntity } from '../users/user.entity.js';
import { profileOf, USER_ID, type UserProfile, userProfileProblems, withUserDefaults } from '../users/user-profile.js';
import { UserRegistry } from '../users/user-registry.js';
import { UsersRepository } from '../users/users.repository.js';
import { AdminController } from './admin-controller.decorator.js';
import { adminLocation } from './admin-location.js';
import { actorOf } from './admin-request.js';
import { readBody, withoutReadOnly } from './body.js';
import { NewUserDto, UserDto, UserPatchDto } from './dto/user.dto.js';
import { NewPassword } from './new-password.js';
import { ApiPage } from './page.decorator.js';
import { readBoolean, readQuery } from './query.js';
import { userResponse, UserResponse } from './user.response.js';

const READ_ONLY = ['user_id', 'created_at', 'updated_at'];
const EXAMPLE = { username: 'margaret', email: 'margaret@example.com', name: 'Margaret Hamilton', roles: ['accountant'], password: 'correct horse battery staple' };

@AdminController('users', 'Users')
export class UsersController {
  constructor(
    private readonly config: Config,
    private readonly registry: UserRegistry,
    private readonly users: UsersRepository,
    private readonly attempts: PasswordAttempts,
    private readonly newPassword: NewPassword,
    private readonly cursors: PageCursors,
  ) {}

  @Post()
  @RequiredScope('users:write')
  @ApiOperation({ summary: 'Make a user' })
  @ApiBody({ type: NewUserDto, examples: { margaret: { value: EXAMPLE } } })
  @ApiResponse({ status: 201, type: UserResponse })
  async create(@Body() body: unknown, @Bearer() token: AccessToken, @Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<UserResponse> {
    const { password, password_hash: imported, ...given } = readBody(NewUserDto, body);
    const profile = complete(given);
    const hash = await this.newPassword.read({ ...(password === undefined ? {} : { password }), ...(imported === undefined ? {} : { password_hash: imported }) }, profile);
    const created = await this.registry.create(profile, hash ?? null, actorOf(req, token));
    res.set('Location', adminLocation(this.config, `users/${created.userId}`));
    return this.describe(res, created);
  }

  @Get()
  @RequiredScope('users:read')
  @ApiOperation({ summary: 'List users, newest first' })
  @ApiQuery({ name: 'limit', required: false, schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 } })
  @ApiQuery({ name: 'cursor', required: false, description: '`next_cursor` of the page before' })
  @ApiQuery({ name: 'q', required: false, description: 'Part of the username, the e-mail address or the name' })
  @ApiQuery({ name: 'enabled', required: false, schema: { type: 'boolean' } })
  @ApiPage(UserResponse)
  async list(@Req() req: Request) {
    const { limit, cursor, q, enabled: enabledText } = readQuery(req, ['limit', 'cursor', 'q', 'enabled']);
    const enabled = readBoolean('enabled', enabledText);
    const filter = { ...(q === undefined ? {} : { q }), ...(enabled === undefined ? {} : { enabled }) };
    const query = ['users', filter];
    const page = this.cursors.read(query, limit, cursor);
    const rows = await this.users.list(filter, page);
    const locked = await this.attempts.lockedUntil(rows.map(({ usernameKey }) => usernameKey));
    return this.cursors.page(query, page, rows, (user) => userResponse(user, locked.get(user.usernameKey)));
  }

  @Get(':user_id')
  @RequiredScope('users:read')
  @ApiOperation({ summary: 'See a user' })
  @ApiResponse({ status: 200, type: UserResponse })
  async get(@Param('user_id') userId: string, @Res({ passthrough: true }) res: Response): Promise<UserResponse> {
    const user = USER_ID.test(userId) ? await this.users.find(userId) : null;
    if (!user) throw notFound('user');
    return this.describe(res, user);
  }

  @Patch(':user_id')
  @RequiredScope('users:write')
  @ApiOperation({ summary: 'Change a user', description: 'A JSON merge patch (RFC 7396). Her password has a place of its own.' })
  @ApiBody({ type: UserPatchDto, examples: { disable: { value: { enabled: false } }, promote: { value: { roles: ['accountant', 'manager'] } } } })
  @ApiResponse({ status: 200, type: UserResponse })
  async patch(@Param('user_id') userId: string, @Body() body: object, @Bearer() token: AccessToken, @Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<UserResponse> {
    const patched = USER_ID.test(userId)
      ? await this.registry.update(userId, actorOf(req, token), (current) => {
          assertIfMatch(req, entityTag(current));
          const patch = withoutReadOnly(withoutState(body), userResponse(current, undefined), READ_ONLY);
          readBody(UserPatchDto, patch);
          return complete(readBody(UserDto, mergePatch(unverified(current, patch), patch)));
        })
      : null;
    if (!patched) throw notFound('user');
    return this.describe(res, patched);
  }

  @Delete(':user_id')
  @HttpCode(204)
  @RequiredScope('users:write')
  @ApiOperation({ summary: 'Delete a user', description: 'Everything that she holds is dead at once. Her id is never given to anybody else; her username may be.' })
  async delete(@Param('user_id') userId: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    const deleted = USER_ID.test(userId) && (await this.registry.delete(userId, actorOf(req, token), (current) => assertIfMatch(req, entityTag(current))));
    if (!deleted) throw notFound('user');
  }

  /** The entity tag is of what admins change: it stays the same when she signs in or is locked out. */
  private async describe(res: Response, user: UserEntity): Promise<UserResponse> {
    res.set('ETag', entityTag(user));
    return userResponse(user, (await this.attempts.lockedUntil([user.usernameKey])).get(user.usernameKey));
  }
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

/** What was read may be sent back whole; these change by themselves in the meantime. */
const STATE: readonly string[] = ['locked_until', 'last_login_at'];

const withoutState = (body: object | undefined): object => Object.fromEntries(Object.entries(body ?? {}).filter(([name]) => !STATE.includes(name)));
