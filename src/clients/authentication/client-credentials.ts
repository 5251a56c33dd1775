import { hash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/time/clock.js';
import type { Client, ClientSecret } from '../client.js';
import { ClientDirectory } from '../client-directory.js';
import type { TokenEndpointAuthMethod } from '../client-metadata.js';
import { ClientSecretUsage } from '../client-secret-usage.js';

const NO_SECRET: ClientSecret = { rowId: 0, digest: Buffer.alloc(32), expiresAtMs: null };

/** Why an attempt was refused: for the log, never for the caller. */
export type Refusal = 'unknown client' | 'disabled client' | 'method not registered' | 'wrong secret' | 'expired secret';

/** `clientId`: of a client that there is. */
export type Refused = { refusal: Refusal; clientId?: string };
export type AuthenticationResult = { client: Client } | Refused;

/** Checks what a client presents against what it is registered with. Every refusal takes the same steps, so that none shows by its time. */
@Injectable()
export class ClientCredentials {
  constructor(
    private readonly directory: ClientDirectory,
    private readonly usage: ClientSecretUsage,
    private readonly clock: Clock,
  ) {}

  /** A client with a secret, by the one method that it is registered for (RFC 6749 §2.3.1). A promise only when the client is not in memory. */
  verifySecret(clientId: string, secret: string, method: TokenEndpointAuthMethod): AuthenticationResult | Promise<AuthenticationResult> {
    const found = this.directory.find(clientId);
    return found instanceof Promise ? found.then((client) => this.judgeSecret(client, secret, method)) : this.judgeSecret(found, secret, method);
  }

  /** A public client: it says who it is, and has nothing to prove it (RFC 6749 §2.1). */
  async identifyPublic(clientId: string): Promise<AuthenticationResult> {
    return judge(await this.directory.find(clientId), 'none') ?? { refusal: 'unknown client' };
  }

  private judgeSecret(client: Client | null, secret: string, method: TokenEndpointAuthMethod): AuthenticationResult {
    const match = matchingSecret(client, hash('sha256', secret, 'buffer'));
    const verdict = judge(client, method) ?? { refusal: 'unknown client' };
    if ('refusal' in verdict) return verdict;
    const { clientId } = verdict.client;
    if (!match) return { refusal: 'wrong secret', clientId };
    if (match.expiresAtMs !== null && match.expiresAtMs <= this.clock.nowMs()) return { refusal: 'expired secret', clientId };
    this.usage.note(match.rowId);
    return verdict;
  }
}

/** `undefined` for no client. */
function judge(client: Client | null, method: TokenEndpointAuthMethod): AuthenticationResult | undefined {
  if (!client) return undefined;
  if (!client.enabled) return { refusal: 'disabled client', clientId: client.clientId };
  if (client.tokenEndpointAuthMethod !== method) return { refusal: 'method not registered', clientId: client.clientId };
  return { client };
}

function matchingSecret(client: Client | null, digest: Buffer): ClientSecret | undefined {
  const secrets = client && client.secrets.length > 0 ? client.secrets : [NO_SECRET];
  let match: ClientSecret | undefined;
  for (const secret of secrets) if (timingSafeEqual(secret.digest, digest) && secret !== NO_SECRET) match = secret;
  return match;
}
