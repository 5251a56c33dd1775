import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Actor, AuditLog, type AuditRecord } from '../audit/audit-log.js';
import { digestOf, newOpaqueValue } from '../common/crypto/opaque-value.js';
import { Clock } from '../common/time/clock.js';
import { ChangeFeed } from '../database/change-feed.js';
import { isDuplicate } from '../database/database-errors.js';
import { OvertakenError, untilNotOvertaken } from '../database/optimistic.js';
import { Transactions } from '../database/transactions.js';
import type { ClientEntity } from './client.entity.js';
import { ClientDirectory } from './client-directory.js';
import { type ClientMetadata, columnsOf, metadataOf } from './client-metadata.js';
import type { ClientSecretEntity } from './client-secret.entity.js';
import { ClientSecretsRepository } from './client-secrets.repository.js';
import { ClientsRepository } from './clients.repository.js';

/** Each attempt to authenticate is compared with every secret of the client. */
export const MAX_CLIENT_SECRETS = 20;

/** The client has {@link MAX_CLIENT_SECRETS} already. */
export class TooManySecretsError extends Error {}

/** The client id is taken. */
export class ClientExistsError extends Error {}

export const newClientId = (): string => randomBytes(12).toString('hex');
const newTokenGeneration = (): string => randomBytes(6).toString('base64url');

