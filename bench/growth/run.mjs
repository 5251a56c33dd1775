#!/usr/bin/env node
// What data costs: Mintgate on a filled database beside Mintgate on a small one; README.md tells how.
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { post } from '../http.mjs';
import { checkTools, describeMachine, MAIN, pinRunner } from '../machine.mjs';
import { benchHome } from '../packages.mjs';
import { endAll, killAll } from '../processes.mjs';
import { median, round, table } from '../report.mjs';
import { CleanupLease, startServer } from './servers.mjs';
import { load } from './spread.mjs';

const REQUESTS = fileURLToPath(new URL('./requests.mjs', import.meta.url));
/** More clients, and more users of families, than the caches of a server hold (10,000). */
const CLIENTS = 100_000;
const FAMILIES = 12_000;
/** The server cleans up once a minute. */
const ROUND_DEADLINE_MS = 90_000;

const A_TOKEN = '"access_token"%s*:%s*"';
const ACTIVE = '"active"%s*:%s*true';
const SCENARIOS = [
  { name: 'a token, one client', path: '/oauth/token', file: 'service', expect: A_TOKEN },
  { name: 'a token, many clients', path: '/oauth/token', file: 'services', expect: A_TOKEN },
  { name: 'introspection, one JWT', path: '/oauth/introspect', file: 'jwt-introspection', expect: ACTIVE },
  { name: 'introspection, many families', path: '/oauth/introspect', file: 'family-introspection', expect: ACTIVE },
  { name: 'refresh, many families', path: '/oauth/token', file: 'families', expect: A_TOKEN, chain: true },
  { name: 'an opaque token (insert)', path: '/oauth/token', file: 'opaque', expect: A_TOKEN },
];
const INSERTS = SCENARIOS.at(-1);

const NUMBERS = { rounds: 5, seconds: 5, warmup: 6, connections: 16, 'server-cpu': 0, 'load-cpu': 1, 'cleanup-rounds': 3 };

const USAGE = `npm run bench:growth -- --filled URL --filled-sizes CLIENTS,USERS,TOKENS --small URL --small-sizes CLIENTS,USERS,TOKENS [options]

Both databases were filled by bench/growth/seed.mjs, with the sizes that are given, under the ISSUER and the KEY_ENCRYPTION_KEY of the environment.

options:
${Object.entries(NUMBERS).map(([name, fallback]) => `  --${`${name} N`.padEnd(20)}(default ${fallback})`).join('\n')}
  --mariadb-pid N       of the server of both databases, to tell what its CPU spends
  --json FILE           appends the JSON line to FILE too`;

function readOptions() {
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(['filled', 'filled-sizes', 'small', 'small-sizes', 'mariadb-pid', 'json'].map((name) => [name, { type: 'string' }])),
      ...Object.fromEntries(Object.entries(NUMBERS).map(([name, fallback]) => [name, { type: 'string', default: String(fallback) }])),
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const { ISSUER, KEY_ENCRYPTION_KEY, NODE_ENV = 'production' } = process.env;
  if (!values.filled || !values.small || !ISSUER || !KEY_ENCRYPTION_KEY) throw new Error(USAGE);
  const sizes = (name) => {
    if (!/^\d+,\d+,\d+$/.test(values[name] ?? '')) throw new Error(`--${name}: three numbers, such as 1000000,100000,5000000`);
    return values[name].split(',');
  };
  const number = (name) => {
    if (!/^\d{1,7}$/.test(values[name])) throw new Error(`--${name}: a whole number`);
    return Number(values[name]);
  };
  return {
    databases: [{ name: 'small', url: values.small, sizes: sizes('small-sizes') }, { name: 'filled', url: values.filled, sizes: sizes('filled-sizes') }],
    env: { ISSUER, KEY_ENCRYPTION_KEY, NODE_ENV },
    rounds: number('rounds'),
    seconds: number('seconds'),
    warmup: number('warmup'),
    connections: number('connections'),
    serverCpu: number('server-cpu'),
    loadCpu: number('load-cpu'),
    cleanupRounds: number('cleanup-rounds'),
    json: values.json,
    ...(values['mariadb-pid'] ? { mariadbPid: number('mariadb-pid') } : {}),
  };
}

