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

  /**
   * Returns the consent by which a user allowed a client all of a scope before, if there is one. A consent to no scope
   * at all is one, too.
   */
  async find(userId: string, client: Client, scope: readonly string[]): Promise<ConsentEntity | undefined> {
    const consent = await this.repository.find(userId, client.clientId);
    if (!consent || !this.counts(consent, client)) return undefined;
    const allowed = scopeOf(consent);
    return scope.every((token) => allowed.includes(token)) ? consent : undefined;
  }

  /**
   * Keeps a consent until the transaction ends, so that a withdrawal waits for it and finds what was written by it.
   * Returns false if it has been withdrawn or changed since it was read.
   */
  hold(consent: ConsentEntity, manager: EntityManager): Promise<boolean> {
    return this.repository.hold(consent, manager);
  }

  /** Adds to what the user allowed the client before. */
  async give(userId: string, client: Client, scope: readonly string[], manager: EntityManager): Promise<void> {
    const before = await this.repository.lock(userId, client.clientId, manager);
    const all = new Set([...(this.counts(before, client) ? scopeOf(before) : []), ...scope]);
    const nowMs = this.clock.nowMs();
    const { tokenGeneration: clientGeneration } = client;
    const consent = { clientGeneration, scope: formatScope([...all]), grantedAt: nowMs, expiresAt: nowMs + LIFETIME_MS };
    await this.repository.replace(before, consent, manager);
  }

  /** All that a user gave and that counts, the latest first. */
  async list(userId: string): Promise<GivenConsent[]> {
    const given: GivenConsent[] = [];
    for (const consent of await this.repository.ofUser(userId)) {
      const client = await this.clients.find(consent.clientId);
      if (client && this.counts(consent, client)) given.push({ client, scope: scopeOf(consent), grantedAtMs: consent.grantedAt });
    }
    return given;
  }

  private counts(consent: ConsentEntity, client: Client): boolean {
    return consent.clientGeneration === client.tokenGeneration && consent.expiresAt > this.clock.nowMs();
  }
}

const scopeOf = ({ scope }: ConsentEntity): readonly string[] => parseScope(scope) ?? [];
