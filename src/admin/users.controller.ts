import { Body, Delete, Get, HttpCode, Param, Patch, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiQuery, ApiResponse } from '../common/openapi/decorators.js';
import type { Request, Response } from 'express';
import { entityTag } from '../common/http/entity-tag.js';
import { Config } from '../config/config.js';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { Bearer, RequiredScope } from '../tokens/bearer.guard.js';
import type { UserEntity } from '../users/user.entity.js';
import { AdminController } from './admin-controller.decorator.js';
import { adminLocation } from './admin-location.js';
import { administratorOf } from './administrator.js';
import { NewUserDto, UserPatchDto } from './dto/user.dto.js';
import { ApiPage } from './page.decorator.js';
import { readQuery } from './query.js';
import { UserAdministration } from './user-administration.js';
import { UserResponse } from './user.response.js';

const EXAMPLE = { username: 'margaret', email: 'margaret@example.com', name: 'Margaret Hamilton', roles: ['accountant'], password: 'correct horse battery staple' };

@AdminController('users', 'Users')
export class UsersController {
  constructor(
    private readonly config: Config,
    private readonly administration: UserAdministration,
  ) {}

  @Post()
  @RequiredScope('users:write')
  @ApiOperation({ summary: 'Make a user' })
  @ApiBody({ type: NewUserDto, examples: { margaret: { value: EXAMPLE } } })
  @ApiResponse({ status: 201, type: UserResponse })
  async create(@Body() body: unknown, @Bearer() token: AccessToken, @Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<UserResponse> {
    const created = await this.administration.create(body, administratorOf(req, token));
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
    return this.administration.list(readQuery(req, ['limit', 'cursor', 'q', 'enabled']));
  }

  @Get(':user_id')
  @RequiredScope('users:read')
  @ApiOperation({ summary: 'See a user' })
  @ApiResponse({ status: 200, type: UserResponse })
  async get(@Param('user_id') userId: string, @Res({ passthrough: true }) res: Response): Promise<UserResponse> {
    return this.describe(res, await this.administration.find(userId));
  }

  @Patch(':user_id')
  @RequiredScope('users:write')
  @ApiOperation({ summary: 'Change a user', description: 'A JSON merge patch (RFC 7396). Her password has a place of its own.' })
  @ApiBody({ type: UserPatchDto, examples: { disable: { value: { enabled: false } }, promote: { value: { roles: ['accountant', 'manager'] } } } })
  @ApiResponse({ status: 200, type: UserResponse })
  async patch(@Param('user_id') userId: string, @Body() body: object, @Bearer() token: AccessToken, @Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<UserResponse> {
    return this.describe(res, await this.administration.patch(userId, body, administratorOf(req, token)));
  }

  @Delete(':user_id')
  @HttpCode(204)
  @RequiredScope('users:write')
  @ApiOperation({ summary: 'Delete a user', description: 'Everything that she holds is dead at once. Her id is never given to anybody else; her username may be.' })
  async delete(@Param('user_id') userId: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    await this.administration.delete(userId, administratorOf(req, token));
  }

  /** The entity tag is of what admins change: it stays the same when she signs in or is locked out. */
  private async describe(res: Response, user: UserEntity): Promise<UserResponse> {
    res.set('ETag', entityTag(user));
    return this.administration.describe(user);
  }
}
