import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Logger } from '../common/logging/logger.js';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { type Change, ChangeFeedRepository } from './change-feed.repository.js';

export type ChangeTopic = 'client' | 'user' | 'resource' | 'signing-key' | 'revoked-token';

type Subscriber = (change: Change) => void;
type Step = () => Promise<void>;

/** A change that only tells others to look again is kept for so long. */
const NOTICE_MS = 10 * 60_000;

/**
 * Numbers are given out before their rows are committed, so a row may appear behind a later one. No transaction lives longer than its
 * deadline, so whoever looks back this far misses none.
 */
const LOOK_BACK_MS = 15_000;

/** With no look at the database for so long, what this instance knows may be wrong, and it must not give verdicts. */
const STALE_MS = 1_500;

/**
 * How instances learn what others changed: each follows the table `changes` a few times a second. The instance that makes a change applies it itself,
 * after COMMIT. When the table cannot be read, {@link assertFresh} refuses: a verdict without the revocations of the last
 * seconds would be a guess.
 */
@Injectable()
export class ChangeFeed {
  private readonly subscribers = new Map<string, Subscriber[]>();
  private readonly steps = new Map<string, Step[]>();
  private readonly gapSteps: Step[] = [];
  /** Numbers seen in the window that is read again, each with the time at which it may be forgotten. */
  private readonly seen = new Map<number, number>();
  private floor = 0;
  private floorMarks: { atMs: number; id: number }[] = [];
  private lastSuccessMs = Number.NEGATIVE_INFINITY;
  /** By the wall clock, which goes on while a machine is suspended. */
  private lastReadAtMs = 0;
  /** The last time for which the database could not be followed, by the wall clock. */
  private outage = { fromMs: 0, toMs: 0 };
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private stopped = true;

  constructor(
    private readonly repository: ChangeFeedRepository,
    private readonly clock: Clock,
    private readonly config: Config,
    private readonly logger: Logger,
  ) {}

  subscribe(topic: ChangeTopic, subscriber: Subscriber): void {
    const list = this.subscribers.get(topic) ?? [];
    list.push(subscriber);
    this.subscribers.set(topic, list);
  }

  /** Registers how to learn anew what changes of a topic may have altered: done once for all of them that are read together, of which there may be thousands. */
  onChanges(topic: ChangeTopic, step: Step): void {
    const list = this.steps.get(topic) ?? [];
    list.push(step);
    this.steps.set(topic, list);
  }

  /** Registers how to learn anew what notices may have told while this instance was cut off for so long that they are gone. */
  onGap(step: Step): void {
    this.gapSteps.push(step);
  }

  /**
   * Records in the caller's transaction that others must look again. The caller applies the change to its own memory after the COMMIT.
   */
  publish(topic: ChangeTopic, subject: string, manager: EntityManager): Promise<void> {
    return this.repository.append(topic, subject, this.clock.nowMs() + NOTICE_MS, manager);
  }

  /** As {@link publish}, for what happens to a subject once at most. Answers whether it was this call that recorded it. */
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
    this.floor = Math.max(0, (await this.repository.lastId()) - 1000);
    this.floorMarks = [];
    this.seen.clear();
  }

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.lastSuccessMs = performance.now();
    this.lastReadAtMs = this.clock.nowMs();
    this.schedule();
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
    return performance.now() - this.lastSuccessMs <= STALE_MS;
  }

  /** How old what this instance knows may be, in milliseconds; `undefined` before the feed is followed. */
  get ageMs(): number | undefined {
    return this.lastReadAtMs === 0 ? undefined : Math.max(0, this.clock.nowMs() - this.lastReadAtMs);
  }

  /** Whether a time limit ran out while nobody could keep it, because the database was away, or has so lately that what was kept waiting for it may yet come. */
  excuses(limitMs: number, graceMs: number): boolean {
    return limitMs >= this.outage.fromMs && this.clock.nowMs() < this.outage.toMs + graceMs;
  }

  /** Reads on now, for a caller that wants to know. */
  poll(): Promise<void> {
    this.running ??= this.readOn().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private schedule(): void {
    this.timer = setTimeout(() => void this.poll().then(() => this.stopped || this.schedule()), this.config.changeFeedIntervalMs);
  }

  private async readOn(): Promise<void> {
    const began = performance.now();
    try {
      await this.closeGap();
      for (let from = this.floor, complete = false; !complete; ) {
        const page = await this.repository.after(from);
        await this.apply(page.changes.filter(({ id }) => !this.seen.has(id)), began);
        from = page.changes.at(-1)?.id ?? from;
        complete = page.complete;
      }
      const nowMs = this.clock.nowMs();
      if (this.lastSuccessMs === Number.NEGATIVE_INFINITY) this.outage = { fromMs: this.lastReadAtMs, toMs: nowMs };
      this.lastSuccessMs = performance.now();
      this.lastReadAtMs = nowMs;
      this.advanceFloor(began);
    } catch (error) {
      if (this.lastSuccessMs !== Number.NEGATIVE_INFINITY) this.logger.failure('the change feed cannot be read', error);
      this.lastSuccessMs = Number.NEGATIVE_INFINITY;
    }
  }

  private async closeGap(): Promise<void> {
    if (this.clock.nowMs() - this.lastReadAtMs < NOTICE_MS / 2) return;
    await this.begin();
    for (const step of this.gapSteps) await step();
  }

  private async apply(changes: readonly Change[], nowMs: number): Promise<void> {
    for (const change of changes) for (const subscriber of this.subscribers.get(change.topic) ?? []) subscriber(change);
    for (const topic of new Set(changes.map((change) => change.topic))) for (const step of this.steps.get(topic) ?? []) await step();
    for (const { id } of changes) this.seen.set(id, nowMs + 2 * LOOK_BACK_MS);
  }

  private advanceFloor(nowMs: number): void {
    let newest = this.floor;
    for (const id of this.seen.keys()) if (id > newest) newest = id;
    if (newest > (this.floorMarks.at(-1)?.id ?? this.floor)) this.floorMarks.push({ atMs: nowMs, id: newest });
    while (this.floorMarks.length > 0 && this.floorMarks[0].atMs < nowMs - LOOK_BACK_MS) this.floor = this.floorMarks.shift()!.id;
    for (const [id, forgetAt] of this.seen) if (id <= this.floor || forgetAt < nowMs) this.seen.delete(id);
  }
}
