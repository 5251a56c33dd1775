import { Injectable } from '@nestjs/common';
import type { Expiring } from '../../database/cleanup.js';
import { Database } from '../../database/database.js';

const DAY_MS = 86_400_000;
/** Two years and a month, so that what is used once a year is not taken for unused. */
const KEPT_DAYS = 760;

/** Counts of use are kept for a long time, and then deleted like all that expires. */
@Injectable()
export class UsageRetention {
  readonly grantUsage: Expiring;
  readonly passwordGrantUsers: Expiring;

  constructor(database: Database) {
    const firstDay = (nowMs: number) => Math.floor(nowMs / DAY_MS) - KEPT_DAYS;
    this.grantUsage = {
      countExpired: (nowMs) => database.countBelow('grant_usage', 'day', firstDay(nowMs)),
      deleteExpired: (nowMs) => database.deleteBelow('grant_usage', 'day', firstDay(nowMs)),
    };
    this.passwordGrantUsers = {
      countExpired: (nowMs) => database.countBelow('password_grant_users', 'last_used_at', nowMs - KEPT_DAYS * DAY_MS),
      deleteExpired: (nowMs) => database.deleteBelow('password_grant_users', 'last_used_at', nowMs - KEPT_DAYS * DAY_MS),
    };
  }
}
