import { parseArgs } from 'node:util';
import { PEERS, peersOf } from './peers/index.mjs';
import { SCENARIOS } from './scenarios/index.mjs';

// name: default, least, most. The upper bounds keep a slip of the finger from loading a machine for hours.
const NUMBERS = {
  rounds: [5, 1, 50],
  seconds: [6, 1, 120],
  warmup: [12, 0, 300],
  connections: [16, 1, 512],
  tokens: [200_000, 1_000, 5_000_000],
  'server-cpu': [0, 0, 1023],
  'load-cpu': [1, 0, 1023],
};

const DATABASES = ['sqlite', 'mariadb'];

const MEASURING = `  --peers a,b       who is measured beside Mintgate, of those below (default: all of the scenario; none = Mintgate alone)
  --node NODE       what runs the servers: the path of a binary, the major version of the one that runs this, or 24, which is
                    fetched (default: the one that runs this). Given more than once, each contestant runs on each of them
  --database NAME   of Mintgate: sqlite or mariadb (default: as the scenario needs it)
  --rounds N        measured rounds (default ${NUMBERS.rounds[0]}; memory always has one)
  --seconds N       of load in a round (default ${NUMBERS.seconds[0]})
  --warmup N        seconds of load before the first round (default ${NUMBERS.warmup[0]})
  --connections N   kept open by the load generator (default ${NUMBERS.connections[0]}); where users sign in or refresh, each is a user
  --tokens N        issued in the memory scenario (default ${NUMBERS.tokens[0]})
  --server-cpu N    where the servers run (default ${NUMBERS['server-cpu'][0]})
  --load-cpu N      where the load generator and databases run (default ${NUMBERS['load-cpu'][0]})
  --json FILE       appends the JSON lines to FILE too`;

const LISTS = `scenarios:
${Object.entries(SCENARIOS).map(([name, { title }]) => `  ${name.padEnd(14)}${title}`).join('\n')}

peers:
${Object.values(PEERS).map(({ name, scenarios }) => `  ${name.padEnd(23)}${scenarios.join(', ')}`).join('\n')}`;

/**
 * Reads a command line of a program that measures; ends the process when it makes no sense, or asks for help.
 * @param program usage: its first line; scenarios, peers: those that it measures by default; more: options of its own, as parseArgs wants them; help: lines on them
 * @returns runs, the options of each scenario (scenario, peers, nodes, database, and the numbers), and values, those of the program's own options
 */
export function readOptions(args, { usage, scenarios: byDefault = Object.keys(SCENARIOS), peers: preferred, more = {}, help = '' }) {
  const text = `${usage}\n\noptions:\n${MEASURING}\n${help}\n\n${LISTS}`;
  const fail = (message) => {
    console.error(`bench: ${message}\n\n${text}`);
    process.exit(2);
  };
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        peers: { type: 'string' },
        node: { type: 'string', multiple: true, default: [] },
        database: { type: 'string' },
        json: { type: 'string' },
        ...more,
        ...Object.fromEntries(Object.entries(NUMBERS).map(([name, [fallback]]) => [name, { type: 'string', default: String(fallback) }])),
      },
    });
  } catch (error) {
    fail(error.message);
  }
  const { values, positionals } = parsed;
  if (values.help) {
    console.log(text);
    process.exit(0);
  }
  for (const name of positionals) if (!Object.hasOwn(SCENARIOS, name)) fail(`no scenario "${name}"; there are ${Object.keys(SCENARIOS).join(', ')}`);
  const scenarios = positionals.length > 0 ? [...new Set(positionals)] : byDefault;
  if (values.database !== undefined && !DATABASES.includes(values.database)) fail(`--database: ${DATABASES.join(' or ')}`);
  if (values.database === 'sqlite' && scenarios.includes('workers')) fail('--database: workers needs mariadb, since SQLite is for one process');
  const number = (name) => {
    const [, least, most] = NUMBERS[name];
    const value = /^\d{1,7}$/.test(values[name]) ? Number(values[name]) : NaN;
    if (!(value >= least && value <= most)) fail(`--${name}: a whole number from ${least} to ${most}`);
    return value;
  };
  const common = {
    nodes: [...new Set(values.node)],
    database: values.database,
    rounds: number('rounds'),
    seconds: number('seconds'),
    warmup: number('warmup'),
    connections: number('connections'),
    tokens: number('tokens'),
    serverCpu: number('server-cpu'),
    loadCpu: number('load-cpu'),
  };
  if (common.serverCpu === common.loadCpu) fail('the server and the load generator need a CPU each');
  const named = values.peers?.split(',').map((name) => name.trim()).filter((name) => name && name !== 'none');
  for (const name of named ?? []) {
    if (!Object.hasOwn(PEERS, name)) fail(`no peer "${name}"; there are ${Object.keys(PEERS).join(', ')}`);
    if (scenarios.length === 1 && !peersOf(scenarios[0]).includes(name)) fail(`no peer "${name}" in ${scenarios[0]}; there are ${peersOf(scenarios[0]).join(', ')}`);
  }
  const wanted = named ?? preferred;
  const peers = (scenario) => (wanted ? peersOf(scenario).filter((name) => wanted.includes(name)) : peersOf(scenario));
  return { runs: scenarios.map((scenario) => ({ ...common, scenario, peers: peers(scenario) })), values };
}
