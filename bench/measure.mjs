// One scenario, from its contestants to its result.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildIfMissing, checkTools, describeMachine, pinRunner } from './machine.mjs';
import { checkMariadb } from './mariadb.mjs';
import { mintgate } from './mintgate.mjs';
import { findNodes } from './nodes.mjs';
import { benchHome, installPackages } from './packages.mjs';
import { PEERS } from './peers/index.mjs';
import { endAll, endRunning, killAll } from './processes.mjs';
import { SCENARIOS } from './scenarios/index.mjs';
import { SCHEMA } from './schema.mjs';
import { isOnMariadb } from './server.mjs';

let stopping = false;

const contestantsOf = ({ peers }) => [mintgate, ...peers.map((name) => PEERS[name])];

/** What the options leave to the scenario. */
const settle = (options) => ({ ...SCENARIOS[options.scenario], ...options, database: options.database ?? SCENARIOS[options.scenario].database ?? 'sqlite' });

export const estimateSeconds = (options) => SCENARIOS[options.scenario].estimate(contestantsOf(options).length * Math.max(1, options.nodes.length), options);

/** @returns the result of one scenario: schema, at, scenario, title, machine, options, and results, one for each contestant and Node.js */
export async function measure(given) {
  const { title, run, ...options } = settle(given);
  const contestants = contestantsOf(options);
  const home = benchHome();
  const nodes = findNodes(options.nodes, home);
  const packages = contestants.some((contestant) => contestant.needsPackages) ? installPackages(home) : undefined;
  const mariadb = contestants.some((contestant) => isOnMariadb(contestant, options)) ? checkMariadb() : undefined;
  const machine = { ...describeMachine(), nodes: nodes.map(({ version }) => version), mariadb };
  const label = ({ name }, { version }) => (nodes.length > 1 ? `${name}, Node ${version}` : name);
  const entries = contestants.flatMap((contestant) => nodes.map((node) => ({ contestant, node, label: label(contestant, node) })));

  const folder = mkdtempSync(join(home, 'run-'));
  const clear = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', clear);
  const results = await run(entries, { ...options, folder, packages });
  process.off('exit', clear);
  clear();
  const { rounds, seconds, warmup, connections, tokens, serverCpu, loadCpu, database } = options;
  return { schema: SCHEMA, at: new Date().toISOString(), scenario: options.scenario, title, machine, options: { rounds, seconds, warmup, connections, tokens, serverCpu, loadCpu, database }, results };
}

/** @returns the result, or undefined after a line on what was in the way, so that other scenarios can still be measured */
export async function measureOrSayWhy(options) {
  try {
    return await measure(options);
  } catch (error) {
    if (stopping) throw error;
    console.error(`bench: ${options.scenario}: ${error.message}`);
    await endRunning();
    return undefined;
  }
}

export function prepare(options) {
  checkTools(options);
  buildIfMissing();
  pinRunner(options.loadCpu);
}

/** Runs what a program has to do, and exits with its answer, or with 2 when it could not be done. However it ends, no process of ours is left. */
export async function runToEnd(main) {
  process.on('exit', killAll);
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]]) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      void endAll().then(() => process.exit(code));
    });
  }
  let code = 2;
  try {
    code = await main();
  } catch (error) {
    // What was interrupted fails in its own way; the signal has been heard already.
    if (!stopping) console.error(`bench: ${error.message}`);
  }
  if (stopping) return;
  await endAll();
  process.exit(code);
}
