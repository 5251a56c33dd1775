import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../common/time/clock.js';
import { ChangeFeed } from '../database/change-feed.js';
import { Startup } from '../database/startup.js';

const PRUNE_INTERVAL_MS = 30_000;

/** The ids of JWTs and of families of tokens that were revoked one by one and have not expired yet: all that must be remembered to make a JWT revocable. */
@Injectable()
export class RevokedTokens implements OnApplicationShutdown {
  /** Milliseconds since the epoch at which the token expires anyway, or the last one of the family, by `jti` or family id. */
  private readonly expiries = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly clock: Clock,
    feed: ChangeFeed,
    startup: Startup,
  ) {
    feed.subscribe('revoked-token', (change) => this.add(change.subject, change.expiresAtMs));
    const replay = () => feed.replay('revoked-token', (change) => this.add(change.subject, change.expiresAtMs));
    feed.onGap(replay);
    startup.load(async () => {
      await replay();
      this.timer ??= setInterval(() => this.prune(), PRUNE_INTERVAL_MS).unref();
    });
  }

  has(id: string): boolean {
    return this.expiries.has(id);
  }

  add(id: string, expiresAtMs: number): void {
    this.expiries.set(id, expiresAtMs);
  }

  prune(): void {
    const nowMs = this.clock.nowMs();
    for (const [id, expiresAtMs] of this.expiries) if (expiresAtMs < nowMs) this.expiries.delete(id);
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }
}