/** Credentials and tokens of those who are in the database. */
function writeRequests(folder, { name, url, sizes }, env) {
  const child = spawnSync(process.execPath, [REQUESTS, folder, ...sizes, String(CLIENTS), String(FAMILIES)], { env: { PATH: process.env.PATH, ...env, DATABASE_URL: url }, stdio: ['ignore', 2, 2], timeout: 300_000 });
  if (child.status !== 0) throw new Error(`no requests for the ${name} database`);
}

/** A live JWT, asked about by the client that it is of. */
async function writeIntrospection(server, folder) {
  const [authorization, form] = readFileSync(join(folder, 'service'), 'utf8').trim().split('\t');
  const { status, text, body } = await post(`${server.origin}/oauth/token`, { type: 'application/x-www-form-urlencoded', body: form, authorization });
  if (status !== 200) throw new Error(`no token from the ${server.name} database: ${status} ${text}`);
  writeFileSync(join(folder, 'jwt-introspection'), `${authorization}\ttoken=${body.access_token}\n`, { mode: 0o600 });
}

/** A burst goes on where the last one of the scenario stopped: those who came first are in the caches. */
async function burst(scenario, { server, folder, sent }, options) {
  const { path, file, expect, chain } = scenario;
  const skip = chain ? 0 : (sent.get(scenario) ?? 0);
  const result = await load(server, { path, lines: join(folder, file), skip, expect, chain }, options);
  sent.set(scenario, skip + result.good);
  return result;
}

async function compare(scenario, contestants, options) {
  for (const contestant of contestants) await burst(scenario, contestant, { ...options, seconds: options.warmup });
  const rounds = contestants.map(() => []);
  for (let i = 1; i <= options.rounds; i++) {
    // A B, B A: what comes second finds the machine warmer.
    const order = i % 2 === 1 ? [0, 1] : [1, 0];
    for (const at of order) rounds[at].push(await burst(scenario, contestants[at], options));
    console.error(`${scenario.name}, round ${i}/${options.rounds}: ${contestants.map(({ server }, at) => `${server.name} ${Math.round(rounds[at].at(-1).perCpuSecond)}`).join(', ')} answers per CPU-second`);
  }
  const [small, filled] = rounds;
  const middle = (all, key, digits = 0) => round(median(all.map((each) => each[key])), digits);
  const ratios = filled.map(({ perCpuSecond }, i) => perCpuSecond / small[i].perCpuSecond);
  return {
    name: scenario.name,
    small: middle(small, 'perCpuSecond'),
    filled: middle(filled, 'perCpuSecond'),
    ratio: round(median(ratios), 2),
    ratios: ratios.map((each) => round(each, 2)),
    smallP99Ms: middle(small, 'p99Ms', 2),
    filledP99Ms: middle(filled, 'p99Ms', 2),
    ...(options.mariadbPid ? { smallDatabaseMicros: middle(small, 'databaseMicros'), filledDatabaseMicros: middle(filled, 'databaseMicros') } : {}),
    errors: rounds.flat().reduce((sum, { errors }) => sum + errors, 0),
  };
}

/** Inserts while the server cleans up, beside inserts while it does not: each burst begins with a round of the clean-up. */
async function beside(contestant, options) {
  const { lease } = contestant;
  const pairs = [];
  for (let i = 1; i <= options.cleanupRounds; i++) {
    const quiet = await burst(INSERTS, contestant, options);
    await lease.giveBack();
    for (const began = performance.now(); !(await lease.isUsed()); await sleep(20)) if (performance.now() - began > ROUND_DEADLINE_MS) throw new Error('the server does not clean up');
    const busy = await burst(INSERTS, contestant, options);
    const stillUsed = await lease.isUsed();
    while (await lease.isUsed()) await sleep(50);
    await lease.hold();
    console.error(`clean-up, round ${i}/${options.cleanupRounds}: p99 ${quiet.p99Ms.toFixed(1)} ms without, ${busy.p99Ms.toFixed(1)} ms with it${stillUsed ? '' : ' (it was over before the load was)'}`);
    pairs.push({ quiet, busy, lasted: stillUsed });
  }
  const all = (which, key) => pairs.map((pair) => round(pair[which][key], 1));
  return {
    p99Ms: all('quiet', 'p99Ms'),
    p99WithCleanupMs: all('busy', 'p99Ms'),
    maxMs: all('quiet', 'maxMs'),
    maxWithCleanupMs: all('busy', 'maxMs'),
    ratio: round(median(pairs.map(({ quiet, busy }) => busy.p99Ms / quiet.p99Ms)), 2),
    perSecond: all('quiet', 'perSecond'),
    perSecondWithCleanup: all('busy', 'perSecond'),
    lasted: pairs.map(({ lasted }) => lasted),
    errors: pairs.reduce((sum, { quiet, busy }) => sum + quiet.errors + busy.errors, 0),
  };
}

