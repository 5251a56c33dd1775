import { Injectable } from '@nestjs/common';
import { ClientDirectory } from '../clients/client-directory.js';
import { OutboundClient } from '../common/outbound/outbound-client.js';
import { OutboundError } from '../common/outbound/outbound-error.js';
import type { BackchannelLogoutEntity } from './backchannel-logout.entity.js';
import { LogoutTokenIssuer } from './logout-token-issuer.js';

/** `done`: there is nothing left to send. `refused` will not go better the next time, `failed` may. */
export type LogoutOutcome = { outcome: 'done' } | { outcome: 'refused' | 'failed'; reason: string };

/** One attempt to send a logout token, OpenID Connect Back-Channel Logout 1.0 §2.5, and what the client's answer means, §2.8. */
@Injectable()
export class BackchannelLogoutRequest {
  constructor(
    private readonly clients: ClientDirectory,
    private readonly tokens: LogoutTokenIssuer,
    private readonly outbound: OutboundClient,
  ) {}

  /** @throws {TemporarilyUnavailableError} when the database is not available */
  async send({ clientId, subject, sessionId }: BackchannelLogoutEntity): Promise<LogoutOutcome> {
    const client = await this.clients.find(clientId);
    if (!client?.enabled || client.backchannelLogoutUri === null) return { outcome: 'done' };
    const token = await this.tokens.issue(client, subject, sessionId);
    try {
      const { status } = await this.outbound.postForm(client.backchannelLogoutUri, { logout_token: token });
      // Frameworks turn an empty 200 into a 204 by themselves.
      if (status === 200 || status === 204) return { outcome: 'done' };
      return { outcome: status === 400 ? 'refused' : 'failed', reason: `http_${status}` };
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error;
      return { outcome: error.refused ? 'refused' : 'failed', reason: error.message };
    }
  }
}
