import { Injectable } from '@nestjs/common';
import { AuditLog, SERVER } from '../audit/audit-log.js';
import { Logger } from '../common/logging/logger.js';
import { Clock } from '../common/time/clock.js';
import { Transactions } from '../database/transactions.js';
import type { BackchannelLogoutEntity } from './backchannel-logout.entity.js';
import { BackchannelLogoutRequest } from './backchannel-logout-request.js';
import { BackchannelLogoutsRepository } from './backchannel-logouts.repository.js';

/** How long to wait after each attempt that failed. After one more it is given up. */
const BACK_OFF_MS = [1_000, 5_000, 30_000, 120_000, 600_000];

/** Sends a logout token that this instance has claimed, and writes down how it went. */
@Injectable()
export class BackchannelLogoutDelivery {
  constructor(
    private readonly logouts: BackchannelLogoutsRepository,
    private readonly request: BackchannelLogoutRequest,
    private readonly transactions: Transactions,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /**
   * @returns in how many milliseconds it is to be sent again, if it is
   * @throws {TemporarilyUnavailableError} when the database is not available; the logout is sent anew when its claim has run out
   */
  async deliver(claimed: BackchannelLogoutEntity): Promise<number | undefined> {
    const result = await this.request.send(claimed);
    if (result.outcome === 'done') {
      await this.logouts.delete(claimed);
      return undefined;
    }
    const backOffMs = result.outcome === 'failed' ? BACK_OFF_MS[claimed.attempts - 1] : undefined;
    if (backOffMs === undefined) await this.giveUp(claimed, result.reason);
    else {
      this.logger.info('a logout token is to be sent again', { client_id: claimed.clientId, reason: result.reason, attempts: claimed.attempts, next_try_in_ms: backOffMs });
      await this.logouts.postpone(claimed, this.clock.nowMs() + backOffMs);
    }
    return backOffMs;
  }

  private async giveUp(claimed: BackchannelLogoutEntity, reason: string): Promise<void> {
    const { clientId, sessionId, attempts } = claimed;
    this.logger.warn('a client did not take a logout token', { client_id: clientId, reason, attempts });
    await this.transactions.run(async (manager) => {
      if (!(await this.logouts.delete(claimed, manager))) return;
      await this.audit.record({ type: 'logout.backchannel_failed', actor: SERVER, clientId, detail: { reason, attempts, session_id: sessionId } }, manager);
    });
  }
}
