// Many redemptions of one authorization code at the same time, over two server processes on one database.
//
//   node bench/reliability/code-races.mjs [--database mariadb|mariadb-snapshot|sqlite] [--rounds 500] [--racers 20]
//
// One of them is to be answered 200, the others 400; and since the code was used again, what the one was given is to be dead at both processes within a
// second (RFC 6749 §4.1.2). `mariadb-snapshot` is MariaDB with innodb_snapshot_isolation=ON. Prints one line of JSON; exit status 0 when it was so in every
// round, 1 when not, 2 when that could not be found out. Needs dist/ (npm run build), and for MariaDB mariadbd on the PATH.
import { setTimeout as sleep } from 'node:timers/promises';
import { Application } from './codes.mjs';
import { command, spread } from './command.mjs';
import { openDatabase, openMariadb } from './databases.mjs';
import { isActive, Mintgate, refresh } from './mintgate.mjs';

const USAGE = 'node bench/reliability/code-races.mjs [--database mariadb|mariadb-snapshot|sqlite] [--rounds N] [--racers N]';
const KNOWN_MS = 1000;

const DATABASES = {
  mariadb: () => openMariadb(['--innodb-snapshot-isolation=0']),
  'mariadb-snapshot': () => openMariadb(['--innodb-snapshot-isolation=1']),
  sqlite: () => openDatabase('sqlite'),
};

/** How long some of the tokens are good at some of the processes yet; `undefined` when it is too long. */
async function millisecondsAlive(origins, { client }, tokens) {
  const began = performance.now();
  for (;;) {
    const active = await Promise.all(origins.flatMap((origin) => tokens.map((token) => isActive(origin, client, token))));
    const lived = performance.now() - began;
    if (!active.includes(true)) return lived;
    if (lived > KNOWN_MS) return undefined;
    await sleep(20);
  }
}

async function run({ database: kind, rounds, racers }) {
  const database = await DATABASES[kind]();
  const one = await Mintgate.start(database.url);
  const other = await Mintgate.start(database.url, { ISSUER: one.origin });
  const origins = [one.origin, other.origin];
  const application = await Application.start(one.origin);

  const statuses = {};
  const times = [];
  const lives = [];
  let wrong = 0;
  let alive = 0;
  for (let round = 0; round < rounds; round++) {
    const code = await application.code(origins[round % 2]);
    const began = performance.now();
    const answers = await Promise.all(Array.from({ length: racers }, (_, racer) => application.redeem(origins[racer % 2], code)));
    times.push(performance.now() - began);
    for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
    const won = answers.filter(({ status }) => status === 200);
    if (won.length !== 1 || answers.some(({ status, body }) => status !== 200 && body.error !== 'invalid_grant')) wrong++;
    const lived = await millisecondsAlive(origins, application, won.flatMap(({ body }) => [body.access_token, body.refresh_token]));
    const refreshed = await Promise.all(won.map(({ body }) => refresh(origins[round % 2], application.client, body.refresh_token)));
    if (lived === undefined || refreshed.some(({ status }) => status !== 400)) alive++;
    else lives.push(lived);
  }
  for (const each of [one, other]) await each.end();
  await database.end();
  return { statuses, wrong, alive, roundMs: spread(times), aliveMs: spread(lives), passed: wrong === 0 && alive === 0 };
}

await command(USAGE, { numbers: { rounds: [500, 1, 100_000], racers: [20, 2, 200] }, choices: { database: ['mariadb', 'mariadb-snapshot', 'sqlite'] } }, run, ({ rounds }) => 60 + rounds * 3);
