import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Client } from '../clients/client.js';
import { ClientsRepository } from '../clients/clients.repository.js';
import { Subjects } from '../tokens/subject.js';
import type { BackchannelLogout } from './backchannel-logouts.js';
import type { SessionClient } from './session-end.repository.js';

/** Finds out which clients receive logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.5). */
@Injectable()
export class LogoutRecipients {
  constructor(
    private readonly clients: ClientsRepository,
    private readonly subjects: Subjects,
  ) {}

  /** Names user and session as each client knows them. Clients without a `backchannel_logout_uri` receive nothing. */
  async of(sessions: readonly SessionClient[], manager: EntityManager): Promise<BackchannelLogout[]> {
    const clientIds = [...new Set(sessions.map(({ clientId }) => clientId))];
    const entities = await this.clients.withBackchannelLogout(clientIds, manager);
    const clients = new Map(entities.map((entity) => [entity.clientId, new Client(entity, [])]));
    return sessions.flatMap(({ sessionId, userId, clientId }) => {
      const client = clients.get(clientId);
      if (!client) return [];
      return [{ clientId, subject: this.subjects.of(client, userId), sessionId: this.subjects.sidOf(client, sessionId) }];
    });
  }
}
