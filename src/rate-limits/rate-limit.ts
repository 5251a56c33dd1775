import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Actor } from '../audit/audit-log.js';
import { RateLimitedError } from '../common/rate-limited.error.js';
import type { Clock } from '../common/time/clock.js';
import type { RateLimitName } from '../config/rate-limits.js';

/**
 * Callers that one limit remembers, those seen last. Whoever rotates through more of them, so that each is forgotten before it comes again, is not limited; but were each remembered,
 * together they would be let through so many times the quota all the same, which is more than a process can serve.
 */
const MAX_CALLERS = 20_000;

/** Usernames and client ids that nobody has may be of any length. */
const MAX_KEY_LENGTH = 256;

/** An instance tells the others of a caller from a twentieth of the quota on: of almost nobody, and of whoever matters. */
const SHARED_FROM = 1 / 20;

/** How often a caller came. */
export interface Count {
  readonly key: string;
  /** So far in this window, to this instance. */
  own: number;
  /** So far in this window, to the others, as far as is known. */
  others: number;
  /** In the window before, to all. */
  before: number;
  /** The end of this window. */
  endsAtMs: number;
  /** The end of the last window in which it was told that the quota was reached. */
  toldWindowMs: number;
}

/** What a limit needs beside its numbers. */
export interface RateLimitWorld {
  readonly clock: Clock;
  /** Called for each count that the other instances should know of. */
  share(limit: RateLimit, count: Count): void;
  /** Called for each refusal. @param first whether it is the caller's first in this window @param clientId as of {@link RateLimit.check} */
  refused(limit: RateLimit, first: boolean, caller: Actor, clientId: string | undefined): void;
}

export type RateLimitHeaders = Readonly<Record<string, string>>;

const NO_LIMIT: RateLimitHeaders = Object.freeze({});

/**
 * So many requests of a caller in a window that slides: what came in the window before counts by the part of it that still lies within. Windows begin for each caller at a time of its own,
 * the same at every instance, so that not all who wait come back at one moment. What is refused is not counted: who waits as long as `Retry-After` says is let through.
 */
export class RateLimit {
  /** Takes its whole room when it is made: 350 kB that a limit which nobody uses does not need. */
  private counts: LRUCache<string, Count> | undefined;
  private readonly policy: string;
  private readonly sharedFrom: number;
  private mayRefuseUntilMs = 0;

  /** @param quota 0 = everything is let through */
  constructor(
    readonly name: RateLimitName,
    private readonly quota: number,
    private readonly windowMs: number,
    private readonly world: RateLimitWorld,
  ) {
    this.policy = `"${name}";q=${quota};w=${windowMs / 1000}`;
    this.sharedFrom = Math.ceil(quota * SHARED_FROM);
  }

  /** Whether there is anybody whom it may refuse. Mostly there is nobody, and then nobody has to be asked for his address. */
  get isReached(): boolean {
    return this.mayRefuseUntilMs > 0 && this.world.clock.nowMs() < this.mayRefuseUntilMs;
  }

  /**
   * Counts one more, or as many as the amount says.
   * @param clientId whom it is about, if there is such a client
   * @returns what is left, in the headers of draft-ietf-httpapi-ratelimit-headers
   * @throws {RateLimitedError} when that is less than the amount
   */
  take(key: string, caller: Actor, clientId?: string, amount = 1): RateLimitHeaders {
    if (this.quota === 0) return NO_LIMIT;
    const nowMs = this.world.clock.nowMs();
    const count = this.countOf(key, nowMs);
    const left = this.quota - this.used(count, nowMs) - amount;
    if (left < 0) throw this.refusal(count, nowMs, caller, clientId, this.waitMs(count, nowMs, amount));
    this.add(count, amount);
    return { 'RateLimit-Policy': this.policy, RateLimit: `"${this.name}";r=${Math.floor(left)};t=${Math.ceil((count.endsAtMs - nowMs) / 1000)}` };
  }

  /** Counts one more if there is room for it. Returns whether there was. */
  tryTake(key: string): boolean {
    if (this.quota === 0) return true;
    const nowMs = this.world.clock.nowMs();
    const count = this.countOf(key, nowMs);
    const hasRoom = this.hasRoom(count, nowMs);
    if (hasRoom) this.add(count);
    return hasRoom;
  }

