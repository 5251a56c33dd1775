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

const usage = () => `npm run bench -- [scenario] [options]

scenarios:
${Object.entries(SCENARIOS).map(([name, { title }]) => `  ${name.padEnd(12)}${title}`).join('\n')}

options:
  --peers a,b       who is measured beside Mintgate, of those below (default: all of the scenario; none = Mintgate alone)
  --rounds N        measured rounds (default ${NUMBERS.rounds[0]}; memory always has one)
  --seconds N       of load in a round (default ${NUMBERS.seconds[0]})
  --warmup N        seconds of load before the first round (default ${NUMBERS.warmup[0]})
  --connections N   kept open by the load generator (default ${NUMBERS.connections[0]}); in refresh and password each is a user
  --tokens N        issued in the memory scenario (default ${NUMBERS.tokens[0]})
  --server-cpu N    where the servers run (default ${NUMBERS['server-cpu'][0]})
  --load-cpu N      where the load generator and databases run (default ${NUMBERS['load-cpu'][0]})
  --json FILE       appends the JSON line to FILE too

peers:
${Object.values(PEERS).map(({ name, scenarios }) => `  ${name.padEnd(18)}${scenarios.join(', ')}`).join('\n')}`;

function fail(message) {
  console.error(`bench: ${message}\n\n${usage()}`);
  process.exit(2);
}

export function readOptions(args) {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        peers: { type: 'string' },
        json: { type: 'string' },
        ...Object.fromEntries(Object.entries(NUMBERS).map(([name, [fallback]]) => [name, { type: 'string', default: String(fallback) }])),
      },
    });
  } catch (error) {
    fail(error.message);
  }
  const { values, positionals } = parsed;
  if (values.help) {
    console.log(usage());
    process.exit(0);
  }
  const scenario = positionals[0] ?? 'cc';
  if (positionals.length > 1 || !Object.hasOwn(SCENARIOS, scenario)) fail(`one scenario of ${Object.keys(SCENARIOS).join(', ')}, not "${positionals.join(' ')}"`);
  const able = peersOf(scenario);
  const peers = values.peers === undefined ? able : values.peers === 'none' ? [] : [...new Set(values.peers.split(',').map((name) => name.trim()).filter(Boolean))];
  for (const name of peers) if (!able.includes(name)) fail(`no peer "${name}" in ${scenario}; there are ${able.join(', ')}`);
  const number = (name) => {
    const [, least, most] = NUMBERS[name];
    const value = /^\d{1,7}$/.test(values[name]) ? Number(values[name]) : NaN;
    if (!(value >= least && value <= most)) fail(`--${name}: a whole number from ${least} to ${most}`);
    return value;
  };
  const options = {
    scenario,
    peers,
    rounds: number('rounds'),
    seconds: number('seconds'),
    warmup: number('warmup'),
    connections: number('connections'),
    tokens: number('tokens'),
    serverCpu: number('server-cpu'),
    loadCpu: number('load-cpu'),
    json: values.json,
  };
  if (options.serverCpu === options.loadCpu) fail('the server and the load generator need a CPU each');
  return options;
}
