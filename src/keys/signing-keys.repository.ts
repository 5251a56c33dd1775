import { Injectable } from '@nestjs/common';
import { type EntityManager, LessThan } from 'typeorm';
import type { SigningAlgorithm } from '../config/settings.js';
import { Database } from '../database/database.js';
import { SigningKeyEntity } from './signing-key.entity.js';

export type NewSigningKey = Pick<SigningKeyEntity, 'kid' | 'alg' | 'publicJwk' | 'sealedPrivateJwk'>;

@Injectable()
export class SigningKeysRepository {
  constructor(private readonly database: Database) {}

  /** Newest first. */
  all(): Promise<SigningKeyEntity[]> {
    return this.database.repository(SigningKeyEntity).find({ order: { id: 'DESC' } });
  }

  async find(kid: string, manager?: EntityManager): Promise<SigningKeyEntity | null> {
    const key = await this.database.repository(SigningKeyEntity, manager).findOneBy({ kid });
    return key?.kid === kid ? key : null;
  }

  /** @throws a duplicate error when the algorithm has a key in this slot already */
  async insert(key: NewSigningKey, status: 'active' | 'next', nowMs: number, manager: EntityManager): Promise<void> {
    const row = { ...key, status, slot: `${key.alg}:${status}`, publishedAt: nowMs, activatedAt: status === 'active' ? nowMs : null, retiredAt: null, expiresAt: null };
    await this.database.repository(SigningKeyEntity, manager).insert(row);
  }

  /** Takes the active key out of use. Answers whether it was still this one: of several at once, one hears yes. */
  async retire(alg: SigningAlgorithm, kid: string, nowMs: number, expiresAtMs: number, manager: EntityManager): Promise<boolean> {
    const change = { status: 'retired' as const, slot: kid, retiredAt: nowMs, expiresAt: expiresAtMs };
    return (await this.database.repository(SigningKeyEntity, manager).update({ kid, slot: `${alg}:active` }, change)).affected === 1;
  }

  /**
   * Makes the next key the active one. Returns whether there was one.
   * @param kid only that one
   */
  async promote(alg: SigningAlgorithm, nowMs: number, manager: EntityManager, kid?: string): Promise<boolean> {
    const next = { slot: `${alg}:next`, ...(kid === undefined ? {} : { kid }) };
    const change = { status: 'active' as const, slot: `${alg}:active`, activatedAt: nowMs };
    return (await this.database.repository(SigningKeyEntity, manager).update(next, change)).affected === 1;
  }

  /** Returns whether the sealed private key was still `from`. */
  async reseal(kid: string, from: string, sealedPrivateJwk: string): Promise<boolean> {
    const keys = this.database.repository(SigningKeyEntity);
    return (await keys.update({ kid, sealedPrivateJwk: from }, { sealedPrivateJwk })).affected === 1;
  }

  async delete(key: SigningKeyEntity, manager: EntityManager): Promise<boolean> {
    return (await this.database.repository(SigningKeyEntity, manager).delete({ id: key.id, slot: key.slot })).affected === 1;
  }

  async deleteExpired(nowMs: number): Promise<number> {
    return (await this.database.repository(SigningKeyEntity).delete({ status: 'retired', expiresAt: LessThan(nowMs) })).affected ?? 0;
  }
}
