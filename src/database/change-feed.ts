import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Logger } from '../common/logging/logger.js';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { Clock, type Moment } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { type Change, ChangeFeedRepository, NOTICE_MS } from './change-feed.repository.js';
import { ChangeWindow, TableWentBackError } from './change-window.js';
import { DatabaseClock } from './database-clock.js';
import { FeedFreshness, STALE_MS } from './feed-freshness.js';

export type ChangeTopic = 'client' | 'user' | 'resource' | 'signing-key' | 'revoked-token';

type Subscriber = (change: Change) => void;
type Step = () => Promise<void>;

/** Two reads begin within the time for which one counts, whatever the configuration says. */
const MAX_INTERVAL_MS = STALE_MS / 2;

/** What is kept in memory as a whole is read again this often even if no change was seen. */
const REREAD_MS = 60_000;

/**
 * How instances learn what others changed: each follows the table `changes` a few times a second. The instance that makes
 * a change applies it itself, after COMMIT. When the table cannot be read, {@link assertFresh} refuses: a verdict without
 * the revocations of the last seconds would be a guess.
 */
@Injectable()
export class ChangeFeed {
  private readonly subscribers = new Map<string, Subscriber[]>();
  private readonly steps = new Map<string, Step[]>();
  private readonly gapSteps: Step[] = [];
  private readonly rereadSteps: Step[] = [];
  private readonly window = new ChangeWindow();
  private readonly freshness: FeedFreshness;
  /** What is in memory is at least as new as this. */
  private begunAt: Moment | undefined;
  private lastRereadMs = 0;
  private gap = false;
  private failing = false;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private stopped = true;

  constructor(
    private readonly repository: ChangeFeedRepository,
    private readonly databaseClock: DatabaseClock,
    private readonly clock: Clock,
    private readonly config: Config,
    private readonly logger: Logger,
  ) {
    this.freshness = new FeedFreshness(clock);
  }

  subscribe(topic: ChangeTopic, subscriber: Subscriber): void {
    const list = this.subscribers.get(topic) ?? [];
    list.push(subscriber);
    this.subscribers.set(topic, list);
  }

  /**
   * Registers how to read anew what changes of a topic may have altered. It runs once for all changes that are read
   * together, of which there may be thousands.
   */
  onChanges(topic: ChangeTopic, step: Step): void {
    const list = this.steps.get(topic) ?? [];
    list.push(step);
    this.steps.set(topic, list);
  }

  /** Registers how to learn anew what changes may have told that this instance can no longer read. */
  onGap(step: Step): void {
    this.gapSteps.push(step);
  }

  /** Registers how to read anew what is in memory as a whole: after a gap, and once a minute in case a change was missed. */
  onReread(step: Step): void {
    this.gapSteps.push(step);
    this.rereadSteps.push(step);
  }

  /**
   * Records in the caller's transaction that others must read something again. The caller applies the change to its own
   * memory after the COMMIT.
   */
  publish(topic: ChangeTopic, subject: string, manager: EntityManager): Promise<void> {
    return this.repository.append(topic, subject, this.clock.nowMs() + NOTICE_MS, manager);
  }

  /** As {@link publish}, for what happens to a subject once at most. Returns whether it was this call that recorded it. */
  publishOnce(topic: ChangeTopic, subject: string, expiresAtMs: number, manager: EntityManager): Promise<boolean> {
    return this.repository.appendOnce(topic, subject, expiresAtMs, manager);
  }

  /** Records many subjects at once, each as {@link publishOnce} does. The caller bounds how many. */
  publishAllOnce(
    topic: ChangeTopic,
    subjects: readonly string[],
    expiresAtMs: number,
    manager: EntityManager,
  ): Promise<void> {
    return this.repository.appendAllOnce(topic, subjects, expiresAtMs, manager);
  }

  /** Everything of a topic that still counts, for an instance that starts. */
  async replay(topic: ChangeTopic, apply: (change: Change) => void): Promise<void> {
    for (let last = 0, complete = false; !complete; ) {
      const page = await this.repository.current(topic, this.clock.nowMs(), last);
      page.changes.forEach(apply);
      last = page.changes.at(-1)?.id ?? last;
      complete = page.complete;
    }
  }

