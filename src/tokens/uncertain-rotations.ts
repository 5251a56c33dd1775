import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Logger } from '../common/logging/logger.js';
import { Clock } from '../common/time/clock.js';
import { TokenFamiliesRepository } from './token-families.repository.js';

/** When to look, counted from the first look that the database answered: a statement that was under way when the connection broke may be carried out late. */
const LOOKS_AFTER_MS = [0, 2_000, 10_000, 60_000];
const INTERVAL_MS = 500;
const GIVE_UP_MS = 15 * 60_000;
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
  private readonly pending: Uncertain[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly families: TokenFamiliesRepository,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** @param currentDigest of the token that is good now if the rotation was committed */
  note(familyId: string, currentDigest: string): void {
    this.pending.push({ familyId, currentDigest, notedAt: performance.now(), looks: 0 });
    this.schedule();
  }

  onApplicationShutdown(): void {
    clearTimeout(this.timer);
    this.pending.length = 0;
  }

  private schedule(): void {
    if (this.pending.length > 0) this.timer ??= setTimeout(() => void this.look(), INTERVAL_MS).unref();
  }

  private async look(): Promise<void> {
    const due = this.pending.splice(0);
    try {
      for (let rotation = due[0]; rotation; rotation = due[0]) {
        if (!(await this.isSettled(rotation))) this.pending.push(rotation);
        due.shift();
      }
    } catch (error) {
      this.logger.failure('uncertain rotations of refresh tokens wait for the database', error, { rotations: due.length });
      this.pending.push(...due.filter(({ notedAt }) => performance.now() - notedAt < GIVE_UP_MS));
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