function report({ options, machine, contestants, results, cleanup }) {
  const { databases, json, rounds, seconds, warmup, connections, serverCpu, loadCpu, mariadbPid } = options;
  console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.memoryMiB} MiB, Linux ${machine.kernel}, Node ${machine.node}, load average at start ${machine.load}`);
  for (const { name, sizes } of databases) {
    const { startMs, idleMiB } = contestants.find(({ server }) => server.name === name).server;
    console.log(`${name}: ${sizes[0]} clients, ${sizes[1]} users, ${sizes[2]} families of refresh tokens; ready after ${Math.round(startMs)} ms, ${Math.round(idleMiB)} MiB then`);
  }
  const columns = [
    ['small /CPU-s', (r) => r.small],
    ['filled /CPU-s', (r) => r.filled],
    ['filled / small', (r) => r.ratio.toFixed(2)],
    ['from', (r) => Math.min(...r.ratios).toFixed(2)],
    ['to', (r) => Math.max(...r.ratios).toFixed(2)],
    ['small p99 ms', (r) => r.smallP99Ms],
    ['filled p99 ms', (r) => r.filledP99Ms],
    ...(mariadbPid ? [['small database us', (r) => r.smallDatabaseMicros], ['filled database us', (r) => r.filledDatabaseMicros]] : []),
    ['errors', (r) => r.errors],
  ];
  console.log(`\n${table(columns, results)}`);
  if (cleanup) console.log(`\ninserts on the filled database: p99 ${cleanup.p99Ms.join(' ')} ms, and ${cleanup.p99WithCleanupMs.join(' ')} ms while it is cleaned up (${cleanup.ratio} times; longest ${cleanup.maxMs.join(' ')} and ${cleanup.maxWithCleanupMs.join(' ')} ms)`);
  const servers = Object.fromEntries(contestants.map(({ server: { name, startMs, idleMiB } }) => [name, { startMs: Math.round(startMs), idleMiB: Math.round(idleMiB) }]));
  const sizes = Object.fromEntries(databases.map((database) => [database.name, database.sizes.map(Number)]));
  const line = JSON.stringify({ at: new Date().toISOString(), scenario: 'growth', machine, options: { rounds, seconds, warmup, connections, serverCpu, loadCpu }, sizes, servers, results, ...(cleanup ? { cleanup } : {}) });
  if (json) appendFileSync(json, `${line}\n`);
  console.log(`\n${line}`);
}

async function main() {
  const options = readOptions();
  checkTools(options);
  if (!existsSync(MAIN)) throw new Error('dist is missing: npm run build');
  const machine = describeMachine();
  pinRunner(options.loadCpu);
  const parent = mkdtempSync(join(benchHome(), 'growth-'));
  process.on('exit', () => {
    killAll();
    rmSync(parent, { recursive: true, force: true });
  });
  const contestants = [];
  for (const database of options.databases) {
    const folder = join(parent, database.name);
    mkdirSync(folder);
    writeRequests(folder, database, options.env);
    const lease = new CleanupLease(database.url);
    await lease.hold();
    const server = await startServer({ name: database.name, folder, cpu: options.serverCpu, env: { ...options.env, DATABASE_URL: database.url } });
    console.error(`${database.name}: ready after ${Math.round(server.startMs)} ms, ${Math.round(server.idleMiB)} MiB`);
    contestants.push({ server, folder, lease, sent: new Map() });
  }
  try {
    const results = [];
    for (const { server, folder } of contestants) await writeIntrospection(server, folder);
    for (const scenario of SCENARIOS) results.push(await compare(scenario, contestants, options));
    const cleanup = options.cleanupRounds > 0 ? await beside(contestants.at(-1), options) : undefined;
    report({ options, machine, contestants, results, cleanup });
    return results.some(({ errors }) => errors > 0) || (cleanup?.errors ?? 0) > 0 ? 1 : 0;
  } finally {
    for (const { server, lease } of contestants) {
      await server.stop();
      await lease.giveBack();
    }
  }
}

main()
  .then(async (code) => {
    await endAll();
    process.exit(code);
  })
  .catch(async (error) => {
    console.error(`growth: ${error.message}`);
    await endAll();
    process.exit(2);
  });
