#!/usr/bin/env node
// Measures Mintgate beside its peers; README.md tells how to read what comes out.
import { appendFileSync, writeFileSync } from 'node:fs';
import { chart } from './chart.mjs';
import { estimateSeconds, measureOrSayWhy, prepare, runToEnd } from './measure.mjs';
import { readOptions } from './options.mjs';
import { writeRecorded } from './recorded.mjs';
import { describe } from './report.mjs';
import { SCENARIOS } from './scenarios/index.mjs';

const { runs, values } = readOptions(process.argv.slice(2), {
  usage: 'npm run bench -- [scenarios] [options]        all scenarios, unless some are named',
  more: { chart: { type: 'string' }, record: { type: 'boolean' } },
  help: `  --chart FILE      writes a chart of what a CPU-second gives, as SVG
  --record          writes down the ratios in recorded.json, for npm run bench:check`,
});

await runToEnd(async () => {
  prepare(runs[0]);
  console.error(`${runs.map(({ scenario }) => scenario).join(', ')}: about ${Math.ceil(runs.reduce((sum, options) => sum + estimateSeconds(options), 0) / 60)} minutes`);
  const measured = [];
  for (const options of runs) {
    const result = await measureOrSayWhy(options);
    if (!result) continue;
    measured.push(result);
    const line = JSON.stringify(result);
    console.log(`${describe(result, SCENARIOS[result.scenario].columns(result.results))}\n\n${line}\n`);
    if (values.json) appendFileSync(values.json, `${line}\n`);
  }
  if (values.chart && measured.length > 0) writeFileSync(values.chart, chart(measured));
  if (values.record) writeRecorded(measured);
  if (measured.length < runs.length) return 2;
  return measured.some(({ results }) => results.some(({ errors }) => errors > 0)) ? 1 : 0;
});
