#!/usr/bin/env node
// Writes what clients of a filled database would ask, for spread.lua: node bench/growth/requests.mjs <folder> <clients> <users> <refresh tokens> <clients to take> <families to take>
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { basic, TOKEN_FORM } from '../http.mjs';
import { Database } from '../../dist/src/database/database.js';
import { withPopulation } from './with-population.mjs';

const [folder, ...numbers] = process.argv.slice(2);
const [clients, users, families, clientsToTake, familiesToTake] = numbers.map(Number);
const BATCH = 1000;
const HOUR_MS = 3_600_000;

/** Few enough to be in memory: what is measured is the insert. */
const OPAQUE_CLIENTS = 1000;

const write = (name, lines) => writeFileSync(join(folder, name), lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });

/** Clients from all over the table, in an order that is not the table's. */
function clientsThat(population, fits) {
  const fitting = Array.from({ length: clients }, (_, i) => i).filter(fits);
  const step = 7919;
  return Array.from({ length: Math.min(clientsToTake, fitting.length) }, (_, i) => `${basic(population.credentials(fitting[(i * step) % fitting.length]))}\t${TOKEN_FORM}`);
}

/** Families of one application that nobody has used yet. */
async function unusedFamilies(database, population) {
  for (const candidates of population.familiesByApplication()) {
    const unused = [];
    for (let at = 0; at < candidates.length && unused.length < familiesToTake; at += BATCH) {
      const ids = candidates.slice(at, at + BATCH).map((family) => family + 1);
      const rows = await database.query(
        `SELECT id, expires_at FROM token_families WHERE id IN (${ids.map(() => '?').join(', ')}) AND retry_until IS NULL AND revoked_at IS NULL AND idle_expires_at > ? AND expires_at > ?`,
        [...ids, Date.now() + HOUR_MS, Date.now() + HOUR_MS],
      );
      unused.push(...rows.map((row) => ({ number: row.id - 1, expiresAt: Number(row.expires_at) })));
    }
    if (unused.length >= familiesToTake) return unused.slice(0, familiesToTake);
  }
  throw new Error(`no application has ${familiesToTake} families left that were never used: fill another database`);
}

await withPopulation(() => ({ clients, users, families }), async (population, get) => {
  const services = clientsThat(population, (i) => !population.isApplication(i) && !population.hasOpaqueTokens(i));
  write('service', services.slice(0, 1));
  write('services', services);
  write('opaque', clientsThat(population, population.hasOpaqueTokens).slice(0, OPAQUE_CLIENTS));
  const unused = await unusedFamilies(get(Database), population);
  const application = basic(population.credentials(population.applicationOf(unused[0].number)));
  const tokens = unused.map(({ number, expiresAt }) => population.refreshToken(number, expiresAt));
  write('families', tokens.map((token) => `${application}\tgrant_type=refresh_token&refresh_token=${token}`));
  write('family-introspection', tokens.map((token) => `${application}\ttoken=${token}`));
});
