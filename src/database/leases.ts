import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Database } from './database.js';

const LEASE_MS = 15_000;
const RENEW_MS = 4_000;
const POLL_MS = 100;

/** What this instance had of a lease. */
export interface LeaseUse {
  held: boolean;
  acquisitions: number;
}

/**
 * Work that one instance does at a time. A lease is a row with an end, judged by the database's clock: it outlives no crashed holder, needs no
 * session (unlike GET_LOCK, which a Galera cluster grants on two nodes at once), and is right on SQLite too.
 */
@Injectable()
export class Leases {
  private readonly owner = randomBytes(12).toString('hex');
  private readonly known = new Map<string, LeaseUse>();

  constructor(private readonly database: Database) {}

  /** By the name of the lease. */
  get uses(): ReadonlyMap<string, LeaseUse> {
    return this.known;
  }

  /** Makes the table of leases: it guards the migrations, so none of them can make it. */
  async prepare(): Promise<void> {
    const ending = this.database.isSqlite ? '' : ' ENGINE=InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin';
    await this.database.execute(`CREATE TABLE IF NOT EXISTS leases (name varchar(64) NOT NULL PRIMARY KEY, owner varchar(64) NOT NULL, expires_at bigint NOT NULL)${ending}`);
  }

  /** Waits until the lease is free (or `signal` ends the wait), works, and gives it back. While the work lasts the lease is renewed. */
  async hold<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    while (!(await this.acquire(name))) await sleep(POLL_MS, undefined, { signal });
    return this.workUnder(name, work);
  }

  /** Works if the lease is free at this moment. */
  async tryHold(name: string, work: () => Promise<void>): Promise<void> {
    if (await this.acquire(name)) await this.workUnder(name, work);
  }

  private async workUnder<T>(name: string, work: () => Promise<T>): Promise<T> {
    const use = this.known.get(name) ?? { held: false, acquisitions: 0 };
    this.known.set(name, use);
    use.held = true;
    use.acquisitions++;
    const renewal = setInterval(() => void this.acquire(name).catch(() => undefined), RENEW_MS);
    try {
      return await work();
    } finally {
      clearInterval(renewal);
      use.held = false;
      await this.release(name).catch(() => undefined);
    }
  }

  private async acquire(name: string): Promise<boolean> {
    const { nowMsSql, insertIfAbsentSql } = this.database;
    await this.database.execute(`${insertIfAbsentSql} leases (name, owner, expires_at) VALUES (?, '', 0)`, [name]);
    const taken = await this.database.execute(`UPDATE leases SET owner = ?, expires_at = ${nowMsSql} + ${LEASE_MS} WHERE name = ? AND (owner = ? OR expires_at < ${nowMsSql})`, [this.owner, name, this.owner]);
    return taken === 1;
  }

  private async release(name: string): Promise<void> {
    await this.database.execute('UPDATE leases SET expires_at = 0 WHERE name = ? AND owner = ?', [name, this.owner]);
  }
}
