import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { ClientDirectory } from '../clients/client-directory.js';
import { parseScope } from '../common/oauth/scope.js';
import { Clock } from '../common/time/clock.js';
import { Consents, type GivenConsent } from '../consents/consents.js';
import { MAX_ACCESS_TOKEN_LIFETIME_MS } from '../tokens/token-family-times.js';
import { type TokenHolder, TokenHoldersRepository } from '../tokens/token-holders.repository.js';
import type { User } from '../users/user.js';

/** Every client is listed. Of one that has more different scopes and audiences than this, not all may be. */
const MAX_COMBINATIONS = 500;

/** A client that a user, or an admin for them, allowed something. */
export interface AuthorizedClient {
  readonly client: Client;
  readonly scope: readonly string[];
  /** Identifiers of resources; the issuer stands for the endpoints of this server. */
  readonly audience: readonly string[];
  /** When the user consented last, or else since when the client has had tokens. */
  readonly sinceMs: number;
  /** Whether the user is not asked again. */
  readonly consented: boolean;
  /** Whether the client may hold valid tokens. */
  readonly holdsTokens: boolean;
}

/**
 * The clients that have access to a user's account: those with a consent, and those that hold tokens without one, which
 * are apps on devices, clients with `skip_consent` and clients of the password grant (ASVS 10.4.9, 10.7.3).
 */
@Injectable()
export class AuthorizedClients {
  constructor(
    private readonly consents: Consents,
    private readonly holders: TokenHoldersRepository,
    private readonly clients: ClientDirectory,
    private readonly clock: Clock,
  ) {}

  /** The latest first. */
  async list({ userId, tokenGeneration }: Pick<User, 'userId' | 'tokenGeneration'>): Promise<AuthorizedClient[]> {
    const afterMs = this.clock.nowMs() - MAX_ACCESS_TOKEN_LIFETIME_MS;
    const authorized = new Map<string, AuthorizedClient>();
    for (const consent of await this.consents.list(userId)) authorized.set(consent.client.clientId, ofConsent(consent));
    const holders = await this.holders.find(userId, tokenGeneration, afterMs);
    if (holders.length === 0) return [...authorized.values()];
    for (const holder of holders) {
      const client = await this.clients.find(holder.clientId);
      if (!client || !this.mayHoldTokens(client, holder)) continue;
      const known = authorized.get(client.clientId);
      authorized.set(client.clientId, known ? { ...known, holdsTokens: true } : ofHolder(client, holder));
    }
    for (const granted of await this.holders.findGranted(userId, tokenGeneration, afterMs, MAX_COMBINATIONS)) {
      const known = authorized.get(granted.clientId);
      if (known?.client.tokenGeneration !== granted.clientGeneration) continue;
      const scope = union(known.scope, parseScope(granted.scope) ?? []);
      authorized.set(granted.clientId, { ...known, scope, audience: union(known.audience, granted.audience) });
    }
    return [...authorized.values()].sort((one, other) => other.sinceMs - one.sinceMs);
  }

  /** The last access token may be as old as the refresh token's end, or as the family where there is no refresh token. */
  private mayHoldTokens(client: Client, { clientGeneration, lastExpiresAt }: TokenHolder): boolean {
    const endsAtMs = lastExpiresAt + client.accessTokenLifetimeSeconds * 1000;
    return client.tokenGeneration === clientGeneration && endsAtMs > this.clock.nowMs();
  }
}

const ofConsent = ({ client, scope, audience, grantedAtMs: sinceMs }: GivenConsent): AuthorizedClient => {
  return { client, scope, audience, sinceMs, consented: true, holdsTokens: false };
};

const ofHolder = (client: Client, { firstIssuedAt: sinceMs }: TokenHolder): AuthorizedClient => {
  return { client, scope: [], audience: [], sinceMs, consented: false, holdsTokens: true };
};

const union = (one: readonly string[], other: readonly string[]): string[] => [...new Set([...one, ...other])];
