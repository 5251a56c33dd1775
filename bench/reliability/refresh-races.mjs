// Many refreshes with one token at the same time, over two server processes on one database.
//
//   node bench/reliability/refresh-races.mjs [--database mariadb|mariadb-snapshot|sqlite] [--rounds 500] [--racers 20]
//
// Every one of them is to be answered 200 with one and the same new token, which is then the one that is good and the one that the next round is about.
// `mariadb-snapshot` is MariaDB with innodb_snapshot_isolation=ON. Prints one line of JSON; exit status 0 when it was so in every round, 1 when not,
// 2 when that could not be found out. Needs dist/ (npm run build), and for MariaDB mariadbd on the PATH.
import { command, spread } from './command.mjs';
import { openDatabase, openMariadb } from './databases.mjs';
import { Session } from './ledger.mjs';
import { Mintgate, refresh, signIn } from './mintgate.mjs';

const USAGE = 'node bench/reliability/refresh-races.mjs [--database mariadb|mariadb-snapshot|sqlite] [--rounds N] [--racers N]';

const DATABASES = {
  mariadb: () => openMariadb(['--innodb-snapshot-isolation=0']),
  'mariadb-snapshot': () => openMariadb(['--innodb-snapshot-isolation=1']),
  sqlite: () => openDatabase('sqlite'),
};

async function run({ database: kind, rounds, racers }) {
  const database = await DATABASES[kind]();
  const one = await Mintgate.start(database.url);
  const other = await Mintgate.start(database.url, { ISSUER: one.origin });
  const { client, tokens } = await signIn(one.origin, 1);
  const session = new Session(client, tokens[0]);

  const statuses = {};
  const times = [];
  let split = 0;
  let lost = 0;
  let forked = 0;
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    const answers = await Promise.all(Array.from({ length: racers }, (_, racer) => refresh([one, other][racer % 2].origin, client, session.held)));
    times.push(performance.now() - began);
    for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
    const successors = [...new Set(answers.flatMap(({ body }) => body.refresh_token ?? []))];
    for (const token of successors) session.note(token);
    if (successors.length > 1) split++;
    session.held = successors[0] ?? session.held;
    for (const { origin } of [one, other]) {
      const state = await session.state(origin);
      if (state === 'lost') lost++;
      if (state === 'forked') forked++;
    }
  }
  const endedByReuse = await session.endsByReuse(other.origin);
  for (const each of [one, other]) await each.end();
  await database.end();
  const passed = split === 0 && lost === 0 && forked === 0 && Object.keys(statuses).join() === '200' && endedByReuse;
  return { statuses, split, lost, forked, endedByReuse, roundMs: spread(times), passed };
}

await command(USAGE, { numbers: { rounds: [500, 1, 100_000], racers: [20, 2, 200] }, choices: { database: ['mariadb', 'mariadb-snapshot', 'sqlite'] } }, run, ({ rounds }) => 60 + rounds * 2);
