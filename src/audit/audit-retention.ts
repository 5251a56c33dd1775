import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import type { Expiring } from '../database/cleanup.js';
import { AuditEventsRepository } from './audit-events.repository.js';
import { AuditLog, SERVER } from './audit-log.js';

const DAY_MS = 86_400_000;

/** Deletes events that are older than they are to be kept, and says so in the log that stays. */
@Injectable()
export class AuditRetention implements Expiring {
  constructor(
    private readonly config: Config,
    private readonly events: AuditEventsRepository,
    private readonly audit: AuditLog,
  ) {}

  async countExpired(nowMs: number): Promise<number> {
    return this.events.countOlder(this.keptSince(nowMs));
  }

  deleteExpired(nowMs: number): Promise<number> {
    return this.events.deleteOlder(this.keptSince(nowMs));
  }

  cleaned(rows: number): void {
    this.audit.note({ type: 'audit.expired', actor: SERVER, detail: { rows } });
  }

  private keptSince(nowMs: number): number {
    const { auditRetentionDays: days } = this.config;
    return days === 0 ? 0 : nowMs - days * DAY_MS;
  }
}
