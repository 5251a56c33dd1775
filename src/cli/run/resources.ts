import { ResourceAdministration } from '../../admin/resource-administration.js';
import { resourceResponse, type ResourceResponse } from '../../admin/resource.response.js';
import { RESOURCE_FIELDS } from '../bodies.js';
import { bodyOf, type FieldOptions } from '../fields.js';
import { readObject } from '../input.js';
import { type Column, printDone, printItem, printPage } from '../output.js';
import { withServices } from '../services.js';

interface Json {
  json?: boolean;
}

type ResourceOptions = FieldOptions & { scopes?: string[] };

const COLUMNS: readonly Column<ResourceResponse>[] = [
  ['resource id', ({ resource_id: id }) => id],
  ['identifier', ({ identifier }) => identifier],
  ['name', ({ name }) => name],
  ['scopes', ({ scopes }) => scopes?.map(({ name }) => name)],
  ['resource servers', ({ resource_servers: servers }) => servers],
];

export async function list({ json, ...query }: Json & Partial<Record<'limit' | 'cursor', string>>): Promise<void> {
  await withServices(async ({ get }) => printPage(await get(ResourceAdministration).list(query), COLUMNS, json));
}

export async function show(resourceId: string, { json }: Json): Promise<void> {
  await withServices(async ({ get }) => printItem(resourceResponse(await get(ResourceAdministration).find(resourceId)), json));
}

export async function create(identifier: string | undefined, options: ResourceOptions): Promise<void> {
  const body = { ...(await given(options)), ...(identifier === undefined ? {} : { identifier }) };
  await withServices(async ({ get, admin }) => printItem(resourceResponse(await get(ResourceAdministration).create(body, admin)), options.json));
}

export async function update(resourceId: string, options: ResourceOptions): Promise<void> {
  const patch = await given(options);
  await withServices(async ({ get, admin }) => printItem(resourceResponse(await get(ResourceAdministration).patch(resourceId, patch, admin)), options.json));
}

export async function remove(resourceId: string, { json }: Json): Promise<void> {
  await withServices(({ get, admin }) => get(ResourceAdministration).delete(resourceId, admin));
  printDone(`Deleted: ${resourceId}`, json);
}

async function given(options: ResourceOptions): Promise<Record<string, unknown>> {
  const { from, scopes } = options;
  return { ...(from === undefined ? {} : await readObject(from)), ...bodyOf(RESOURCE_FIELDS, options), ...(scopes === undefined ? {} : { scopes: scopes.map((name) => ({ name })) }) };
}
