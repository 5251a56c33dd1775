import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Client } from '../clients/client.js';
import { ClientDirectory } from '../clients/client-directory.js';
import { formatScope, parseScope } from '../common/oauth/scope.js';
import { Clock } from '../common/time/clock.js';
import type { ConsentEntity } from './consent.entity.js';
import { ConsentsRepository } from './consents.repository.js';

/** A consent that is not renewed for so long is asked for again. */
const LIFETIME_MS = 365 * 86_400_000;

/** A consent that counts, as its user sees it. */
export interface GivenConsent {
  readonly client: Client;
  readonly scope: readonly string[];
  /** Milliseconds since the epoch. */
  readonly grantedAtMs: number;
}

/** What users allowed clients to have. A consent ends with the client's token generation: when it is deleted, disabled, or all that it holds is revoked. */
@Injectable()
export class Consents {
  constructor(
    private readonly repository: ConsentsRepository,
    private readonly clients: ClientDirectory,
    private readonly clock: Clock,
  ) {}

  /** Whether a user allowed a client all of a scope before; to have none is a thing to be allowed as well. */
  async cover(userId: string, client: Client, scope: readonly string[]): Promise<boolean> {
    const allowed = await this.scopeOf(userId, client);
    return allowed !== undefined && scope.every((token) => allowed.includes(token));
  }

  /** Adds to what the user allowed the client before. */
  async give(userId: string, client: Client, scope: readonly string[], manager: EntityManager): Promise<void> {
    const all = new Set([...((await this.scopeOf(userId, client, manager)) ?? []), ...scope]);
    const nowMs = this.clock.nowMs();
    await this.repository.put(
      { userId, clientId: client.clientId, clientGeneration: client.tokenGeneration, scope: formatScope([...all]), grantedAt: nowMs, expiresAt: nowMs + LIFETIME_MS },
      manager,
    );
  }

  /** All that a user gave and that counts, the latest first. */
  async list(userId: string): Promise<GivenConsent[]> {
    const given: GivenConsent[] = [];
    for (const consent of await this.repository.ofUser(userId)) {
      const client = await this.clients.find(consent.clientId);
      if (client && this.counts(consent, client)) given.push({ client, scope: parseScope(consent.scope) ?? [], grantedAtMs: consent.grantedAt });
    }
    return given;
  }

  /** `undefined`: there is no consent that counts. */
  private async scopeOf(userId: string, client: Client, manager?: EntityManager): Promise<readonly string[] | undefined> {
    const consent = await this.repository.find(userId, client.clientId, manager);
    return consent && this.counts(consent, client) ? parseScope(consent.scope) : undefined;
  }

  private counts(consent: ConsentEntity, client: Client): boolean {
    return consent.clientGeneration === client.tokenGeneration && consent.expiresAt > this.clock.nowMs();
  }
}
