import { Injectable } from '@nestjs/common';
import type { ClientEntity } from '../clients/client.entity.js';
import { CLIENT_ID, type ClientMetadata, metadataOf, withDefaults } from '../clients/client-metadata.js';
import { clientMetadataProblems } from '../clients/client-metadata-rules.js';
import { ClientExistsError, ClientRegistry, newClientId } from '../clients/client-registry.js';
import { ClientSecretRegistry, type NewSecret } from '../clients/client-secret-registry.js';
import { ClientsRepository } from '../clients/clients.repository.js';
import { newOpaqueValue } from '../common/crypto/opaque-value.js';
import { entityTag } from '../common/http/entity-tag.js';
import { mergePatch } from '../common/http/merge-patch.js';
import { PageCursors } from '../common/http/page-cursor.js';
import { invalidInput, notFound, Problem } from '../common/http/problem.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { OvertakenError, untilNotOvertaken } from '../database/optimistic.js';
import { IdTokenKeys } from '../tokens/id-token-keys.js';
import type { Administrator } from './administrator.js';
import { readBody, readPatched, withoutReadOnly } from './body.js';
import { clientResponse, type ClientResponse } from './client.response.js';
import { ClientSecretDto } from './dto/client-secret.dto.js';
import { ClientDto, NewClientDto } from './dto/client.dto.js';
import { type ListQuery, readBoolean } from './query.js';

const READ_ONLY = ['client_id', 'created_at', 'updated_at'];
const ABOUT_THE_RESPONSE = ['warnings'];

/** What may be done with clients, by the rules of the admin API; bodies are its JSON, not looked at yet. All throw {@link Problem}s. */
@Injectable()
export class ClientAdministration {
  constructor(
    private readonly config: Config,
    private readonly registry: ClientRegistry,
    private readonly secrets: ClientSecretRegistry,
    private readonly clients: ClientsRepository,
    private readonly cursors: PageCursors,
    private readonly idTokenKeys: IdTokenKeys,
    private readonly clock: Clock,
  ) {}

  /** Newest first. */
  async list({ limit, cursor, q, grant_type: grantType, enabled: enabledText }: ListQuery<'q' | 'grant_type' | 'enabled'>): Promise<{ items: ClientResponse[]; next_cursor: string | null }> {
    const enabled = readBoolean('enabled', enabledText);
    const filter = { ...(q === undefined ? {} : { q }), ...(grantType === undefined ? {} : { grantType }), ...(enabled === undefined ? {} : { enabled }) };
    const query = ['clients', filter];
    const page = this.cursors.read(query, limit, cursor);
    return this.cursors.page(query, page, await this.clients.list(filter, page), clientResponse);
  }

  async find(clientId: string): Promise<ClientEntity> {
    const client = CLIENT_ID.test(clientId) ? await this.clients.find(clientId) : null;
    if (!client) throw notFound('client');
    return client;
  }

  /** @returns with the secret, which is nowhere else, of a client that authenticates by one */
  async create(body: unknown, admin: Administrator): Promise<{ client: ClientEntity; secret?: string }> {
    const { client_id: clientId = newClientId(), ...given } = readBody(NewClientDto, body);
    const metadata = this.complete(given, clientId);
    admin.assertRights(metadata.scope);
    const secret = metadata.token_endpoint_auth_method === 'none' ? undefined : newOpaqueValue('clientSecret');
    const client = this.written(await this.registry.create(clientId, metadata, admin.actor, secret));
    return secret === undefined ? { client } : { client, secret };
  }

  /** Makes or replaces a client. */
  async put(clientId: string, body: object, admin: Administrator): Promise<{ client: ClientEntity; created: boolean }> {
    if (!CLIENT_ID.test(clientId)) throw notFound('client');
    // A client of this id that appears between the look and the making is replaced like any other.
    return untilNotOvertaken(async () => (await this.replace(clientId, body, admin)) ?? this.make(clientId, body, admin));
  }

  /** @param body a JSON merge patch (RFC 7396) */
  async patch(clientId: string, body: object, admin: Administrator): Promise<ClientEntity> {
    const patched = CLIENT_ID.test(clientId)
      ? await this.registry.update(clientId, admin.actor, (current) => {
          admin.assertMatch(entityTag(current));
          const patch = withoutReadOnly(body, clientResponse(current), READ_ONLY, ABOUT_THE_RESPONSE);
          readBody(ClientDto, patch);
          const before = metadataOf(current);
          const patched = readPatched(ClientDto, mergePatch({ ...before }, patch), patch);
          const metadata = keepUnsetDefault(current, this.complete(patched, clientId, before));
          admin.assertRights(current.scope, metadata.scope);
          return metadata;
        })
      : null;
    if (!patched) throw notFound('client');
    return this.written(patched);
  }

