import { ClientAdministration } from '../../admin/client-administration.js';
import { clientResponse, type ClientResponse, registeredClientResponse, writtenClientResponse } from '../../admin/client.response.js';
import { type ClientSecretResponse, newClientSecretResponse, secretResponse } from '../../admin/client-secret.response.js';
import { ClientSecretsRepository } from '../../clients/client-secrets.repository.js';
import { CLIENT_FIELDS } from '../bodies.js';
import { bodyOf, type FieldOptions } from '../fields.js';
import { readObject } from '../input.js';
import { type Column, note, printDone, printItem, printPage } from '../output.js';
import { withServices } from '../services.js';

interface Json {
  json?: boolean;
}

const COLUMNS: readonly Column<ClientResponse>[] = [
  ['client id', ({ client_id: id }) => id],
  ['name', ({ client_name: name }) => name],
  ['grant types', ({ grant_types: types }) => types],
  ['scope', ({ scope }) => scope],
  ['enabled', ({ enabled }) => enabled],
  ['created', ({ created_at: created }) => created],
];

const SECRET_COLUMNS: readonly Column<ClientSecretResponse>[] = [
  ['secret id', ({ secret_id: id }) => id],
  ['created', ({ created_at: created }) => created],
  ['expires', ({ expires_at: expires }) => expires ?? 'never'],
  ['last used', ({ last_used_at: used }) => used ?? 'never'],
];

const ONCE = 'The secret is shown this once: only its digest is stored.';

export async function list({ json, grantType, ...query }: Json & Partial<Record<'q' | 'grantType' | 'enabled' | 'limit' | 'cursor', string>>): Promise<void> {
  await withServices(async ({ get }) => {
    printPage(await get(ClientAdministration).list({ ...query, ...(grantType === undefined ? {} : { grant_type: grantType }) }), COLUMNS, json);
  });
}

export async function show(clientId: string, { json }: Json): Promise<void> {
  await withServices(async ({ get }) => printItem(clientResponse(await get(ClientAdministration).find(clientId)), json));
}

export async function create(clientId: string | undefined, options: FieldOptions): Promise<void> {
  const body = { ...(options.from === undefined ? {} : await readObject(options.from)), ...(clientId === undefined ? {} : { client_id: clientId }), ...bodyOf(CLIENT_FIELDS, options) };
  await withServices(async ({ get, admin }) => {
    const { client, secret } = await get(ClientAdministration).create(body, admin);
    printItem(registeredClientResponse(client, secret), options.json);
    if (secret !== undefined) note(ONCE);
  });
}

export async function update(clientId: string, options: FieldOptions): Promise<void> {
  const patch = { ...(options.from === undefined ? {} : await readObject(options.from)), ...bodyOf(CLIENT_FIELDS, options) };
  await withServices(async ({ get, admin }) => printItem(writtenClientResponse(await get(ClientAdministration).patch(clientId, patch, admin)), options.json));
}

export async function remove(clientId: string, { json }: Json): Promise<void> {
  await withServices(({ get, admin }) => get(ClientAdministration).delete(clientId, admin));
  printDone(`Deleted: ${clientId}`, json);
}

export async function listSecrets(clientId: string, { json }: Json): Promise<void> {
  await withServices(async ({ get }) => {
    const client = await get(ClientAdministration).find(clientId);
    printPage({ items: (await get(ClientSecretsRepository).ofClient(client.id)).map(secretResponse), next_cursor: null }, SECRET_COLUMNS, json);
  });
}

export async function addSecret(clientId: string, { json, expiresIn, previousExpiresIn }: Json & { expiresIn?: string; previousExpiresIn?: string }): Promise<void> {
  const body = { ...secondsOf('expires_in', expiresIn), ...secondsOf('previous_expires_in', previousExpiresIn) };
  await withServices(async ({ get, admin }) => {
    const { row, secret } = await get(ClientAdministration).addSecret(clientId, body, admin);
    printItem(newClientSecretResponse(row, secret), json);
    note(ONCE);
  });
}

export async function removeSecret(clientId: string, secretId: string, { json }: Json): Promise<void> {
  await withServices(({ get, admin }) => get(ClientAdministration).deleteSecret(clientId, secretId, admin));
  printDone(`Deleted: ${secretId}`, json);
}

export async function revokeTokens(clientId: string, { json }: Json): Promise<void> {
  await withServices(({ get, admin }) => get(ClientAdministration).revokeTokens(clientId, admin));
  printDone(`Revoked: everything that ${clientId} holds`, json);
}

/** What is no number is left to the rules of the admin API. */
const secondsOf = (member: string, text: string | undefined): Record<string, unknown> => (text === undefined ? {} : { [member]: /^\d{1,15}$/.test(text) ? Number(text) : text });
