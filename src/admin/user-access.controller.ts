import { Body, Delete, HttpCode, Param, Post, Put, Req } from '@nestjs/common';
import { ApiBody, ApiOperation } from '@nestjs/swagger';
import type { Request } from 'express';
import { assertIfMatch, entityTag } from '../common/http/entity-tag.js';
import { invalidInput, notFound } from '../common/http/problem.js';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { Bearer, RequiredScope } from '../tokens/bearer.guard.js';
import { USER_ID } from '../users/user-profile.js';
import { UserRegistry } from '../users/user-registry.js';
import { UsersRepository } from '../users/users.repository.js';
import { AdminController } from './admin-controller.decorator.js';
import { actorOf } from './admin-request.js';
import { readBody } from './body.js';
import { UserPasswordDto } from './dto/user.dto.js';
import { NewPassword } from './new-password.js';

/** How a user gets in, and is put out. */
@AdminController('users/:user_id', 'Users')
export class UserAccessController {
  constructor(
    private readonly registry: UserRegistry,
    private readonly users: UsersRepository,
    private readonly newPassword: NewPassword,
  ) {}

  @Put('password')
  @HttpCode(204)
  @RequiredScope('users:write')
  @ApiOperation({ summary: 'Set the password of a user', description: 'She is signed out everywhere, and unlocked.' })
  @ApiBody({ type: UserPasswordDto, examples: { password: { value: { password: 'correct horse battery staple' } } } })
  async setPassword(@Param('user_id') userId: string, @Body() body: unknown, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    const given = readBody(UserPasswordDto, body);
    const user = USER_ID.test(userId) ? await this.users.find(userId) : null;
    if (!user) throw notFound('user');
    assertIfMatch(req, entityTag(user));
    const hash = await this.newPassword.read(given, user);
    if (hash === undefined) throw invalidInput([{ pointer: '/password', detail: 'is missing' }]);
    const set = await this.registry.setPassword(userId, hash, actorOf(req, token), (current) => assertIfMatch(req, entityTag(current)));
    if (!set) throw notFound('user');
  }

  @Post('unlock')
  @HttpCode(204)
  @RequiredScope('users:write')
  @ApiOperation({ summary: 'Unlock a user', description: 'Forgets the wrong passwords that were tried.' })
  async unlock(@Param('user_id') userId: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    await known(userId, () => this.registry.unlock(userId, actorOf(req, token)));
  }

  @Delete('tokens')
  @HttpCode(204)
  @RequiredScope('tokens:revoke')
  @ApiOperation({ summary: 'Revoke everything that a user holds', description: 'At once here, within a second on every other instance. She can sign in again.' })
  async revokeTokens(@Param('user_id') userId: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    await known(userId, () => this.registry.signOut(userId, actorOf(req, token)));
  }

  @Delete('sessions')
  @HttpCode(204)
  @RequiredScope('tokens:revoke')
  @ApiOperation({ summary: 'Sign a user out everywhere', description: 'The same as revoking everything that she holds.' })
  async endSessions(@Param('user_id') userId: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    await known(userId, () => this.registry.signOut(userId, actorOf(req, token)));
  }
}

async function known(userId: string, act: () => Promise<boolean>): Promise<void> {
  if (!USER_ID.test(userId) || !(await act())) throw notFound('user');
}
