import { Injectable } from '@nestjs/common';
import { type EntityManager, In, IsNull, Not } from 'typeorm';
import type { Page } from '../common/http/page-cursor.js';
import { webOriginsOf } from '../common/oauth/web-origin.js';
import { Database } from '../database/database.js';
import { likeText } from '../database/like-text.js';
import { LEGACY_GRANT_TYPES } from './client-metadata.js';
import { ClientOriginsRepository } from './client-origins.repository.js';
import { ClientSecretEntity } from './client-secret.entity.js';
import { ClientEntity } from './client.entity.js';

/** As `columnsOf` writes them. */
const LEGACY_COMBINATIONS = [...LEGACY_GRANT_TYPES, LEGACY_GRANT_TYPES.join(' ')];

export interface ClientFilter {
  /** Part of the id or the name, in any case. */
  q?: string;
  grantType?: string;
  enabled?: boolean;
}

type ClientChanges = Partial<Omit<ClientEntity, 'id' | 'clientId' | 'version' | 'createdAt'>>;

/** Clients, each with the origins of its redirect URIs, which are written with them. */
@Injectable()
export class ClientsRepository {
  constructor(
    private readonly database: Database,
    private readonly origins: ClientOriginsRepository,
  ) {}

  /** @throws a duplicate error when the client id is taken */
  async insert(client: Omit<ClientEntity, 'id'>, manager: EntityManager): Promise<ClientEntity> {
    const result = await this.database.repository(ClientEntity, manager).insert(client);
    const id = Number(result.identifiers[0]['id']);
    await this.origins.replace(id, webOriginsOf(client.redirectUris), manager);
    return { ...client, id };
  }

  async find(clientId: string, manager?: EntityManager): Promise<ClientEntity | null> {
    const client = await this.database.repository(ClientEntity, manager).findOneBy({ clientId });
    // MySQL's comparison passes over trailing spaces.
    return client?.clientId === clientId ? client : null;
  }

  /** Returns those of some clients that receive logout tokens. */
  async withBackchannelLogout(clientIds: readonly string[], manager: EntityManager): Promise<ClientEntity[]> {
    // An empty list makes a condition that is never true, and SQLite reads the whole table to find nothing.
    if (clientIds.length === 0) return [];
    const where = { clientId: In([...clientIds]), backchannelLogoutUri: Not(IsNull()) };
    return this.database.repository(ClientEntity, manager).findBy(where);
  }

  /**
   * Finds a client with its secrets, the newest first, in one statement: to look up a client that does not exist costs as
   * many, so that time does not tell which ones exist.
   */
  async findWithSecrets(clientId: string): Promise<{ client: ClientEntity; secrets: ClientSecretEntity[] } | null> {
    const found = (await this.database
      .repository(ClientEntity)
      .createQueryBuilder('client')
      .leftJoinAndMapMany('client.secrets', ClientSecretEntity, 'secret', 'secret.clientRowId = client.id')
      .where('client.clientId = :clientId', { clientId })
      .orderBy('secret.id', 'DESC')
      .getOne()) as (ClientEntity & { secrets: ClientSecretEntity[] }) | null;
    // MySQL's comparison passes over trailing spaces.
    return found?.clientId === clientId ? { client: found, secrets: found.secrets } : null;
  }

  /** Newest first, one row more than the page holds if there are more. */
  list(filter: ClientFilter, page: Page): Promise<ClientEntity[]> {
    const query = this.database.repository(ClientEntity).createQueryBuilder('client').orderBy('client.id', 'DESC').take(page.limit + 1);
    if (page.before !== undefined) query.andWhere('client.id < :before', { before: page.before });
    if (filter.enabled !== undefined) query.andWhere('client.enabled = :enabled', { enabled: filter.enabled });
    if (filter.grantType !== undefined) query.andWhere(`client.grantTypes LIKE :grant ESCAPE '!'`, { grant: `%${likeText(JSON.stringify(filter.grantType))}%` });
    if (filter.q !== undefined) {
      query.andWhere(`client.searchText LIKE :q ESCAPE '!'`, { q: `%${likeText(filter.q.toLowerCase())}%` });
    }
    return query.getMany();
  }

  async any(): Promise<boolean> {
    return this.database.repository(ClientEntity).exists();
  }

  /** The clients that may use a grant that RFC 9700 advises against, by their index: newest first, one more than the page holds if there are more. */
  withLegacyGrants(page: Page): Promise<ClientEntity[]> {
    const query = this.database.repository(ClientEntity).createQueryBuilder('client').where('client.legacyGrants IS NOT NULL').orderBy('client.id', 'DESC').take(page.limit + 1);
    if (page.before !== undefined) query.andWhere('client.id < :before', { before: page.before });
    return query.getMany();
  }

  /** Every combination of those grants that some enabled client has. It is asked for with every change of a client: one look into the index for each, and not at each client. */
  async legacyGrantsInUse(): Promise<string[]> {
    const one = 'SELECT grants FROM (SELECT legacy_grants AS grants FROM clients WHERE legacy_grants = ? AND enabled = 1 LIMIT 1) AS one';
    const rows = await this.database.query<{ grants: string }>(LEGACY_COMBINATIONS.map(() => one).join(' UNION ALL '), LEGACY_COMBINATIONS);
    return rows.map(({ grants }) => grants);
  }

  /** Changes the row if it is still in the state that was read. Answers whether it was. */
  async update(read: ClientEntity, changes: ClientChanges, manager: EntityManager): Promise<boolean> {
    const result = await this.database.repository(ClientEntity, manager).update({ id: read.id, version: read.version }, { ...changes, version: read.version + 1 });
    if (result.affected !== 1) return false;
    if (changes.redirectUris) await this.origins.replace(read.id, webOriginsOf(changes.redirectUris), manager);
    return true;
  }

  /** Whatever else is being changed: revoking is not to be lost to another writer. Answers whether the row is there. */
  async renewGeneration(id: number, tokenGeneration: string, manager: EntityManager): Promise<boolean> {
    return (await this.database.execute('UPDATE clients SET token_generation = ?, version = version + 1 WHERE id = ?', [tokenGeneration, id], manager)) === 1;
  }

  /** Holds the row until the transaction ends, on databases that know row locks and on those that do not. */
  async lock(clientId: string, manager: EntityManager): Promise<void> {
    await this.database.execute('UPDATE clients SET version = version WHERE client_id = ?', [clientId], manager);
  }

  /** Deletes the row if it is still in the state that was read. Answers whether it was. */
  async delete(read: ClientEntity, manager: EntityManager): Promise<boolean> {
    const result = await this.database.repository(ClientEntity, manager).delete({ id: read.id, version: read.version });
    if (result.affected !== 1) return false;
    await this.origins.replace(read.id, [], manager);
    return true;
  }
}