  /** Counts nothing. */
  isReachedBy(key: string): boolean {
    if (!this.isReached) return false;
    const nowMs = this.world.clock.nowMs();
    return !this.hasRoom(this.countOf(key, nowMs), nowMs);
  }

  /**
   * Counts nothing.
   * @param clientId whom it is about, if there is such a client
   * @throws {RateLimitedError} when the quota is reached
   */
  check(key: string, caller: Actor, clientId?: string): void {
    if (this.isReachedBy(key)) this.refuse(key, caller, clientId);
  }

  /** @param retryMs when the caller may try again, if that is not as soon as the quota has room @throws {RateLimitedError} */
  refuse(key: string, caller: Actor, clientId?: string, retryMs?: number): never {
    const nowMs = this.world.clock.nowMs();
    throw this.refusal(this.countOf(key, nowMs), nowMs, caller, clientId, retryMs);
  }

  /** @param others what the other instances counted in the window that ends then */
  learn(count: Count, endsAtMs: number, others: number): void {
    if (count.endsAtMs !== endsAtMs) return;
    count.others = others;
    this.noticeReached(count);
  }

  private countOf(key: string, nowMs: number): Count {
    const known = key.length <= MAX_KEY_LENGTH ? key : createHash('sha256').update(key).digest('base64');
    const counts = (this.counts ??= new LRUCache<string, Count>({ max: MAX_CALLERS }));
    let count = counts.get(known);
    if (count === undefined) {
      count = { key: known, own: 0, others: 0, before: 0, endsAtMs: this.windowEnd(known, nowMs), toldWindowMs: 0 };
      counts.set(known, count);
    } else if (nowMs >= count.endsAtMs || nowMs < count.endsAtMs - this.windowMs) {
      const endsAtMs = this.windowEnd(known, nowMs);
      count.before = endsAtMs - count.endsAtMs === this.windowMs ? count.own + count.others : 0;
      count.own = count.others = 0;
      count.endsAtMs = endsAtMs;
    }
    return count;
  }

  private used(count: Count, nowMs: number): number {
    return count.before * ((count.endsAtMs - nowMs) / this.windowMs) + count.own + count.others;
  }

  private hasRoom(count: Count, nowMs: number): boolean {
    return this.quota - this.used(count, nowMs) - 1 >= 0;
  }

  private add(count: Count, amount = 1): void {
    count.own += amount;
    this.noticeReached(count);
    if (count.own >= this.sharedFrom) this.world.share(this, count);
  }

  private noticeReached(count: Count): void {
    if (count.own + count.others + count.before >= this.quota) this.mayRefuseUntilMs = Math.max(this.mayRefuseUntilMs, count.endsAtMs + this.windowMs);
  }

  private refusal(
    count: Count,
    nowMs: number,
    caller: Actor,
    clientId?: string,
    retryMs = this.waitMs(count, nowMs),
  ): RateLimitedError {
    const first = count.toldWindowMs !== count.endsAtMs;
    count.toldWindowMs = count.endsAtMs;
    this.world.refused(this, first, caller, clientId);
    const seconds = Math.max(1, Math.ceil(retryMs / 1000));
    return new RateLimitedError(this.name, { 'Retry-After': String(seconds), 'RateLimit-Policy': this.policy, RateLimit: `"${this.name}";r=0;t=${seconds}` });
  }

  /** Until the amount fits: later in this window, as the one before slides out, or in the next, as this one does. */
  private waitMs({ own, others, before, endsAtMs }: Count, nowMs: number, amount = 1): number {
    const room = Math.max(0, this.quota - amount);
    const counted = own + others;
    return counted <= room ? endsAtMs - nowMs - (this.windowMs * (room - counted)) / before : endsAtMs - nowMs + this.windowMs * (1 - room / counted);
  }

  private windowEnd(key: string, nowMs: number): number {
    const sinceStart = (nowMs - (hashOf(key) % this.windowMs)) % this.windowMs;
    return nowMs - sinceStart + this.windowMs;
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
