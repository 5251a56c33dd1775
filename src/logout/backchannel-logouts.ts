import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Logger } from '../common/logging/logger.js';
import { Serial } from '../common/serial.js';
import { Clock } from '../common/time/clock.js';
import { ChangeFeed } from '../database/change-feed.js';
import { Startup } from '../database/startup.js';
import { BackchannelLogoutDelivery } from './backchannel-logout-delivery.js';
import { BackchannelLogoutsRepository } from './backchannel-logouts.repository.js';

/** For what another instance left behind: an instance comes back by itself to what it has to send once more. */
const POLL_MS = 15_000;
/** No client is told any more after so long, if nobody could tell it before. */
const KEPT_MS = 24 * 3_600_000;
/** Longer than an attempt can last, with room for clocks that differ between instances. */
const CLAIM_MS = 30_000;
const MAX_UNDER_WAY = 16;
/** So that a client that does not answer does not keep the others waiting. */
const MAX_UNDER_WAY_FOR_A_CLIENT = 4;
const SHUTDOWN_MS = 5_000;

/** A client that is to be told that a session has ended: `subject` and `sessionId` are the `sub` and `sid` of the ID tokens that it has. */
export interface BackchannelLogout {
  readonly clientId: string;
  readonly subject: string;
  readonly sessionId: string;
}

/**
 * Tells clients of sessions that have ended (OpenID Connect Back-Channel Logout 1.0). What is to be sent is a row that is written together with the end of the session, and stays until the
 * client has taken it: it outlives this instance, and every instance looks now and then for what is due.
 */
@Injectable()
export class BackchannelLogouts implements OnApplicationShutdown {
  /** The client of each delivery. */
  private readonly underWay = new Map<Promise<void>, string>();
  private readonly looks = new Serial();
  private lookWaits = false;
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly logouts: BackchannelLogoutsRepository,
    private readonly delivery: BackchannelLogoutDelivery,
    private readonly clock: Clock,
    private readonly feed: ChangeFeed,
    private readonly logger: Logger,
    startup: Startup,
  ) {
    startup.load(async () => {
      this.timer ??= setInterval(() => this.deliverSoon(), POLL_MS).unref();
    });
  }

  /** Writes down in the caller's transaction that clients are to be told; those that want no logout tokens are passed over later. */
  async enqueue(logouts: readonly BackchannelLogout[], manager: EntityManager): Promise<void> {
    const nowMs = this.clock.nowMs();
    await this.logouts.insert(logouts.map(({ clientId, subject, sessionId }) => ({ clientId, subject, sessionId, attempts: 0, nextAttemptAt: nowMs, expiresAt: nowMs + KEPT_MS })), manager);
  }

  /** How many wait to be delivered, those under way included, up to a million. */
  countWaiting(): Promise<number> {
    return this.logouts.countAll();
  }

  /** Sends what is due without waiting for the next look. To be called after the COMMIT; nobody has to wait for it. */
  deliverSoon(): void {
    if (this.stopped || this.lookWaits) return;
    this.lookWaits = true;
    void this.looks.run(async () => {
      this.lookWaits = false;
      await this.look();
    });
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.looks.run(async () => undefined);
    await Promise.race([Promise.all(this.underWay.keys()), sleep(SHUTDOWN_MS, undefined, { ref: false })]);
  }

  private async look(): Promise<void> {
    // While the database is away, that is said elsewhere.
    if (this.stopped || !this.feed.isFresh) return;
    try {
      while (await this.beginSome());
    } catch (error) {
      this.logger.failure('logout tokens that are due could not be looked for', error);
    }
  }

  /** Answers whether there may be more to begin at once. */
  private async beginSome(): Promise<boolean> {
    const room = MAX_UNDER_WAY - this.underWay.size;
    if (room <= 0) return false;
    const nowMs = this.clock.nowMs();
    const due = await this.logouts.due(nowMs, room, [...new Set(this.underWay.values())].filter((clientId) => !this.hasRoomFor(clientId)));
    let begun = 0;
    for (const logout of due) {
      if (this.stopped || !this.hasRoomFor(logout.clientId)) continue;
      const claimed = await this.logouts.claim(logout, nowMs + CLAIM_MS);
      if (!claimed) continue;
      begun++;
      const delivery: Promise<void> = this.delivery
        .deliver(claimed)
        .then((againInMs) => this.comeBack(againInMs))
        .catch((error: unknown) => this.logger.failure('a logout token could not be delivered', error, { client_id: logout.clientId }))
        .finally(() => {
          this.underWay.delete(delivery);
          this.deliverSoon();
        });
      this.underWay.set(delivery, logout.clientId);
    }
    return begun > 0 && due.length === room;
  }

  private comeBack(inMs: number | undefined): void {
    if (inMs !== undefined) setTimeout(() => this.deliverSoon(), inMs).unref();
  }

  private hasRoomFor(clientId: string): boolean {
    return [...this.underWay.values()].filter((each) => each === clientId).length < MAX_UNDER_WAY_FOR_A_CLIENT;
  }
}
