import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Client } from '../clients/client.js';
import { ClientDirectory } from '../clients/client-directory.js';
import { formatScope, parseScope, USER_SCOPES } from '../common/oauth/scope.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { ResourceDirectory } from '../resources/resource-directory.js';
import type { ConsentEntity } from './consent.entity.js';
import { ConsentsRepository } from './consents.repository.js';
import { add, covers, deserialize, type ScopeByAudience, serialize } from './scope-by-audience.js';

/** A consent that is not renewed for so long is asked for again. */
const LIFETIME_MS = 365 * 86_400_000;

/** What a user allows. */
export interface Allowed {
  readonly scope: readonly string[];
  readonly byAudience: ScopeByAudience;
}

/** A consent that counts, as its user sees it. */
export interface GivenConsent {
  readonly client: Client;
  readonly scope: readonly string[];
  /** Identifiers of the resources that it is for, and the issuer where it is for this server's own endpoints. */
  readonly audience: readonly string[];
  /** Milliseconds since the epoch. */
  readonly grantedAtMs: number;
}

/** What users allowed clients to have. A consent ends with the client's token generation: when it is deleted, disabled, or all that it holds is revoked. */
@Injectable()
export class Consents {
  constructor(
    private readonly repository: ConsentsRepository,
    private readonly clients: ClientDirectory,
    private readonly resources: ResourceDirectory,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /**
   * Divides a scope among an audience. A scope of a resource counts there, one that speaks of the user at this server,
   * and one that nobody owns wherever the token is accepted.
   */
  divide(scope: readonly string[], audience: readonly string[]): ScopeByAudience {
    const divided = new Map<string, string[]>(audience.map((identifier) => [identifier, []]));
    for (const token of scope) {
      const owner = USER_SCOPES.has(token) ? this.config.issuer : this.resources.ownerOf(token)?.identifier;
      for (const identifier of owner === undefined ? audience : [owner]) {
        divided.set(identifier, [...(divided.get(identifier) ?? []), token]);
      }
    }
    return divided;
  }

  /** Returns the consent by which a user allowed a client all that it asks for, if there is one. */
  async find(userId: string, client: Client, asked: ScopeByAudience): Promise<ConsentEntity | undefined> {
    const consent = await this.repository.find(userId, client.clientId);
    const allowed = consent && this.counts(consent, client) && covers(this.allowedBy(consent), asked);
    return allowed ? consent : undefined;
  }

  /**
   * Keeps a consent until the transaction ends, so that a withdrawal waits for it and finds what was written by it.
   * Returns false if it has been withdrawn or changed since it was read.
   */
  hold(consent: ConsentEntity, manager: EntityManager): Promise<boolean> {
    return this.repository.hold(consent, manager);
  }

  /** Adds to what the user allowed the client before. */
  async give(userId: string, client: Client, { scope, byAudience }: Allowed, manager: EntityManager): Promise<void> {
    const before = await this.repository.lock(userId, client.clientId, manager);
    const counts = this.counts(before, client);
    const all = new Set([...(counts ? scopeOf(before) : []), ...scope]);
    const nowMs = this.clock.nowMs();
    const consent = {
      clientGeneration: client.tokenGeneration,
      scope: formatScope([...all]),
      scopeByAudience: serialize(counts ? add(byAudience, this.allowedBy(before)) : byAudience),
      grantedAt: nowMs,
      expiresAt: nowMs + LIFETIME_MS,
    };
    await this.repository.replace(before, consent, manager);
  }

  /** All that a user gave and that counts, the latest first. */
  async list(userId: string): Promise<GivenConsent[]> {
    const given: GivenConsent[] = [];
    for (const consent of await this.repository.ofUser(userId)) {
      const client = await this.clients.find(consent.clientId);
      if (client && this.counts(consent, client)) given.push({ client, scope: scopeOf(consent), audience: [...this.allowedBy(consent).keys()], grantedAtMs: consent.grantedAt });
    }
    return given;
  }

  private allowedBy(consent: ConsentEntity): ScopeByAudience {
    const scope = scopeOf(consent);
    if (consent.scopeByAudience === null) {
      const owners = scope.flatMap((token) => this.resources.ownerOf(token)?.identifier ?? []);
      return this.divide(scope, [...new Set([this.config.issuer, ...owners])]);
    }
    const stored = [...deserialize(consent.scopeByAudience)];
    return new Map(stored.map(([audience, tokens]) => [audience, tokens.filter((token) => scope.includes(token))]));
  }

  private counts(consent: ConsentEntity, client: Client): boolean {
    return consent.clientGeneration === client.tokenGeneration && consent.expiresAt > this.clock.nowMs();
  }
}

const scopeOf = ({ scope }: ConsentEntity): readonly string[] => parseScope(scope) ?? [];
