import { Body, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse } from '../common/openapi/decorators.js';
import type { Request } from 'express';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { Bearer, RequiredScope } from '../tokens/bearer.guard.js';
import { AdminController } from './admin-controller.decorator.js';
import { administratorOf } from './administrator.js';
import { RotateKeysDto } from './dto/rotate-keys.dto.js';
import { KeyAdministration } from './key-administration.js';
import { readQuery } from './query.js';
import { signingKeysResponse, SigningKeysResponse } from './signing-key.response.js';

@AdminController('keys', 'Signing keys')
export class KeysController {
  constructor(private readonly administration: KeyAdministration) {}

  @Get()
  @RequiredScope('keys:read')
  @ApiOperation({ summary: 'List the signing keys, newest first' })
  @ApiResponse({ status: 200, type: SigningKeysResponse })
  async list(@Req() req: Request): Promise<SigningKeysResponse> {
    readQuery(req, []);
    return signingKeysResponse(await this.administration.published());
  }

  @Post('rotate')
  @HttpCode(200)
  @RequiredScope('keys:write')
  @ApiOperation({
    summary: 'Rotate the signing keys',
    description: 'The next key signs from now on, the active one is retired, and another next one is published. 409 with Retry-After while the next key is younger than what others may have cached of the JWKS; in an emergency delete the active key instead.',
  })
  @ApiBody({ type: RotateKeysDto, required: false, examples: { all: { value: {} } } })
  @ApiResponse({ status: 200, type: SigningKeysResponse })
  async rotate(@Body() body: unknown, @Bearer() token: AccessToken, @Req() req: Request): Promise<SigningKeysResponse> {
    await this.administration.rotate(body, administratorOf(req, token));
    return signingKeysResponse(await this.administration.published());
  }

  @Delete(':kid')
  @HttpCode(204)
  @RequiredScope('keys:write')
  @ApiOperation({ summary: 'Delete a signing key at once, for an emergency', description: 'It leaves the JWKS, and every token that it signed is dead. The next key takes the place of an active one.' })
  async delete(@Param('kid') kid: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    await this.administration.remove(kid, administratorOf(req, token));
  }
}
