import { digestOf } from '../../common/crypto/opaque-value.js';
import type { Config } from '../../config/config.js';
import { ADMIN_SCOPES, adminScopesIn } from '../../resources/admin-api.js';
import type { DoctorRepository } from './doctor.repository.js';
import { type Finding, ok, warning } from './finding.js';

const DAY_MS = 86_400_000;
const EXPIRY_DAYS = 14;
const UNUSED_DAYS = 90;
const BACKLOG = 100_000;
/** So many clients are named. */
const NAMED = 20;
/** With these a client can hand out all others. */
const ADMIN_SCOPE = 'clients:write';

export async function clientFindings({ bootstrapClient }: Config, repository: DoctorRepository, nowMs: number): Promise<Finding[]> {
  const admins = (await repository.clientsWithAny([ADMIN_SCOPE], nowMs)).filter(({ scope }) => scope.split(' ').includes(ADMIN_SCOPE));
  const ending = await repository.clientsWithoutSecretBy(nowMs, nowMs + EXPIRY_DAYS * DAY_MS);
  const unused = await repository.clientsWithUnusedSecrets(nowMs, nowMs - UNUSED_DAYS * DAY_MS);
  return [
    admins.length > 0
      ? ok('admin client', admins.map(({ clientId }) => clientId).join(', '))
      : warning('admin client', 'there is none that can manage clients over REST', bootstrapClient ? 'mintgate start makes the one of BOOTSTRAP_CLIENT_ID, unless it was deleted' : 'BOOTSTRAP_CLIENT_ID and BOOTSTRAP_CLIENT_SECRET, or mintgate clients create with the scopes of the admin API'),
    await rightsFinding(repository, nowMs),
    ...(bootstrapClient ? [await bootstrapFinding(bootstrapClient, repository, nowMs)] : []),
    ending.length === 0 ? ok('client secrets', `none runs out within ${EXPIRY_DAYS} days without another in its place`) : warning('client secrets', `the last one runs out within ${EXPIRY_DAYS} days: ${ending.join(', ')}`, 'mintgate clients secrets add <client_id>'),
    ...(unused.length === 0 ? [] : [warning('unused secrets', `not used for ${UNUSED_DAYS} days: ${unused.join(', ')}`, 'mintgate clients secrets list <client_id>, then delete what nobody uses')]),
  ];
}

/** The names of these scopes look like those of a business API: who registers a client for them may not know what they give. */
async function rightsFinding(repository: DoctorRepository, nowMs: number): Promise<Finding> {
  const clients = await repository.clientsWithAny(Object.keys(ADMIN_SCOPES), nowMs);
  const holders = clients.flatMap(({ clientId, scope }) => {
    const rights = adminScopesIn(scope);
    return rights.length === 0 ? [] : [`${clientId} (${rights.join(' ')})`];
  });
  const shown = [...holders.slice(0, NAMED), ...(holders.length > NAMED ? ['and more'] : [])];
  return ok('rights in the admin API', holders.length === 0 ? 'no client has any' : shown.join(', '));
}

async function bootstrapFinding({ clientId, clientSecret }: NonNullable<Config['bootstrapClient']>, repository: DoctorRepository, nowMs: number): Promise<Finding> {
  const state = await repository.credentials(clientId, digestOf(clientSecret), nowMs);
  if (state === 'unknown client') return ok('BOOTSTRAP_CLIENT_SECRET', `the next start makes ${clientId} with it`);
  if (state === 'deleted client') {
    return warning('BOOTSTRAP_CLIENT_ID', `${clientId} was deleted and is not made again`, 'take BOOTSTRAP_CLIENT_ID and BOOTSTRAP_CLIENT_SECRET out, or name another id');
  }
  return state === 'valid'
    ? warning('BOOTSTRAP_CLIENT_SECRET', `still opens the admin API as ${clientId}, and stands in the configuration`, `mintgate clients secrets add ${clientId}, delete the older one, and take BOOTSTRAP_CLIENT_ID and BOOTSTRAP_CLIENT_SECRET out`)
    : warning('BOOTSTRAP_CLIENT_SECRET', 'is of no use any more', 'take BOOTSTRAP_CLIENT_ID and BOOTSTRAP_CLIENT_SECRET out');
}

export function backlogFinding(backlog: Readonly<Record<string, number>>): Finding {
  const rows = Object.values(backlog).reduce((all, each) => all + each, 0);
  return rows > BACKLOG ? warning('clean-up', `${rows} expired rows wait`, 'a running server deletes them by and by; all at once: mintgate cleanup') : ok('clean-up', `${rows} expired rows wait`);
}
