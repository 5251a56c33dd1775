import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Logger } from '../common/logging/logger.js';
import { Database } from './database.js';

/** For the database, which gives the lease to another after this long without a renewal. */
const LEASE_MS = 15_000;
/** For the work, which stops earlier: what it began last ends before another begins. */
const HOLD_MS = 10_000;
const RENEW_MS = 1_000;
const POLL_MS = 100;

/** How this instance uses a lease. */
export interface LeaseUse {
  held: boolean;
  acquisitions: number;
}

/** Another instance may do the same work now. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/** A lease while the work that it guards goes on, which checks before each step that it is still held. */
export class HeldLease {
  private readonly lost = new AbortController();
  private heldUntil = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly lease: string,
    renewedAt: number,
  ) {
    this.renew(renewedAt);
  }

  /** Aborts when the lease is lost. */
  get signal(): AbortSignal {
    return this.lost.signal;
  }

  /** @throws {LeaseLostError} */
  assertHeld(): void {
    // The timer that renews it may be late: a process that was stopped for a minute finds out here.
    if (performance.now() > this.heldUntil) this.lose('it was not renewed in time');
    this.lost.signal.throwIfAborted();
  }

  /** @param renewedAt when the renewal was sent, by `performance.now()` */
  renew(renewedAt: number): void {
    this.heldUntil = renewedAt + HOLD_MS;
  }

  /** For good: a renewal that comes later does not bring it back. */
  lose(reason: string): void {
    this.lost.abort(new LeaseLostError(`the lease "${this.lease}" was lost: ${reason}`));
  }
}

/**
 * Work that one instance does at a time. A lease is a row with an end, judged by the database's clock: it outlives no
 * crashed holder, needs no session (unlike GET_LOCK, which a Galera cluster grants on two nodes at once), and is right on
 * SQLite too. Each time that it is taken has an owner of its own, so nobody renews or ends a lease that is another's by now.
 */
@Injectable()
export class Leases {
  private readonly known = new Map<string, LeaseUse>();
  /** Owners whose work has ended while the lease could not be given back: nobody need wait for its end. */
  private readonly unreleased = new Map<string, string>();

  constructor(
    private readonly database: Database,
    private readonly logger: Logger,
  ) {}

  /** By the name of the lease. */
  get uses(): ReadonlyMap<string, LeaseUse> {
    return this.known;
  }

  /** Makes the table of leases: it guards the migrations, so none of them can make it. */
  async prepare(): Promise<void> {
    const ending = this.database.isSqlite ? '' : ' ENGINE=InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin';
    const columns = 'name varchar(64) NOT NULL PRIMARY KEY, owner varchar(64) NOT NULL, expires_at bigint NOT NULL';
    await this.database.execute(`CREATE TABLE IF NOT EXISTS leases (${columns})${ending}`);
  }

  /**
   * Waits until the lease is free (or `signal` ends the wait), works, and gives it back. While the work lasts the lease is
   * renewed.
   * @throws {LeaseLostError} once the work has ended, when the lease was lost before
   */
  async hold<T>(name: string, work: (lease: HeldLease) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const owner = newOwner();
    for (;;) {
      const askedAt = performance.now();
      if (await this.acquire(name, owner)) return this.workUnder(name, owner, askedAt, work);
      await sleep(POLL_MS, undefined, { signal });
    }
  }

  /** Works if the lease is free at this moment. @throws {LeaseLostError} as {@link hold} */
  async tryHold(name: string, work: (lease: HeldLease) => Promise<void>): Promise<void> {
    const owner = newOwner();
    const askedAt = performance.now();
    if (await this.acquire(name, owner)) await this.workUnder(name, owner, askedAt, work);
  }

  private async workUnder<T>(
    name: string,
    owner: string,
    askedAt: number,
    work: (lease: HeldLease) => Promise<T>,
  ): Promise<T> {
    const use = this.known.get(name) ?? { held: false, acquisitions: 0 };
    this.known.set(name, use);
    use.held = true;
    use.acquisitions++;
    const lease = new HeldLease(name, askedAt);
    const renewal = setInterval(() => void this.renew(name, owner, lease), RENEW_MS);
    try {
      const result = await work(lease);
      lease.assertHeld();
      return result;
    } finally {
      clearInterval(renewal);
      use.held = false;
      await this.release(name, owner);
    }
  }

  private async acquire(name: string, owner: string): Promise<boolean> {
    const { nowMsSql, insertIfAbsentSql } = this.database;
    await this.database.execute(`${insertIfAbsentSql} leases (name, owner, expires_at) VALUES (?, '', 0)`, [name]);
    const isFree = `(expires_at < ${nowMsSql} OR owner = ?)`;
    const sql = `UPDATE leases SET owner = ?, expires_at = ${nowMsSql} + ${LEASE_MS} WHERE name = ? AND ${isFree}`;
    return (await this.database.execute(sql, [owner, name, this.unreleased.get(name) ?? owner])) === 1;
  }

  /** As long as nobody else has taken it, whether its time was over or not. */
  private async renew(name: string, owner: string, lease: HeldLease): Promise<void> {
    const askedAt = performance.now();
    try {
      const sql = `UPDATE leases SET expires_at = ${this.database.nowMsSql} + ${LEASE_MS} WHERE name = ? AND owner = ?`;
      if ((await this.database.executeReserved(sql, [name, owner])) === 1) lease.renew(askedAt);
      else lease.lose('another took it');
    } catch (error) {
      this.logger.failure('a lease could not be renewed', error, { lease: name });
    }
  }

  private async release(name: string, owner: string): Promise<void> {
    try {
      await this.database.execute('UPDATE leases SET expires_at = 0 WHERE name = ? AND owner = ?', [name, owner]);
      this.unreleased.delete(name);
    } catch (error) {
      this.unreleased.set(name, owner);
      this.logger.failure('a lease could not be given back', error, { lease: name });
    }
  }
}

const newOwner = (): string => randomBytes(12).toString('hex');
