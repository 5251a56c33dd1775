import { Body, Delete, HttpCode, Param, Post, Put, Req } from '@nestjs/common';
import { ApiBody, ApiOperation } from '../common/openapi/decorators.js';
import type { Request } from 'express';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { Bearer, RequiredScope } from '../tokens/bearer.guard.js';
import { AdminController } from './admin-controller.decorator.js';
import { administratorOf } from './administrator.js';
import { UserPasswordDto } from './dto/user.dto.js';
import { UserAdministration } from './user-administration.js';

/** How a user gets in, and is put out. */
@AdminController('users/:user_id', 'Users')
export class UserAccessController {
  constructor(private readonly administration: UserAdministration) {}

  @Put('password')
  @HttpCode(204)
  @RequiredScope('users:write')
  @ApiOperation({ summary: 'Set the password of a user', description: 'She is signed out everywhere, and unlocked.' })
  @ApiBody({ type: UserPasswordDto, examples: { password: { value: { password: 'correct horse battery staple' } } } })
  async setPassword(@Param('user_id') userId: string, @Body() body: unknown, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    await this.administration.setPassword(userId, body, administratorOf(req, token));
  }

  @Post('unlock')
  @HttpCode(204)
  @RequiredScope('users:write')
  @ApiOperation({ summary: 'Unlock a user', description: 'Forgets the wrong passwords that were tried.' })
  async unlock(@Param('user_id') userId: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    await this.administration.unlock(userId, administratorOf(req, token));
  }

  @Delete('tokens')
  @HttpCode(204)
  @RequiredScope('tokens:revoke')
  @ApiOperation({ summary: 'Revoke everything that a user holds', description: 'At once here, within a second on every other instance. She can sign in again.' })
  async revokeTokens(@Param('user_id') userId: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    await this.administration.signOut(userId, administratorOf(req, token));
  }

  @Delete('sessions')
  @HttpCode(204)
  @RequiredScope('tokens:revoke')
  @ApiOperation({ summary: 'Sign a user out everywhere', description: 'The same as revoking everything that she holds.' })
  async endSessions(@Param('user_id') userId: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    await this.administration.signOut(userId, administratorOf(req, token));
  }
}
