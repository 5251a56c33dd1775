import { Injectable } from '@nestjs/common';
import { notFound, Problem } from '../common/http/problem.js';
import { Clock } from '../common/time/clock.js';
import { KeyRotation } from '../keys/key-rotation.js';
import type { SigningKeyEntity } from '../keys/signing-key.entity.js';
import { SigningKeysRepository } from '../keys/signing-keys.repository.js';
import type { Administrator } from './administrator.js';
import { readBody } from './body.js';
import { RotateKeysDto } from './dto/rotate-keys.dto.js';

/** What may be done with signing keys, by the rules of the admin API. All throw {@link Problem}s. */
@Injectable()
export class KeyAdministration {
  constructor(
    private readonly keys: SigningKeysRepository,
    private readonly rotation: KeyRotation,
    private readonly clock: Clock,
  ) {}

  /** Those that are published, newest first. */
  async published(): Promise<SigningKeyEntity[]> {
    const nowMs = this.clock.nowMs();
    return (await this.keys.all()).filter((key) => key.expiresAt === null || key.expiresAt > nowMs);
  }

  async rotate(body: unknown, admin: Administrator): Promise<void> {
    const { alg } = readBody(RotateKeysDto, body);
    const inUse = this.rotation.algorithmsInUse();
    if (alg !== undefined && !inUse.includes(alg)) throw new Problem(409, 'No key of that algorithm is in use.');
    if (inUse.length === 0) throw new Problem(409, 'There is no signing key yet: a server that starts makes the first.');
    const outcomes = [];
    for (const each of alg === undefined ? inUse : [alg]) outcomes.push(await this.rotation.rotate(each, admin.actor));
    const waits = outcomes.flatMap((outcome) => (outcome.outcome === 'too_young' ? [outcome.retryAfterSeconds] : []));
    if (waits.length === outcomes.length) {
      throw new Problem(409, 'The next key has not been published for long enough: others may still hold a JWKS without it.', undefined, { 'Retry-After': String(Math.min(...waits)) });
    }
  }

  /** Emergency: takes a key, and all that it signed, out of use at once. */
  async remove(kid: string, admin: Administrator): Promise<void> {
    const known = /^[\w-]{43}$/.test(kid) && (await this.rotation.remove(kid, admin.actor));
    if (!known) throw notFound('signing key');
  }
}
