#!/usr/bin/env node
// Measures Mintgate beside its peers; README.md tells how to read what comes out.
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildIfMissing, checkTools, describeMachine, pinRunner } from './machine.mjs';
import { checkMariadb } from './mariadb.mjs';
import { mintgate } from './mintgate.mjs';
import { readOptions } from './options.mjs';
import { benchHome, installPackages } from './packages.mjs';
import { PEERS } from './peers/index.mjs';
import { endAll, killAll } from './processes.mjs';
import { notes, table } from './report.mjs';
import { SCENARIOS } from './scenarios/index.mjs';

let stopping = false;

async function main() {
  const options = readOptions(process.argv.slice(2));
  const scenario = SCENARIOS[options.scenario];
  checkTools(options);
  if (scenario.mariadb) checkMariadb();
  buildIfMissing();
  const peers = options.peers.map((name) => PEERS[name]);
  const home = benchHome();
  const packages = peers.some((peer) => peer.needsPackages) ? installPackages(home) : undefined;
  const machine = describeMachine();
  pinRunner(options.loadCpu);

  const folder = mkdtempSync(join(home, 'run-'));
  process.on('exit', () => {
    killAll();
    rmSync(folder, { recursive: true, force: true });
  });
  const results = await scenario.run([mintgate, ...peers], { ...options, folder, packages });

  console.log(`${options.scenario}: ${scenario.title}`);
  console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.memoryMiB} MiB, Linux ${machine.kernel}, Node ${machine.node}, load average at start ${machine.load}\n`);
  console.log(table(scenario.columns(results), results));
  for (const note of notes(results)) console.log(`note: ${note}`);
  const { json, scenario: name, ...settings } = options;
  const line = JSON.stringify({ at: new Date().toISOString(), scenario: name, machine, options: settings, results });
  if (json) appendFileSync(json, `${line}\n`);
  console.log(`\n${line}`);
  return results.some((result) => result.errors > 0) ? 1 : 0;
}

for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]]) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    void endAll().then(() => process.exit(code));
  });
}

try {
  const code = await main();
  if (!stopping) {
    await endAll();
    process.exit(code);
  }
} catch (error) {
  // What was interrupted fails in its own way; the signal has been heard already.
  if (!stopping) {
    console.error(`bench: ${error.message}`);
    await endAll();
    process.exit(2);
  }
}
