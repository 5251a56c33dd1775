import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Actor, AuditLog, SERVER } from '../audit/audit-log.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '../config/settings.js';
import { ChangeFeed } from '../database/change-feed.js';
import { isDuplicate } from '../database/database-errors.js';
import { OvertakenError, untilNotOvertaken } from '../database/optimistic.js';
import { Transactions } from '../database/transactions.js';
import { KeyFactory } from './key-factory.js';
import { KeyRing } from './key-ring.js';
import { SigningKeysRepository } from './signing-keys.repository.js';

/** How long a retired key stays: the longest lifetime that a token can be given, and an hour for clocks and late signatures. */
const RETIRED_MS = 86_400_000 + 3_600_000;

/** `rotated` by this call; `overtaken`: another did it at the same moment; `too_young`: the next key is not known everywhere yet. */
export type RotationOutcome = { outcome: 'rotated' | 'overtaken' } | { outcome: 'too_young'; retryAfterSeconds: number };

/**
 * The life of signing keys: `next` is published for at least the JWKS' cache lifetime before it becomes `active`, so that whoever verifies knows it by then, and a
 * `retired` one stays published until nothing that it signed is valid. What is decided is decided by conditional updates in one transaction: of ten
 * instances that rotate at once, one does.
 */
@Injectable()
export class KeyRotation {
  constructor(
    private readonly keys: SigningKeysRepository,
    private readonly ring: KeyRing,
    private readonly factory: KeyFactory,
    private readonly transactions: Transactions,
    private readonly feed: ChangeFeed,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /**
   * Sees to it that an algorithm has an active key and a next one. Where another algorithm signs already, the first key of this one is only published: it takes
   * over when it has been known for long enough.
   */
  async ensure(alg: SigningAlgorithm): Promise<void> {
    const keys = await this.keys.all();
    const has = (status: string) => keys.some((key) => key.alg === alg && key.status === status);
    if (!has('active') && !keys.some((key) => key.status === 'active')) await this.add(alg, 'active', SERVER);
    if (!has('next')) await this.add(alg, 'next', SERVER);
  }

  /**
   * Sees to it that an algorithm signs from now on, whatever others do: for tokens whose readers expect this one and no other, and fetch the JWKS again for a key that they do not know
   * (OIDC Core §10.1.1).
   */
  async activate(alg: SigningAlgorithm): Promise<void> {
    const keys = await this.keys.all();
    if (!keys.some((key) => key.alg === alg && key.status === 'active')) await this.add(alg, 'active', SERVER);
    if (!this.ring.has(alg)) await this.ring.reload();
  }

  /** Every algorithm that has an active key. */
  algorithmsInUse(): SigningAlgorithm[] {
    return SIGNING_ALGORITHMS.filter((alg) => this.ring.has(alg));
  }

  /** Makes the next key sign, and publishes another next one. */
  async rotate(alg: SigningAlgorithm, actor: Actor): Promise<RotationOutcome> {
    const rows = (await this.keys.all()).filter((key) => key.alg === alg);
    const active = rows.find((key) => key.status === 'active');
    const next = rows.find((key) => key.status === 'next');
    if (next) {
      // One that came with the first active one has been in every JWKS that ever left this server.
      const firstPair = active !== undefined && rows.length === 2 && active.publishedAt === active.activatedAt && next.publishedAt - active.publishedAt < 10_000;
      const youngMs = firstPair ? 0 : next.publishedAt + this.config.jwksMaxAgeSeconds * 1000 - this.clock.nowMs();
      if (youngMs > 0) return { outcome: 'too_young', retryAfterSeconds: Math.ceil(youngMs / 1000) };
    }
    const fresh = await this.factory.make(alg);
    const nowMs = this.clock.nowMs();
    const lost = new Error('another instance rotated first');
    try {
      await this.write(async (manager) => {
        if (active && !(await this.keys.retire(alg, active.kid, nowMs, nowMs + RETIRED_MS, manager))) throw lost;
        // Only the key whose time of publication was checked: an emergency may have put a new one in its place.
        if (!next || !(await this.keys.promote(alg, nowMs, manager, next.kid))) throw lost;
        await this.keys.insert(fresh, 'next', nowMs, manager);
        await this.audit.record({ type: 'signing_key.rotated', actor, detail: { alg, retired: active?.kid ?? null, active: next?.kid ?? null, next: fresh.kid } }, manager);
      });
      return { outcome: 'rotated' };
    } catch (error) {
      if (error !== lost && !isDuplicate(error)) throw error;
      await this.ring.reload();
      return { outcome: 'overtaken' };
    }
  }

  /**
   * Emergency: takes a key out of the JWKS at once, and with it every token that it signed. The next key takes the place of an active one. Answers
   * whether there was such a key.
   */
  async remove(kid: string, actor: Actor): Promise<boolean> {
    const known = await this.keys.find(kid);
    if (!known) return false;
    const alg = known.alg as SigningAlgorithm;
    const fresh = await this.factory.make(alg);
    return untilNotOvertaken(() =>
      this.write(async (manager) => {
        const key = await this.keys.find(kid, manager);
        if (!key) return false;
        // A rotation at the same moment may have moved it to another place, or filled the one that it left: then look again.
        if (!(await this.keys.delete(key, manager))) throw new OvertakenError();
        const nowMs = this.clock.nowMs();
        const promoted = key.status === 'active' && (await this.keys.promote(alg, nowMs, manager));
        if (key.status !== 'retired') await this.keys.insert(fresh, key.status === 'active' && !promoted ? 'active' : 'next', nowMs, manager);
        await this.audit.record({ type: 'signing_key.deleted', actor, detail: { alg, kid, status: key.status } }, manager);
        return true;
      }).catch((error: unknown) => {
        throw isDuplicate(error) ? new OvertakenError() : error;
      }),
    );
  }

  private async add(alg: SigningAlgorithm, status: 'active' | 'next', actor: Actor): Promise<void> {
    const key = await this.factory.make(alg);
    try {
      await this.write(async (manager) => {
        await this.keys.insert(key, status, this.clock.nowMs(), manager);
        await this.audit.record({ type: 'signing_key.created', actor, detail: { alg, kid: key.kid, status } }, manager);
      });
    } catch (error) {
      if (!isDuplicate(error)) throw error;
    }
  }

  private async write<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const result = await this.transactions.run(async (manager) => {
      const done = await work(manager);
      await this.feed.publish('signing-key', '', manager);
      return done;
    });
    await this.ring.reload();
    return result;
  }
}
