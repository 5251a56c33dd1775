import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Logger } from '../common/logging/logger.js';
import { Clock } from '../common/time/clock.js';
import { TokenFamiliesRepository } from './token-families.repository.js';

/** When to look, counted from the first look that the database answered: a statement that was under way when the connection broke may be carried out late. */
const LOOKS_AFTER_MS = [0, 2_000, 10_000, 60_000];
const INTERVAL_MS = 500;
const GIVE_UP_MS = 15 * 60_000;
/** An outage in which reads succeed and writes fail brings one with every refresh: the clients of further ones retry as usual. */
const MAX_PENDING = 20_000;
/** For how long a client whose answer is known to be lost may send its token again. */
const EXTENDED_RETRY_MS = 5 * 60_000;

interface Uncertain {
  familyId: string;
  currentDigest: string;
  /** By the monotonic clock. */
  notedAt: number;
  answeredAt?: number;
  looks: number;
}

/**
 * Rotations of refresh tokens of which it is not known whether they were committed, because the database went away over them. The client was answered 503 and
 * will send its token again, perhaps after the usual time for that: once the database is back, that time is extended for those that were committed. To
 * those that were not, nothing happened.
 */
@Injectable()
export class UncertainRotations implements OnApplicationShutdown {
  /** By the digest of the token that is good now if the rotation was committed. */
  private readonly pending = new Map<string, Uncertain>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly families: TokenFamiliesRepository,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** @param currentDigest of the token that is good now if the rotation was committed */
  note(familyId: string, currentDigest: string): void {
    if (this.pending.size >= MAX_PENDING) return;
    this.pending.set(currentDigest, { familyId, currentDigest, notedAt: performance.now(), looks: 0 });
    this.schedule();
  }

  /** Whether a client may be on its way with the token before this one because it was answered 503: until the look that gives it time, it has all the time. */
  covers(currentDigest: string): boolean {
    return this.pending.has(currentDigest);
  }

  onApplicationShutdown(): void {
    clearTimeout(this.timer);
    this.pending.clear();
  }

  private schedule(): void {
    if (this.pending.size > 0) this.timer ??= setTimeout(() => void this.look(), INTERVAL_MS).unref();
  }

  private async look(): Promise<void> {
    try {
      for (const [digest, rotation] of this.pending) if (await this.isSettled(rotation)) this.pending.delete(digest);
    } catch (error) {
      this.logger.failure('uncertain rotations of refresh tokens wait for the database', error, { rotations: this.pending.size });
      for (const [digest, { notedAt }] of this.pending) if (performance.now() - notedAt >= GIVE_UP_MS) this.pending.delete(digest);
    }
    this.timer = undefined;
    this.schedule();
  }

  private async isSettled(rotation: Uncertain): Promise<boolean> {
    const now = performance.now();
    if (now < (rotation.answeredAt ?? now) + LOOKS_AFTER_MS[rotation.looks]) return false;
    const committed = await this.families.extendRetry(rotation.familyId, rotation.currentDigest, this.clock.nowMs() + EXTENDED_RETRY_MS);
    rotation.answeredAt ??= now;
    return committed || ++rotation.looks === LOOKS_AFTER_MS.length;
  }
}
