import { Body, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiProperty, ApiResponse } from '@nestjs/swagger';
import type { Request } from 'express';
import { notFound, Problem } from '../common/http/problem.js';
import { Clock } from '../common/time/clock.js';
import { KeyRotation } from '../keys/key-rotation.js';
import type { SigningKeyEntity } from '../keys/signing-key.entity.js';
import { SigningKeysRepository } from '../keys/signing-keys.repository.js';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { Bearer, RequiredScope } from '../tokens/bearer.guard.js';
import { AdminController } from './admin-controller.decorator.js';
import { actorOf } from './admin-request.js';
import { readBody } from './body.js';
import { RotateKeysDto } from './dto/rotate-keys.dto.js';
import { readQuery } from './query.js';

class SigningKeyResponse {
  @ApiProperty() kid: string;
  @ApiProperty() alg: string;
  @ApiProperty({ enum: ['next', 'active', 'retired'] }) status: string;
  @ApiProperty({ format: 'date-time' }) published_at: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) activated_at: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) retired_at: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'When a retired key leaves the JWKS.' }) expires_at: string | null;
}

class SigningKeysResponse {
  @ApiProperty({ type: [SigningKeyResponse] }) items: SigningKeyResponse[];
  @ApiProperty({ type: String, nullable: true, example: null }) next_cursor: null;
}

@AdminController('keys', 'Signing keys')
export class KeysController {
  constructor(
    private readonly keys: SigningKeysRepository,
    private readonly rotation: KeyRotation,
    private readonly clock: Clock,
  ) {}

  @Get()
  @RequiredScope('keys:read')
  @ApiOperation({ summary: 'List the signing keys, newest first' })
  @ApiResponse({ status: 200, type: SigningKeysResponse })
  async list(@Req() req: Request): Promise<SigningKeysResponse> {
    readQuery(req, []);
    return this.all();
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
    const { alg } = readBody(RotateKeysDto, body);
    const inUse = this.rotation.algorithmsInUse();
    if (alg !== undefined && !inUse.includes(alg)) throw new Problem(409, 'No key of that algorithm is in use.');
    const outcomes = [];
    for (const each of alg === undefined ? inUse : [alg]) outcomes.push(await this.rotation.rotate(each, actorOf(req, token)));
    const waits = outcomes.flatMap((outcome) => (outcome.outcome === 'too_young' ? [outcome.retryAfterSeconds] : []));
    if (waits.length === outcomes.length) {
      throw new Problem(409, 'The next key has not been published for long enough: others may still hold a JWKS without it.', undefined, { 'Retry-After': String(Math.min(...waits)) });
    }
    return this.all();
  }

  @Delete(':kid')
  @HttpCode(204)
  @RequiredScope('keys:write')
  @ApiOperation({ summary: 'Delete a signing key at once, for an emergency', description: 'It leaves the JWKS, and every token that it signed is dead. The next key takes the place of an active one.' })
  async delete(@Param('kid') kid: string, @Bearer() token: AccessToken, @Req() req: Request): Promise<void> {
    const known = /^[\w-]{43}$/.test(kid) && (await this.rotation.remove(kid, actorOf(req, token)));
    if (!known) throw notFound('signing key');
  }

  private async all(): Promise<SigningKeysResponse> {
    const nowMs = this.clock.nowMs();
    const keys = await this.keys.all();
    return { items: keys.filter((key) => key.expiresAt === null || key.expiresAt > nowMs).map(keyResponse), next_cursor: null };
  }
}

function keyResponse(key: SigningKeyEntity): SigningKeyResponse {
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return {
    kid: key.kid,
    alg: key.alg,
    status: key.status,
    published_at: new Date(key.publishedAt).toISOString(),
    activated_at: time(key.activatedAt),
    retired_at: time(key.retiredAt),
    expires_at: time(key.expiresAt),
  };
}
