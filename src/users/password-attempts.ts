import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { addressBlock } from '../common/http/address-block.js';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { Transactions } from '../database/transactions.js';
import type { PasswordAttemptEntity } from './password-attempt.entity.js';
import { type Counter, type CountingTimes, PasswordAttemptsRepository } from './password-attempts.repository.js';

const WINDOW_MS = 15 * 60_000;
/** An account takes so many times the limit of one address, however many addresses guess at it (NIST SP 800-63B-4 §3.2.2: 100 at most). */
const ACCOUNT_FACTOR = 10;
/** An address takes so many times the limit over all accounts: it may be that of an application through which many people sign in. */
const ADDRESS_FACTOR = 30;
/** An address from which the right password came stays known for so long. */
const KNOWN_ADDRESS_MS = 30 * 86_400_000;
/** Longer than any password is looked at. */
const PENDING_MS = 60_000;
const MAX_WAIT_MS = 5_000;
const DAY_MS = 86_400_000;

/** Which limit is reached: of the account from this address, of the account from all, of the address over all accounts. */
export type ReachedLimit = 'account_and_address' | 'account' | 'address';

/** In which counters are asked. */
const ORDER = ['address', 'account_and_address', 'account'] as const;

/** A guess that may be looked at. */
export interface Allowed {
  keys: readonly string[];
  addressKey: string;
  pairKey: string;
}

/** Places that are to be taken with the next commit. */
interface WaitingGuess {
  counters: readonly Counter[];
  times: CountingTimes;
  decide: (taken: boolean | Promise<boolean>) => void;
}

/** What became of a guess, to be written with the next commit. */
interface Outcome {
  write: (manager: EntityManager) => Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

type Settled = { value: unknown } | { error: unknown };

export type Admission = { allowed: Allowed } | { limit: ReachedLimit; key: string };

/**
 * The throttle of password guesses, one for every path that takes a password. A guess is counted before it is looked at: parallel ones are never more than
 * the limit. Who reaches a limit from one address does not shut out the owner at another, and where she signed in before she is not shut out by what others
 * do: neither at her account from other addresses, nor at other accounts from hers, which may be that of an application with many users.
 */
@Injectable()
export class PasswordAttempts {
  /** Guesses that are let through and have no outcome yet. */
  private underWay = 0;
  private readonly waitingGuesses: WaitingGuess[] = [];
  private readonly outcomes: Outcome[] = [];

