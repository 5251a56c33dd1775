#!/usr/bin/env node
// Are the ratios to the peers still those that were recorded? README.md tells what comes out.
import { appendFileSync } from 'node:fs';
import { estimateSeconds, measureOrSayWhy, prepare, runToEnd } from './measure.mjs';
import { readOptions } from './options.mjs';
import { compare, readRecorded, readResults, RECORDED, writeRecorded } from './recorded.mjs';

const { runs, values } = readOptions(process.argv.slice(2), {
  usage: 'npm run bench:check -- [scenarios] [options]        cc, introspect and refresh, unless others are named',
  scenarios: ['cc', 'introspect', 'refresh'],
  peers: ['bare-http', 'oidc-provider', 'oidc-provider-mariadb'],
  more: { from: { type: 'string' }, recorded: { type: 'string', default: RECORDED }, record: { type: 'boolean' } },
  help: `  --from FILE       measures nothing, and compares the results in FILE (of --json) instead
  --recorded FILE   what to compare with (default bench/recorded.json)
  --record          compares nothing, and writes the ratios down there`,
});

const percent = (part) => `${part >= 0 ? '+' : ''}${(part * 100).toFixed(1)} %`;

const WORDS = { up: 'UP', down: 'DOWN', same: 'not moved' };

function say({ key, verdict, was, is, change, noise, why }) {
  if (verdict === 'unknown') return `${key}: ${is}; unknown, ${why}`;
  return `${key}: ${is}, recorded ${was}: ${percent(change)}, noise ${(noise * 100).toFixed(1)} %: ${WORDS[verdict]}`;
}

async function measureAll() {
  prepare(runs[0]);
  console.error(`about ${Math.ceil(runs.reduce((sum, options) => sum + estimateSeconds(options), 0) / 60)} minutes`);
  const measured = [];
  for (const options of runs) {
    const result = await measureOrSayWhy(options);
    if (!result) continue;
    measured.push(result);
    if (values.json) appendFileSync(values.json, `${JSON.stringify(result)}\n`);
  }
  return measured;
}

await runToEnd(async () => {
  const recorded = values.record ? {} : readRecorded(values.recorded);
  const measured = values.from === undefined ? await measureAll() : readResults(values.from);
  if (values.record) {
    writeRecorded(measured, values.recorded);
    return values.from === undefined && measured.length < runs.length ? 2 : 0;
  }
  const verdicts = compare(measured, recorded);
  for (const verdict of verdicts) console.log(say(verdict));
  const cpus = new Set(measured.map(({ machine }) => machine.cpu));
  if (Object.values(recorded).some(({ cpu }) => !cpus.has(cpu))) console.log('note: recorded on another kind of CPU');
  if (verdicts.some(({ verdict }) => verdict === 'down')) return 1;
  const missing = values.from === undefined && measured.length < runs.length;
  return missing || verdicts.length === 0 || verdicts.some(({ verdict }) => verdict === 'unknown') ? 2 : 0;
});
