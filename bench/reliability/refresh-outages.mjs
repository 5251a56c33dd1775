// MariaDB killed in the midst of refreshes, and back after longer than a refresh token may be sent again.
//
//   node bench/reliability/refresh-outages.mjs [--rounds 1] [--families 8] [--instances 1] [--down 12] [--window 10]
//
// In each round several sessions refresh in a loop, as clients do that try again at once when they hear 503. The answers to some of their rotations are stopped on
// the way to the server, then the database is killed with all that is under way; `--down` seconds later it is there again. Every answer is to be 200 or 503,
// and every session to go on. With several instances each request goes to any of them, as behind a load balancer. `--window` is REFRESH_RETRY_WINDOW_SECONDS. Prints one line of JSON; exit status 0 when it was so, 1 when not, 2 when that could
// not be found out. Needs dist/ (npm run build), and mariadbd on the PATH.
import { setTimeout as sleep } from 'node:timers/promises';
import { command, randomBelow, spread } from './command.mjs';
import { openMariadb } from './databases.mjs';
import { Session } from './ledger.mjs';
import { digestOf, Mintgate, signIn } from './mintgate.mjs';
import { PASS } from './relay.mjs';

const USAGE = 'node bench/reliability/refresh-outages.mjs [--rounds N] [--families N] [--instances N] [--down SECONDS] [--window SECONDS]';
/** From the first answer that is stopped to the end of the database; less than its deadline. */
const STOPPED_MS = 300;
const RETRY_MS = 100;
const RECOVERY_MS = 30_000;

async function run({ rounds, families, instances, down, window }) {
  const database = await openMariadb();
  const env = { REFRESH_RETRY_WINDOW_SECONDS: String(window) };
  const mintgates = [await Mintgate.start(database.url, env)];
  const [{ origin: issuer }] = mintgates;
  while (mintgates.length < instances) mintgates.push(await Mintgate.start(database.url, { ...env, ISSUER: issuer }));
  const anyOrigin = () => mintgates[randomBelow(instances)].origin;
  const { client, tokens } = await signIn(issuer, families);
  const all = tokens.map((token) => new Session(client, token));
  let sessions = all;
  const { relay } = database;
  let stopping = false;
  let stopped = 0;
  // The statement is prepared: what passes are its parameters, one of them the digest of the token.
  const rotates = (chunk) => sessions.some(({ held }) => chunk.includes(digestOf(held)));
  relay.onRequest = (chunk, { notes }) => {
    if (stopping && !notes.stopped && rotates(chunk)) {
      notes.stopped = true;
      stopped++;
    }
    return PASS;
  };
  relay.onAnswer = (_, { notes }) => (notes.stopped ? Buffer.alloc(0) : PASS);

  const statuses = {};
  const recoveries = [];
  let committed = 0;
  let lost = 0;
  let forked = 0;
  for (let round = 0; round < rounds && sessions.length > 0; round++) {
    let backAt = Infinity;
    const loops = sessions.map(async (session) => {
      for (let wentOn = 0; wentOn < 3; ) {
        const asked = performance.now();
        const status = await session.refresh(anyOrigin());
        statuses[status] = (statuses[status] ?? 0) + 1;
        if (status === 200 && asked > backAt && ++wentOn === 1) recoveries.push(performance.now() - backAt);
        if (status === 200) continue;
        if (status !== 503 || performance.now() > backAt + RECOVERY_MS) break;
        await sleep(RETRY_MS);
      }
    });
    await sleep(200 + Math.random() * 200);
    stopping = true;
    await sleep(STOPPED_MS);
    await database.crash();
    relay.cut();
    stopping = false;
    await sleep(down * 1000);
    const held = sessions.map((session) => digestOf(session.held));
    await database.restart();
    backAt = performance.now();
    const current = await database.currentDigests();
    committed += held.filter((digest) => !current.has(digest)).length;
    await Promise.all(loops);
    const states = await Promise.all(sessions.map((session) => session.state(issuer)));
    lost += states.filter((state) => state === 'lost').length;
    forked += states.filter((state) => state === 'forked').length;
    sessions = sessions.filter((_, index) => states[index] === 'sound');
  }
  const refreshes = all.reduce((sum, session) => sum + session.refreshes, 0);
  for (const mintgate of mintgates) await mintgate.end();
  await database.end();
  const passed = lost === 0 && forked === 0 && Object.keys(statuses).every((status) => status === '200' || status === '503');
  return { refreshes, statuses, stopped, committed, lost, forked, recoveryMs: spread(recoveries), passed };
}

await command(USAGE, { numbers: { rounds: [1, 1, 1000], families: [8, 1, 50], instances: [1, 1, 8], down: [12, 0, 600], window: [10, 0, 60] } }, run, ({ rounds, down }) => 60 + rounds * (down + 60));
