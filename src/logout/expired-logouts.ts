import { Injectable } from '@nestjs/common';
import { AuditLog, SERVER } from '../audit/audit-log.js';
import type { Expiring } from '../database/cleanup.js';
import { Transactions } from '../database/transactions.js';
import { BackchannelLogoutsRepository } from './backchannel-logouts.repository.js';

/** Logouts that nobody could deliver while they were worth it: they are deleted, and the audit log says which client was never told. */
@Injectable()
export class ExpiredLogouts implements Expiring {
  constructor(
    private readonly logouts: BackchannelLogoutsRepository,
    private readonly transactions: Transactions,
    private readonly audit: AuditLog,
  ) {}

  countExpired(nowMs: number): Promise<number> {
    return this.logouts.countExpired(nowMs);
  }

  async deleteExpired(nowMs: number): Promise<number> {
    const expired = await this.logouts.expired(nowMs);
    if (expired.length === 0) return 0;
    await this.transactions.run(async (manager) => {
      for (const logout of expired) {
        const { clientId, sessionId, attempts } = logout;
        if (!(await this.logouts.delete(logout, manager))) continue;
        await this.audit.record({ type: 'logout.backchannel_failed', actor: SERVER, clientId, detail: { reason: 'expired', attempts, session_id: sessionId } }, manager);
      }
    });
    return expired.length;
  }
}
