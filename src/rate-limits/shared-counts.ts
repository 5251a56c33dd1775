import { createHmac, randomBytes } from 'node:crypto';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { SecretBox } from '../common/crypto/secret-box.js';
import { Logger } from '../common/logging/logger.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import type { Count, RateLimit } from './rate-limit.js';
import { RateLimitCountsRepository } from './rate-limit-counts.repository.js';

const INTERVAL_MS = 1_000;
/** Counts that one exchange writes and reads; the rest waits for the next. */
const MAX_EXCHANGED = 500;
/** Counts that wait while the database is away; of more the others hear nothing. */
const MAX_WAITING = 20_000;

/**
 * How instances add up what each of them counted: once a second each writes its own counts that have changed, and reads what the others wrote of the same callers. No request waits for it,
 * and without the database each instance goes on with what it knows.
 */
@Injectable()
export class SharedCounts implements OnApplicationShutdown {
  private readonly instance = randomBytes(8).toString('hex');
  private readonly digestKey: Buffer;
  /** Nobody else counts: there is one process. */
  private readonly alone: boolean;
  private readonly waiting = new Map<Count, RateLimit>();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private failing = false;

  constructor(
    private readonly repository: RateLimitCountsRepository,
    private readonly clock: Clock,
    private readonly logger: Logger,
    config: Config,
  ) {
    this.digestKey = new SecretBox(config.keyEncryptionKey).derive('rate-limits');
    this.alone = config.database.type === 'sqlite' && config.workers === 1;
  }

  share(limit: RateLimit, count: Count): void {
    if (this.alone || this.waiting.has(count) || this.waiting.size >= MAX_WAITING) return;
    this.waiting.set(count, limit);
    this.schedule();
  }

  /** Writes and reads what waits, at once. It does not fail: what could not be exchanged waits on. */
  exchange(): Promise<void> {
    this.running ??= this.exchangeOnce().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  /** Those who stay learn what was counted here: a restart of one instance after the other starts nobody anew. */
  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.timer);
    await this.running;
    await this.exchange();
    clearTimeout(this.timer);
  }

  private schedule(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.exchange();
    }, INTERVAL_MS).unref();
  }

  private async exchangeOnce(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const round = this.takeRound();
    if (round.length > 0) await this.exchangeRound(round);
    if (this.waiting.size > 0) this.schedule();
  }

  private takeRound(): { limit: RateLimit; count: Count; countKey: string; requests: number; expiresAt: number }[] {
    const nowMs = this.clock.nowMs();
    const round = [];
    for (const [count, limit] of this.waiting) {
      if (round.length === MAX_EXCHANGED) break;
      this.waiting.delete(count);
      if (count.endsAtMs > nowMs) round.push({ limit, count, countKey: this.countKey(limit, count), requests: count.own, expiresAt: count.endsAtMs });
    }
    return round.sort((one, other) => (one.countKey < other.countKey ? -1 : 1));
  }

  private async exchangeRound(round: ReturnType<SharedCounts['takeRound']>): Promise<void> {
    try {
      await this.repository.write(round.map(({ countKey, requests, expiresAt }) => ({ countKey, instance: this.instance, requests, expiresAt })));
      const others = await this.repository.countedByOthers(this.instance, round.map(({ countKey }) => countKey));
      for (const { limit, count, countKey, expiresAt } of round) limit.learn(count, expiresAt, others.get(countKey) ?? 0);
      if (this.failing) this.logger.info('rate limits are shared again');
      this.failing = false;
    } catch (error) {
      for (const { limit, count } of round) this.waiting.set(count, limit);
      if (!this.failing) this.logger.failure('rate limits cannot be shared: every instance counts by itself', error);
      this.failing = true;
    }
  }

  private countKey({ name }: RateLimit, { key, endsAtMs }: Count): string {
    return createHmac('sha256', this.digestKey).update(`${name} ${endsAtMs} ${key}`).digest('hex').slice(0, 32);
  }
}