  /** Marks where to read on from. Called before the first state is loaded, so that nothing between the two is missed. */
  async begin(): Promise<void> {
    this.begunAt = this.clock.moment();
    this.window.begin(await this.repository.newest());
  }

  /** Reads on once, so that whoever is ready is fresh too, and from then on all the time. */
  async start(): Promise<void> {
    if (!this.stopped) return;
    this.stopped = false;
    if (this.begunAt) this.freshness.readSince(this.begunAt);
    this.lastRereadMs = this.clock.nowMs();
    await this.poll();
    this.schedule(0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /** @throws {TemporarilyUnavailableError} when the database could not be followed lately */
  assertFresh(): void {
    if (!this.isFresh) throw new TemporarilyUnavailableError('the change feed cannot be read');
  }

  get isFresh(): boolean {
    return this.freshness.isFresh;
  }

  /** How old what this instance knows may be, in milliseconds; `undefined` before the feed is followed. */
  get ageMs(): number | undefined {
    return this.freshness.ageMs;
  }

  /**
   * Whether a time limit ran out while nobody could keep it because the database was away, or so shortly ago that the
   * request that waited for the database may yet come.
   */
  excuses(limitMs: number, graceMs: number): boolean {
    return this.freshness.excuses(limitMs, graceMs);
  }

  /** Reads on now, for a caller that wants to know. */
  poll(): Promise<void> {
    this.running ??= this.readOn().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  /** Reads begin at a steady pace, so that a slow one does not make the next one late too. */
  private schedule(tookMs: number): void {
    const intervalMs = Math.min(this.config.changeFeedIntervalMs, MAX_INTERVAL_MS);
    this.timer = setTimeout(() => {
      const began = performance.now();
      void this.poll().then(() => this.stopped || this.schedule(performance.now() - began));
    }, Math.max(0, intervalMs - tookMs));
  }

  private async readOn(): Promise<void> {
    const began = this.clock.moment();
    try {
      if (!(await this.readToTheEnd(began))) await this.closeGap(began);
      this.freshness.readSince(began);
      this.failing = false;
      await this.reread();
    } catch (error) {
      if (!this.failing) this.logger.failure('the change feed cannot be read', error);
      this.failing = true;
    }
  }

  /** Returns whether all changes since the last read were there to be read. */
  private async readToTheEnd(began: Moment, afterGap = false): Promise<boolean> {
    try {
      for (let from = this.window.from, complete = false; !complete; ) {
        const page = await this.repository.from(from);
        this.databaseClock.take(page.reading);
        // Changes that were not read for this long may have expired.
        if (!afterGap && (this.gap || this.freshness.isOlderThan(NOTICE_MS / 2))) return false;
        await this.apply(this.window.takePage(page.changes));
        from = (page.changes.at(-1)?.id ?? from) + 1;
        complete = page.complete;
      }
      this.window.endRead(this.clock.nowMs(), began.monotonicMs);
      return true;
    } catch (error) {
      if (!(error instanceof TableWentBackError)) throw error;
      this.logger.warn('the database lost changes that this instance had seen', { reason: error.message });
      return false;
    }
  }

  private async closeGap(began: Moment): Promise<void> {
    // Any of this may fail; then the next read begins with it.
    this.gap = true;
    await this.begin();
    for (const step of this.gapSteps) await step();
    this.gap = !(await this.readToTheEnd(began, true));
    if (this.gap) throw new TableWentBackError('changes were lost while this instance read everything anew');
  }

  private async reread(): Promise<void> {
    const nowMs = this.clock.nowMs();
    if (nowMs - this.lastRereadMs < REREAD_MS) return;
    this.lastRereadMs = nowMs;
    for (const step of this.rereadSteps) await step();
  }

  private async apply(changes: readonly Change[]): Promise<void> {
    for (const change of changes) for (const subscriber of this.subscribers.get(change.topic) ?? []) subscriber(change);
    const topics = new Set(changes.map((change) => change.topic));
    for (const topic of topics) for (const step of this.steps.get(topic) ?? []) await step();
    for (const change of changes) this.window.remember(change);
  }
}