  async delete(clientId: string, admin: Administrator): Promise<void> {
    const deleted = CLIENT_ID.test(clientId)
      ? await this.registry.delete(clientId, admin.actor, (current) => {
          admin.assertMatch(entityTag(current));
          admin.assertRights(current.scope);
        })
      : false;
    if (!deleted) throw notFound('client');
  }

  async addSecret(clientId: string, body: unknown, admin: Administrator): Promise<NewSecret> {
    const { expires_in: expiresIn, previous_expires_in: previousExpiresIn } = readBody(ClientSecretDto, body);
    return known(clientId, () =>
      this.secrets.add(clientId, admin.actor, (client) => {
        admin.assertRights(client.scope);
        if (client.tokenEndpointAuthMethod === 'none') throw new Problem(409, 'A public client has no secrets.');
        const nowMs = this.clock.nowMs();
        const inSeconds = (seconds: number) => nowMs + seconds * 1000;
        return {
          expiresAtMs: expiresIn === undefined ? null : inSeconds(expiresIn),
          previousExpiresAtMs: previousExpiresIn === undefined ? undefined : inSeconds(previousExpiresIn),
        };
      }),
    );
  }

  async deleteSecret(clientId: string, secretId: string, admin: Administrator): Promise<void> {
    await this.find(clientId);
    const check = (client: ClientEntity) => admin.assertRights(client.scope);
    const deleted = /^[\w-]{12}$/.test(secretId) && (await this.secrets.delete(clientId, secretId, admin.actor, check));
    if (!deleted) throw notFound('secret');
  }

  async revokeTokens(clientId: string, admin: Administrator): Promise<void> {
    const known = CLIENT_ID.test(clientId) && (await this.registry.revokeTokens(clientId, admin.actor));
    if (!known) throw notFound('client');
  }

  private async replace(clientId: string, body: object, admin: Administrator): Promise<{ client: ClientEntity; created: boolean } | undefined> {
    const client = await this.registry.update(clientId, admin.actor, (current) => {
      admin.assertMatch(entityTag(current));
      admin.assertNoneMatch(entityTag(current));
      const given = readBody(ClientDto, withoutReadOnly(body, clientResponse(current), READ_ONLY, ABOUT_THE_RESPONSE));
      const metadata = keepUnsetDefault(current, this.complete(given, clientId, metadataOf(current)));
      admin.assertRights(current.scope, metadata.scope);
      return metadata;
    });
    return client ? { client: this.written(client), created: false } : undefined;
  }

  private async make(clientId: string, body: object, admin: Administrator): Promise<{ client: ClientEntity; created: boolean }> {
    admin.assertMatch(undefined);
    const { client_id: named = clientId, ...given } = readBody(NewClientDto, body);
    if (named !== clientId) throw invalidInput([{ pointer: '/client_id', detail: 'differs from the path' }]);
    const metadata = this.complete(given, clientId);
    admin.assertRights(metadata.scope);
    try {
      return { client: this.written(await this.registry.create(clientId, metadata, admin.actor)), created: true };
    } catch (error) {
      throw error instanceof ClientExistsError ? new OvertakenError() : error;
    }
  }

  /** @param before of a client that exists */
  private complete(given: ClientDto, clientId: string, before?: ClientMetadata): ClientMetadata {
    const metadata = withDefaults(given, clientId, this.config.accessTokenLifetimeSeconds);
    const problems = clientMetadataProblems(metadata, this.config.outboundAllowedHosts, before);
    if (problems.length > 0) throw invalidInput(problems);
    return metadata;
  }

  private written(client: ClientEntity): ClientEntity {
    this.idTokenKeys.prepareFor(metadataOf(client));
    return client;
  }
}

/**
 * An unset default is shown as the whole scope it stands for. Sent back beside that same scope it is still unset, so that what was read and
 * sent back changes nothing.
 */
function keepUnsetDefault(current: ClientEntity, metadata: ClientMetadata): ClientMetadata {
  const unchanged = current.defaultScope === null && metadata.scope === current.scope && metadata.default_scope === current.scope;
  return unchanged ? { ...metadata, default_scope: null } : metadata;
}

async function known<T>(clientId: string, act: () => Promise<T | null>): Promise<T> {
  const done = CLIENT_ID.test(clientId) ? await act() : null;
  if (done === null) throw notFound('client');
  return done;
}