/** Makes, changes and deletes clients and their secrets: each in one transaction with its audit event and its notice to other instances. */
@Injectable()
export class ClientRegistry {
  constructor(
    private readonly transactions: Transactions,
    private readonly clients: ClientsRepository,
    private readonly secrets: ClientSecretsRepository,
    private readonly directory: ClientDirectory,
    private readonly feed: ChangeFeed,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  /**
   * @param secret stored as a digest, when the client is to have one
   * @param also is written in the same transaction
   * @throws {ClientExistsError}
   */
  async create(
    clientId: string,
    metadata: ClientMetadata,
    actor: Actor,
    secret?: string,
    also?: (manager: EntityManager) => Promise<void>,
  ): Promise<ClientEntity> {
    const nowMs = this.clock.nowMs();
    const row = { clientId, ...columnsOf(clientId, metadata), tokenGeneration: newTokenGeneration(), version: 1, createdAt: nowMs, updatedAt: nowMs };
    try {
      return await this.write(clientId, { type: 'client.created', actor, clientId, detail: row.legacyGrants === null ? {} : legacyDetail(row) }, async (manager) => {
        const created = await this.clients.insert(row, manager);
        if (secret !== undefined) await this.secrets.insert(this.newSecret(created.id, secret, null), manager);
        await also?.(manager);
        return created;
      });
    } catch (error) {
      throw isDuplicate(error) ? new ClientExistsError() : error;
    }
  }

  /**
   * @param edit makes the new metadata from the current state; it may refuse by throwing, and is asked again when another writer was faster
   * @returns the new state, `null` when there is no such client
   */
  async update(clientId: string, actor: Actor, edit: (current: ClientEntity) => ClientMetadata): Promise<ClientEntity | null> {
    return this.change(clientId, (current) => {
      const metadata = edit(current);
      const changed = changedFields(metadataOf(current), metadata);
      if (changed.length === 0) return { result: current };
      // Tokens of a disabled client are dead for good: enabling it again does not bring them back.
      const disabled = current.enabled && !metadata.enabled;
      const changes = { ...columnsOf(clientId, metadata), ...(disabled ? { tokenGeneration: newTokenGeneration() } : {}), updatedAt: this.clock.nowMs() };
      return {
        result: { ...current, ...changes, version: current.version + 1 },
        record: { type: 'client.updated', actor, clientId, detail: { changed, ...(changes.legacyGrants === current.legacyGrants ? {} : legacyDetail(changes)) } },
        apply: (manager) => this.clients.update(current, changes, manager),
      };
    });
  }

  /** @param check may refuse by throwing. Answers whether there was such a client. */
  async delete(clientId: string, actor: Actor, check: (current: ClientEntity) => void): Promise<boolean> {
    const deleted = await this.change(clientId, (current) => {
      check(current);
      return {
        result: true,
        record: { type: 'client.deleted', actor, clientId },
        apply: async (manager) => (await this.clients.delete(current, manager)) && (await this.secrets.deleteAll(current.id, manager), true),
      };
    });
    return deleted ?? false;
  }

  /** Makes everything invalid that the client holds. Answers whether there is such a client. */
  async revokeTokens(clientId: string, actor: Actor): Promise<boolean> {
    const revoked = await this.change(clientId, (current) => ({
      result: true,
      record: { type: 'client.tokens_revoked', actor, clientId },
      apply: (manager) => this.clients.renewGeneration(current.id, newTokenGeneration(), manager),
    }));
    return revoked ?? false;
  }

  /**
   * Adds a secret; the older ones stay valid.
   * @param expiresAtMs of the new one; `null`: never
   * @param previousExpiresAtMs ends the older ones then
   * @returns the row and the secret, which is nowhere else
   * @throws {TooManySecretsError}
   */
  async addSecret(client: ClientEntity, actor: Actor, expiresAtMs: number | null, previousExpiresAtMs?: number): Promise<{ row: Omit<ClientSecretEntity, 'id'>; secret: string }> {
    const secret = newOpaqueValue('clientSecret');
    const row = this.newSecret(client.id, secret, expiresAtMs);
    await this.write(client.clientId, { type: 'client_secret.created', actor, clientId: client.clientId, detail: { secret_id: row.secretId } }, async (manager) => {
      await this.clients.lock(client.id, manager);
      if ((await this.secrets.ofClient(client.id, manager)).length >= MAX_CLIENT_SECRETS) throw new TooManySecretsError();
      if (previousExpiresAtMs !== undefined) await this.secrets.expireAll(client.id, previousExpiresAtMs, manager);
      await this.secrets.insert(row, manager);
    });
    return { row, secret };
  }

  /** Answers whether the client had such a secret. */
  async deleteSecret(client: ClientEntity, secretId: string, actor: Actor): Promise<boolean> {
    const missing = new Error('no such secret');
    const record: AuditRecord = { type: 'client_secret.deleted', actor, clientId: client.clientId, detail: { secret_id: secretId } };
    try {
      await this.write(client.clientId, record, async (manager) => {
        if (!(await this.secrets.delete(client.id, secretId, manager))) throw missing;
      });
      return true;
    } catch (error) {
      if (error === missing) return false;
      throw error;
    }
  }

  private newSecret(clientRowId: number, secret: string, expiresAt: number | null): Omit<ClientSecretEntity, 'id'> {
    return { secretId: randomBytes(9).toString('base64url'), clientRowId, digest: digestOf(secret), createdAt: this.clock.nowMs(), expiresAt, lastUsedAt: null };
  }

  /** Reads, lets `plan` decide, and writes if nobody has written since; else from the start. */
  private async change<T>(clientId: string, plan: (current: ClientEntity) => Change<T>): Promise<T | null> {
    return untilNotOvertaken(async () => {
      const current = await this.clients.find(clientId);
      if (!current) return null;
      const { result, record, apply } = plan(current);
      if (apply) {
        await this.write(clientId, record, async (manager) => {
          if (!(await apply(manager))) throw new OvertakenError();
        });
      }
      return result;
    });
  }

  private async write<T>(clientId: string, record: AuditRecord, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const result = await this.transactions.run(async (manager) => {
      const done = await work(manager);
      await this.audit.record(record, manager);
      await this.feed.publish('client', clientId, manager);
      return done;
    });
    this.directory.invalidate(clientId);
    return result;
  }
}

type Change<T> = { result: T; record?: undefined; apply?: undefined } | { result: T; record: AuditRecord; apply: (manager: EntityManager) => Promise<boolean> };

/** Who opts a client in to a grant that RFC 9700 advises against, or out of it, is seen to. */
const legacyDetail = ({ legacyGrants }: Pick<ClientEntity, 'legacyGrants'>) => ({ legacy_grants: legacyGrants?.split(' ') ?? [] });

function changedFields(before: ClientMetadata, after: ClientMetadata): string[] {
  return (Object.keys(after) as (keyof ClientMetadata)[]).filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]));
}
