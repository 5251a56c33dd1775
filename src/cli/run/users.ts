import { UserAdministration } from '../../admin/user-administration.js';
import type { UserResponse } from '../../admin/user.response.js';
import { notFound } from '../../common/http/problem.js';
import { identifierKey } from '../../users/identifier-key.js';
import type { UserEntity } from '../../users/user.entity.js';
import { USER_ID } from '../../users/user-profile.js';
import { UsersRepository } from '../../users/users.repository.js';
import { USER_FIELDS } from '../bodies.js';
import { bodyOf, type FieldOptions } from '../fields.js';
import { readObject, readSecret } from '../input.js';
import { type Column, printDone, printItem, printPage } from '../output.js';
import { type Services, withServices } from '../services.js';

interface Json {
  json?: boolean;
}

const COLUMNS: readonly Column<UserResponse>[] = [
  ['user id', ({ user_id: id }) => id],
  ['username', ({ username }) => username],
  ['email', ({ email }) => email],
  ['roles', ({ roles }) => roles],
  ['enabled', ({ enabled }) => enabled],
  ['locked until', ({ locked_until: until }) => until],
  ['last login', ({ last_login_at: last }) => last],
];

export async function list({ json, ...query }: Json & Partial<Record<'q' | 'enabled' | 'limit' | 'cursor', string>>): Promise<void> {
  await withServices(async ({ get }) => printPage(await get(UserAdministration).list(query), COLUMNS, json));
}

export async function show(user: string, { json }: Json): Promise<void> {
  await withServices(async (services) => printUser(services, await services.get(UserAdministration).find(await idOf(services, user)), json));
}

export async function create(username: string | undefined, options: FieldOptions & { passwordFile?: string }): Promise<void> {
  const body = {
    ...(options.from === undefined ? {} : await readObject(options.from)),
    ...(username === undefined ? {} : { username }),
    ...bodyOf(USER_FIELDS, options),
    ...(options.passwordFile === undefined ? {} : { password: await readSecret('Password', options.passwordFile) }),
  };
  await withServices(async (services) => printUser(services, await services.get(UserAdministration).create(body, services.admin), options.json));
}

export async function update(user: string, options: FieldOptions): Promise<void> {
  const patch = { ...(options.from === undefined ? {} : await readObject(options.from)), ...bodyOf(USER_FIELDS, options) };
  await withServices(async (services) => printUser(services, await services.get(UserAdministration).patch(await idOf(services, user), patch, services.admin), options.json));
}

export async function remove(user: string, { json }: Json): Promise<void> {
  await withServices(async (services) => services.get(UserAdministration).delete(await idOf(services, user), services.admin));
  printDone(`Deleted: ${user}`, json);
}

export async function setPassword(user: string, { json, passwordFile, hash }: Json & { passwordFile?: string; hash?: boolean }): Promise<void> {
  const secret = await readSecret(hash ? 'Hash' : 'Password', passwordFile);
  await withServices(async (services) => {
    const body = hash ? { password_hash: secret.startsWith('{') ? asJson(secret) : secret } : { password: secret };
    await services.get(UserAdministration).setPassword(await idOf(services, user), body, services.admin);
  });
  printDone(`Set: the password of ${user}, who is signed out everywhere`, json);
}

export async function unlock(user: string, { json }: Json): Promise<void> {
  await withServices(async (services) => services.get(UserAdministration).unlock(await idOf(services, user), services.admin));
  printDone(`Unlocked: ${user}`, json);
}

export async function signOut(user: string, { json }: Json): Promise<void> {
  await withServices(async (services) => services.get(UserAdministration).signOut(await idOf(services, user), services.admin));
  printDone(`Signed out: ${user}`, json);
}

/** Of a user who is named by her id, or by her username. */
async function idOf({ get }: Services, user: string): Promise<string> {
  if (USER_ID.test(user)) return user;
  const known = await get(UsersRepository).findCredentials(identifierKey(user));
  if (!known) throw notFound('user');
  return known.user.userId;
}

async function printUser({ get }: Services, user: UserEntity, json: boolean | undefined): Promise<void> {
  printItem(await get(UserAdministration).describe(user), json);
}

/** The exported credential of another system; text that is no JSON is refused like any other hash. */
function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
