#!/usr/bin/env node
// Fills a database of Mintgate with clients, users and families of refresh tokens; README.md tells how.
import { parseArgs } from 'node:util';
import { SingleBar } from 'cli-progress';
import { Rows } from './rows.mjs';
import { PASSWORD } from './population.mjs';
import { withPopulation } from './with-population.mjs';
import { writing } from './writers.mjs';
import { ClientEntity } from '../../dist/src/clients/client.entity.js';
import { ClientOriginEntity } from '../../dist/src/clients/client-origin.entity.js';
import { ClientSecretEntity } from '../../dist/src/clients/client-secret.entity.js';
import { TokenFamilyEntity } from '../../dist/src/tokens/token-family.entity.js';
import { PasswordHashing } from '../../dist/src/users/passwords/password-hashing.js';
import { UserEntity } from '../../dist/src/users/user.entity.js';
import { Database } from '../../dist/src/database/database.js';

const DAY_MS = 86_400_000;

const USAGE = `node bench/growth/seed.mjs [--clients N] [--users N] [--refresh-tokens N]

The database and its key are those of the settings (DATABASE_URL or DB_*, KEY_ENCRYPTION_KEY, ISSUER), and mintgate migrate has made its tables.`;

function readSizes() {
  const { values } = parseArgs({
    options: { clients: { type: 'string', default: '1000000' }, users: { type: 'string', default: '100000' }, 'refresh-tokens': { type: 'string', default: '5000000' } },
  });
  const size = (name, least) => {
    if (!/^\d{1,8}$/.test(values[name]) || Number(values[name]) < least) throw new Error(`--${name}: a whole number of ${least} or more\n\n${USAGE}`);
    return Number(values[name]);
  };
  return { clients: size('clients', 10), users: size('users', 1), families: size('refresh-tokens', 0) };
}

/** The numbers of rows follow from those of the population, so nothing of it may be there. */
async function assertEmpty(database, population) {
  const [{ families }] = await database.query('SELECT COUNT(*) AS families FROM (SELECT 1 AS one FROM token_families LIMIT 1) AS some');
  const known = await database.query('SELECT 1 AS one FROM clients WHERE client_id = ?', [population.credentials(0).id]);
  if (Number(families) > 0 || known.length > 0) throw new Error('the database holds families of refresh tokens, or was filled before: take an empty one');
}

/** A family that is good for another day, and its token. */
function liveFamily(population, nowMs) {
  for (let i = 0; i < population.families; i++) {
    const { idleExpiresAt, expiresAt } = population.family(i, nowMs);
    if (idleExpiresAt > nowMs + DAY_MS) return { number: i, refreshToken: population.refreshToken(i, expiresAt) };
  }
  return undefined;
}

async function fill(get, population, nowMs) {
  const database = get(Database);
  await assertEmpty(database, population);
  const dataSource = database.connected();
  const [{ last }] = await database.query('SELECT MAX(id) AS last FROM clients');
  const firstClient = Number(last ?? 0) + 1;
  const passwordHash = await get(PasswordHashing).hash(PASSWORD);
  const { clients, users, families } = population;
  const bar = new SingleBar({ format: 'Filling {bar} {value}/{total} rows, {eta_formatted} left', stream: process.stderr, hideCursor: true, clearOnComplete: true, etaBuffer: 100 });
  const total = clients * 2 + users + families;
  bar.start(total, 0);
  try {
    await writing(dataSource, ['clients', 'client_secrets', 'client_origins', 'users', 'token_families'], async (write) => {
      const rows = (entity, withId) => new Rows(dataSource, entity, { withId, write });
      const tables = { clients: rows(ClientEntity, true), secrets: rows(ClientSecretEntity), origins: rows(ClientOriginEntity), users: rows(UserEntity), families: rows(TokenFamilyEntity, true) };
      let done = 0;
      const count = (n) => {
        done += n;
        if (done % 1000 < n) bar.update(done);
      };
      for (let i = 0; i < clients; i++) {
        const { client, secret, origins } = population.client(i, nowMs);
        const clientRowId = firstClient + i;
        await tables.clients.add({ id: clientRowId, ...client });
        await tables.secrets.add({ clientRowId, ...secret });
        for (const origin of origins) await tables.origins.add({ clientRowId, origin });
        count(2);
      }
      for (let i = 0; i < users; i++, count(1)) await tables.users.add(population.user(i, passwordHash, nowMs));
      for (let i = 0; i < families; i++, count(1)) await tables.families.add({ id: i + 1, ...population.family(i, nowMs) });
      for (const table of Object.values(tables)) await table.flush();
    });
  } finally {
    bar.stop();
  }
  return total;
}

await withPopulation(readSizes, async (population, get) => {
  const began = performance.now();
  const nowMs = Date.now();
  const rows = await fill(get, population, nowMs);
  const seconds = (performance.now() - began) / 1000;
  const family = liveFamily(population, nowMs);
  console.log(JSON.stringify({
    rows,
    seconds: Math.round(seconds * 10) / 10,
    rowsPerSecond: Math.round(rows / seconds),
    sample: {
      service: population.credentials(2),
      application: population.credentials(population.applicationOf(family?.number ?? 0)),
      user: { username: 'user-0', password: PASSWORD },
      ...(family && { refreshToken: family.refreshToken }),
    },
  }));
});