  constructor(
    private readonly repository: PasswordAttemptsRepository,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /**
   * Counts a guess, of which {@link succeed}, {@link fail} or {@link release} is to tell the outcome. While others that are under way could still reach the limit, it waits for their outcome.
   * @param account key of the username, whether there is such a user or not
   * @throws {TemporarilyUnavailableError} when they took too long
   */
  async begin(account: string, address: string): Promise<Admission> {
    const counters = this.countersOf(account, address);
    const endsAt = performance.now() + MAX_WAIT_MS;
    for (let wait = 20; ; wait = Math.min(wait * 2, 200)) {
      const outcome = await this.admit(counters);
      if (outcome !== 'busy') {
        if ('allowed' in outcome) this.underWay++;
        return outcome;
      }
      if (performance.now() >= endsAt) throw new TemporarilyUnavailableError('too many passwords for one account are being looked at');
      await sleep(wait * (0.5 + Math.random()));
    }
  }

  /**
   * The password was right.
   * @param begin what it is for, written in the transaction that records the success
   * @throws whatever `begin` throws: the password was right all the same
   */
  async succeed<T>({ keys, addressKey, pairKey }: Allowed, begin: (manager: EntityManager) => T | Promise<T>): Promise<T> {
    const nowMs = this.clock.nowMs();
    const record = (manager: EntityManager) => this.repository.recordSuccess(keys, addressKey, pairKey, nowMs, purgeAfter(nowMs + KNOWN_ADDRESS_MS), manager);
    this.underWay--;
    try {
      return await this.settle(async (manager) => {
        const begun = await begin(manager);
        // Last, since others wait for the counter of their address until the commit.
        await record(manager);
        return begun;
      });
    } catch (error) {
      await this.transactions.run(record).catch(() => undefined);
      throw error;
    }
  }

  /** The password was wrong. */
  fail({ keys }: Allowed): Promise<void> {
    this.underWay--;
    return this.settleByOne((manager) => this.repository.recordFailure(keys, manager));
  }

  /** The password was not looked at. */
  release({ keys }: Allowed): Promise<void> {
    this.underWay--;
    return this.settleByOne((manager) => this.repository.release(keys, manager));
  }

  /**
   * Lets the first attempt that meets a reached limit in its window write that down.
   * @param write in the transaction that takes note of it, so that neither is there without the other
   */
  async announce(key: string, write: (manager: EntityManager) => Promise<void>): Promise<void> {
    await this.transactions.run(async (manager) => {
      if (await this.repository.announce(key, manager)) await write(manager);
    });
  }

  /** Until when accounts are closed to addresses that they do not know, in milliseconds since the epoch, by the key of the username. Those that are not are left out. */
  async lockedUntil(accounts: readonly string[]): Promise<Map<string, number>> {
    if (accounts.length === 0) return new Map();
    const byKey = new Map(accounts.map((account) => [accountKey(account), account]));
    const limit = this.config.passwordAttemptLimit * ACCOUNT_FACTOR;
    const locked = (await this.repository.find([...byKey.keys()])).filter((row) => failuresOf(row, this.clock.nowMs()) >= limit);
    return new Map(locked.map((row) => [byKey.get(row.attemptKey)!, row.windowEndsAt]));
  }

  unlock(account: string, manager: EntityManager): Promise<void> {
    return this.repository.reset(accountKey(account), manager);
  }

  /** With the addresses that are known: a user who comes after under the same name starts with none. */
  forget(account: string, manager: EntityManager): Promise<void> {
    return this.repository.deleteAccount(accountKey(account), manager);
  }

  private countersOf(account: string, address: string): Record<ReachedLimit, Counter> {
    const limit = this.config.passwordAttemptLimit;
    const block = addressBlock(address);
    const owner = accountKey(account);
    return {
      address: { key: digest('address', block), account: null, limit: limit * ADDRESS_FACTOR },
      account_and_address: { key: digest('account_and_address', `${block} ${account}`), account: owner, limit },
      account: { key: owner, account: owner, limit: limit * ACCOUNT_FACTOR },
    };
  }

  private async admit(counters: Record<ReachedLimit, Counter>): Promise<Admission | 'busy'> {
    const addressKey = counters.address.key;
    const pairKey = counters.account_and_address.key;
    const times = this.times();
    const all = ORDER.map((name) => counters[name]);
    if (await this.reserve(all, times)) return { allowed: { keys: all.map(({ key }) => key), addressKey, pairKey } };
    // One of them is new, or refuses: one after the other, then.
    const keys: string[] = [];
    for (const name of ORDER) {
      const counter = counters[name];
      if (await this.repository.reserve(counter, times)) {
        keys.push(counter.key);
        continue;
      }
      const rows = await this.repository.find([counter.key, pairKey]);
      if (name !== 'account_and_address' && this.isKnown(rows.find((row) => row.attemptKey === pairKey))) continue;
      if (keys.length > 0) await this.repository.release(keys);
      const reached = failuresOf(rows.find((row) => row.attemptKey === counter.key), this.clock.nowMs()) >= counter.limit;
      return reached ? { limit: name, key: counter.key } : 'busy';
    }
    return { allowed: { keys, addressKey, pairKey } };
  }

  /**
   * Takes a place at all of the counters, by itself or with the outcome of another guess. In the embedded database every commit is a wait for the disk, in which nobody is answered and a hash
   * sweeps the caches: where each thread has a password to hash after the one at which it is, one more may as well wait for the outcome of that.
   */
  private reserve(counters: readonly Counter[], times: CountingTimes): Promise<boolean> {
    if (!this.repository.isEmbedded || this.underWay < 2 * this.config.passwordHashThreads) return this.repository.reserveAll(counters, times);
    return new Promise((decide) => this.waitingGuesses.push({ counters, times, decide }));
  }

  /** An outcome of one statement needs no transaction. */
  private settleByOne(write: (manager?: EntityManager) => Promise<void>): Promise<void> {
    return this.repository.isEmbedded ? this.settle(write) : write();
  }

  /** Writes the outcome of a guess; in the embedded database in one commit with those of others that come at the same time, and with the guesses that wait. */
  private settle<T>(write: (manager: EntityManager) => Promise<T>): Promise<T> {
    if (!this.repository.isEmbedded) return this.transactions.run(write);
    return new Promise<T>((resolve, reject) => {
      this.outcomes.push({ write, resolve: resolve as (value: unknown) => void, reject });
      if (this.outcomes.length === 1) setImmediate(() => void this.settleAll());
    });
  }

  /** Each outcome apart: what one is for may be refused, and only that is undone. If the commit fails, the guesses are counted by themselves. */
  private async settleAll(): Promise<void> {
    const outcomes = this.outcomes.splice(0);
    const guesses = this.waitingGuesses.splice(0);
    try {
      const { written, taken } = await this.transactions.run(async (manager) => {
        const all = { written: [] as Settled[], taken: [] as boolean[] };
        for (const { write } of outcomes) all.written.push(await this.apart(write, manager));
        for (const { counters, times } of guesses) all.taken.push(await this.repository.reserveAll(counters, times, manager));
        return all;
      });
      guesses.forEach(({ decide }, at) => decide(taken[at]));
      outcomes.forEach(({ resolve, reject }, at) => {
        const settled = written[at];
        if ('error' in settled) reject(settled.error);
        else resolve(settled.value);
      });
    } catch (error) {
      for (const { counters, times, decide } of guesses) decide(this.repository.reserveAll(counters, times));
      for (const { reject } of outcomes) reject(error);
    }
  }

  private async apart(write: (manager: EntityManager) => Promise<unknown>, manager: EntityManager): Promise<Settled> {
    await manager.query('SAVEPOINT outcome');
    try {
      return { value: await write(manager) };
    } catch (error) {
      await manager.query('ROLLBACK TO outcome');
      return { error };
    } finally {
      await manager.query('RELEASE outcome');
    }
  }

  private isKnown(pair: PasswordAttemptEntity | undefined): boolean {
    return (pair?.succeededAt ?? 0) > this.clock.nowMs() - KNOWN_ADDRESS_MS;
  }

  private times() {
    const nowMs = this.clock.nowMs();
    return { nowMs, windowEndsMs: nowMs + WINDOW_MS, pendingUntilMs: nowMs + PENDING_MS, purgeAfterMs: purgeAfter(nowMs + WINDOW_MS) };
  }
}

const digest = (kind: ReachedLimit, text: string): string => createHash('sha256').update(`${kind} ${text}`).digest('hex');
const accountKey = (account: string): string => digest('account', account);
const failuresOf = (row: PasswordAttemptEntity | undefined, nowMs: number): number => (row && row.windowEndsAt > nowMs ? row.failures : 0);

/** In whole days, so that its index is not written with every guess. */
const purgeAfter = (ms: number): number => Math.ceil(ms / DAY_MS) * DAY_MS;
