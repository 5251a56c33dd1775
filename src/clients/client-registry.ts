import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Actor, AuditLog, type AuditRecord } from '../audit/audit-log.js';
import { Clock } from '../common/time/clock.js';
import { isDuplicate } from '../database/database-errors.js';
import { OvertakenError, untilNotOvertaken } from '../database/optimistic.js';
import { describeClientChanges, describeNewClient } from './client-audit.js';
import type { ClientEntity } from './client.entity.js';
import { ClientChanges } from './client-changes.js';
import { type ClientMetadata, columnsOf, metadataOf } from './client-metadata.js';
import { newSecretRow } from './client-secret-registry.js';
import { ClientSecretsRepository } from './client-secrets.repository.js';
import { ClientsRepository } from './clients.repository.js';

/** The client id is taken. */
export class ClientExistsError extends Error {}

export const newClientId = (): string => randomBytes(12).toString('hex');
const newTokenGeneration = (): string => randomBytes(6).toString('base64url');

/** Makes, changes and deletes clients: each in one transaction with its audit event and its notice to other instances. */
@Injectable()
export class ClientRegistry {
  constructor(
    private readonly changes: ClientChanges,
    private readonly clients: ClientsRepository,
    private readonly secrets: ClientSecretsRepository,
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
      return await this.write(clientId, { type: 'client.created', actor, clientId, detail: { ...describeNewClient(metadata), ...(row.legacyGrants === null ? {} : legacyDetail(row)) } }, async (manager) => {
        const created = await this.clients.insert(row, manager);
        if (secret !== undefined) await this.secrets.insert(newSecretRow(created.id, secret, nowMs, null), manager);
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
      const described = describeClientChanges(metadataOf(current), metadata);
      if (described.changed.length === 0) return { result: current };
      // Tokens of a disabled client are dead for good: enabling it again does not bring them back.
      const disabled = current.enabled && !metadata.enabled;
      const changes = { ...columnsOf(clientId, metadata), ...(disabled ? { tokenGeneration: newTokenGeneration() } : {}), updatedAt: this.clock.nowMs() };
      return {
        result: { ...current, ...changes, version: current.version + 1 },
        record: { type: 'client.updated', actor, clientId, detail: { ...described, ...(changes.legacyGrants === current.legacyGrants ? {} : legacyDetail(changes)) } },
        apply: async (manager) => {
          if (!(await this.clients.update(current, changes, manager))) return false;
          // A public client has no secrets: one that authenticates again does not revive those that it had before.
          if (isPublic(current) !== isPublic(changes)) await this.deleteSecrets(current, actor, manager);
          return true;
        },
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

  private async deleteSecrets({ id, clientId }: ClientEntity, actor: Actor, manager: EntityManager): Promise<void> {
    const secrets = await this.secrets.ofClient(id, manager);
    await this.secrets.deleteAll(id, manager);
    for (const { secretId } of secrets) {
      await this.audit.record({ type: 'client_secret.deleted', actor, clientId, detail: { secret_id: secretId } }, manager);
    }
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

  private write<T>(clientId: string, record: AuditRecord, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.changes.run(clientId, async (manager) => ({ result: await work(manager), record }));
  }
}

type Change<T> = { result: T; record?: undefined; apply?: undefined } | { result: T; record: AuditRecord; apply: (manager: EntityManager) => Promise<boolean> };

/** Who opts a client in to a grant that RFC 9700 advises against, or out of it, is seen to. */
const legacyDetail = ({ legacyGrants }: Pick<ClientEntity, 'legacyGrants'>) => ({ legacy_grants: legacyGrants?.split(' ') ?? [] });

const isPublic = ({ tokenEndpointAuthMethod }: Pick<ClientEntity, 'tokenEndpointAuthMethod'>): boolean => tokenEndpointAuthMethod === 'none';
