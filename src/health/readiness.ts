import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Logger } from '../common/logging/logger.js';
import { ChangeFeed } from '../database/change-feed.js';
import { Database } from '../database/database.js';
import { STALE_MS } from '../database/feed-freshness.js';
import { Startup } from '../database/startup.js';
import { KeyRing } from '../keys/key-ring.js';

export type Check = 'ok' | 'failing';

/** A probe of the database serves everybody who asks within this time, and the next try is not sooner either. */
const PROBE_INTERVAL_MS = 500;

/** Whoever asks waits no longer than this for a probe: orchestrators give up after a second. */
const PATIENCE_MS = 800;

/** Tries in a row that must fail before a database that took writes counts as one that does not. */
const TRIES = 2;

/** For a moment requests may be answered 503 without the instance being taken out of service. */
const MAX_FEED_AGE_MS = 2 * STALE_MS;

const checkOf = (ok: boolean): Check => (ok ? 'ok' : 'failing');

/**
 * Whether the instance can serve. An instance that is only busy can: were it taken out of service, the others would be busier
 * still. So nothing here waits for a connection that requests use.
 */
@Injectable()
export class Readiness {
  private writable = false;
  private probing: Promise<void> | undefined;
  private probedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly database: Database,
    private readonly feed: ChangeFeed,
    private readonly startup: Startup,
    private readonly keys: KeyRing,
    private readonly logger: Logger,
  ) {}

  async check(): Promise<{ database: Check; change_feed: Check; signing_key: Check }> {
    // The feed reads a table several times a second, so it tells of a database that is away without a probe.
    const followed = this.startup.complete && (this.feed.ageMs ?? Number.POSITIVE_INFINITY) <= MAX_FEED_AGE_MS;
    const writable = followed && (await this.isWritable());
    return { database: checkOf(writable), change_feed: checkOf(followed), signing_key: checkOf(this.keys.canSign) };
  }

  private async isWritable(): Promise<boolean> {
    if (performance.now() - this.probedAt >= PROBE_INTERVAL_MS) {
      this.probing ??= this.probe().finally(() => {
        this.probing = undefined;
        this.probedAt = performance.now();
      });
    }
    // A probe that takes longer has not failed yet: the last result counts.
    if (this.probing) await Promise.race([this.probing, sleep(PATIENCE_MS, undefined, { ref: false })]);
    return this.writable;
  }

  private async probe(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.database.assertWritable();
        this.writable = true;
        return;
      } catch (error) {
        if (!this.writable) return;
        if (tries === TRIES) {
          this.writable = false;
          this.logger.failure('not ready: the database takes no writes', error);
          return;
        }
        await sleep(PROBE_INTERVAL_MS, undefined, { ref: false });
      }
    }
  }
}
