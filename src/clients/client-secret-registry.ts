import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor, AuditRecord } from '../audit/audit-log.js';
import { digestOf, newOpaqueValue } from '../common/crypto/opaque-value.js';
import { Clock } from '../common/time/clock.js';
import { ClientChanges } from './client-changes.js';
import type { ClientEntity } from './client.entity.js';
import type { ClientSecretEntity } from './client-secret.entity.js';
import { ClientSecretsRepository } from './client-secrets.repository.js';
import { ClientsRepository } from './clients.repository.js';

/** Each attempt to authenticate is compared with every secret of the client. */
export const MAX_CLIENT_SECRETS = 20;

/** The client has {@link MAX_CLIENT_SECRETS} already. */
export class TooManySecretsError extends Error {}

/** Milliseconds since the epoch. */
export interface SecretTerms {
  /** Of the new secret; `null`: never. */
  expiresAtMs: number | null;
  /** Ends the older secrets then; `undefined`: they stay as they are. */
  previousExpiresAtMs: number | undefined;
}

export interface NewSecret {
  readonly row: Omit<ClientSecretEntity, 'id'>;
  readonly secret: string;
}

/** @param expiresAt milliseconds since the epoch; `null`: never */
export const newSecretRow = (clientRowId: number, secret: string, nowMs: number, expiresAt: number | null): Omit<ClientSecretEntity, 'id'> => ({
  secretId: randomBytes(9).toString('base64url'),
  clientRowId,
  digest: digestOf(secret),
  createdAt: nowMs,
  expiresAt,
  lastUsedAt: null,
});

/** Adds and deletes the secrets of clients. What it decides by cannot change before it has written. */
@Injectable()
export class ClientSecretRegistry {
  constructor(
    private readonly changes: ClientChanges,
    private readonly clients: ClientsRepository,
    private readonly secrets: ClientSecretsRepository,
    private readonly clock: Clock,
  ) {}

  /**
   * Adds a secret; the older ones stay valid.
   * @param decide says until when the secrets are valid, for the client as it is now; it may refuse by throwing
   * @returns the row and the secret, which is nowhere else; `null` when there is no such client
   * @throws {TooManySecretsError}
   */
  add(clientId: string, actor: Actor, decide: (current: ClientEntity) => SecretTerms): Promise<NewSecret | null> {
    const secret = newOpaqueValue('clientSecret');
    return this.change(clientId, async (current, manager) => {
      const { expiresAtMs, previousExpiresAtMs } = decide(current);
      const row = newSecretRow(current.id, secret, this.clock.nowMs(), expiresAtMs);
      const ended = await this.makeRoom(current, previousExpiresAtMs, manager);
      await this.secrets.insert(row, manager);
      const detail = { secret_id: row.secretId, ...(ended.length > 0 ? { expired: ended.map(({ secretId }) => secretId) } : {}) };
      return { result: { row, secret }, record: { type: 'client_secret.created', actor, clientId, detail } };
    });
  }

  /**
   * @param check may refuse by throwing, for the client as it is now
   * @returns whether there was such a secret of such a client
   */
  async delete(clientId: string, secretId: string, actor: Actor, check: (current: ClientEntity) => void): Promise<boolean> {
    const deleted = await this.change(clientId, async (current, manager) => {
      check(current);
      const record: AuditRecord = { type: 'client_secret.deleted', actor, clientId, detail: { secret_id: secretId } };
      return (await this.secrets.delete(current.id, secretId, manager)) ? { result: true, record } : { result: false };
    });
    return deleted ?? false;
  }

  /**
   * Ends the older secrets where that is asked for, and deletes those that have ended when they fill the list.
   * @returns those whose end this call has set or brought forward
   * @throws {TooManySecretsError}
   */
  private async makeRoom({ id }: ClientEntity, previousExpiresAtMs: number | undefined, manager: EntityManager): Promise<ClientSecretEntity[]> {
    const nowMs = this.clock.nowMs();
    const secrets = await this.secrets.ofClient(id, manager);
    const valid = secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > nowMs);
    const endsNow = previousExpiresAtMs !== undefined && previousExpiresAtMs <= nowMs;
    if (!endsNow && valid.length >= MAX_CLIENT_SECRETS) throw new TooManySecretsError();
    if (previousExpiresAtMs !== undefined) await this.secrets.expireAll(id, previousExpiresAtMs, manager);
    if (secrets.length >= MAX_CLIENT_SECRETS) await this.secrets.deleteExpired(id, nowMs, manager);
    return valid.filter(({ expiresAt }) => previousExpiresAtMs !== undefined && (expiresAt === null || expiresAt > previousExpiresAtMs));
  }

  /** Lets `work` decide and write while nobody else can change the client. */
  private change<T>(
    clientId: string,
    work: (current: ClientEntity, manager: EntityManager) => Promise<{ result: T; record?: AuditRecord }>,
  ): Promise<T | null> {
    return this.changes.run(clientId, async (manager) => {
      await this.clients.lock(clientId, manager);
      const current = await this.clients.find(clientId, manager);
      return current ? work(current, manager) : { result: null };
    });
  }
}
