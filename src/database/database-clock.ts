import { Injectable } from '@nestjs/common';
import { Logger } from '../common/logging/logger.js';
import { Clock, type ClockReading } from '../common/time/clock.js';
import { Database } from './database.js';

const READINGS = 3;

/** This machine's clock is off by more than this: somebody should know. */
export const OFFSET_WARNING_MS = 1_000;
/** Certificates, logs and other services on this machine are wrong by now. */
export const OFFSET_PROBLEM_MS = 5_000;

/** Sees to it that the {@link Clock} goes by the database's. An embedded database has this machine's clock. */
@Injectable()
export class DatabaseClock {
  /** The offset that the log tells. */
  private reportedMs = 0;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Asks for the database's time, for a start. */
  async read(): Promise<void> {
    if (this.database.isSqlite) return;
    for (let i = 0; i < READINGS; i++) {
      const sentAt = performance.now();
      const sql = `SELECT ${this.database.nowMsSql} AS now_ms`;
      const [row] = await this.database.queryReserved<{ now_ms: number | string }>(sql);
      this.take({ databaseMs: Number(row.now_ms), sentAt, receivedAt: performance.now() });
    }
  }

  /** Goes by a reading that came with something else. */
  take(reading: ClockReading): void {
    if (this.database.isSqlite) return;
    this.clock.follow(reading);
    this.report(this.clock.offsetMs);
  }

  private report(offsetMs: number): void {
    if (Math.abs(offsetMs - this.reportedMs) <= OFFSET_WARNING_MS) return;
    this.reportedMs = offsetMs;
    const detail = { offset_seconds: Math.round(offsetMs) / 1000 };
    const differs = Math.abs(offsetMs) > OFFSET_WARNING_MS;
    if (differs) this.logger.warn('this machine’s clock differs from the database’s, which the server goes by', detail);
    else this.logger.info('this machine’s clock agrees with the database’s again', detail);
  }
}
