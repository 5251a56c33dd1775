import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import type { AuditEvent } from './audit-event.entity.js';
import { type AuditFilter, AuditEventsRepository } from './audit-events.repository.js';

const PAGE = 500;
/** For the COMMIT of a transaction that was given up at its deadline, which the database may still be at. */
const GRACE_MS = 500;

/** Reads events for whoever takes them elsewhere. */
@Injectable()
export class AuditExport {
  constructor(
    private readonly events: AuditEventsRepository,
    private readonly database: Database,
    private readonly config: Config,
  ) {}

  /** Row number of the newest event that can be read; whoever goes on after it misses none. Row numbers are given out before the COMMIT: it waits until all are decided that had one. */
  async newest(): Promise<number> {
    const id = await this.events.newestId();
    if (!this.database.isSqlite) await sleep(this.config.databaseDeadlineMs + GRACE_MS);
    return id;
  }

  /**
   * Events oldest first, a page after the other: between two of them nothing is held in the database, and no more than one is in memory.
   * @param after row number of the last event that is known already
   * @param upTo row number of the last event to read
   */
  async *read(filter: AuditFilter, after: number, upTo: number): AsyncGenerator<AuditEvent[], void, undefined> {
    for (let last = after; last < upTo; ) {
      const page = await this.events.next(filter, last, upTo, PAGE);
      if (page.length > 0) yield page;
      if (page.length < PAGE) return;
      last = page.at(-1)!.id;
    }
  }
}
