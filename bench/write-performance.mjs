#!/usr/bin/env node
// Writes performance.md and its chart into docs/reference from results of npm run bench -- --json FILE: node bench/write-performance.mjs FILE... [--folder FOLDER]
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chart } from './chart.mjs';
import { PROJECT } from './machine.mjs';
import { readResults } from './recorded.mjs';
import { notes } from './report.mjs';
import { SCENARIOS } from './scenarios/index.mjs';

const REFERENCE = join(PROJECT, 'docs', 'reference');
const CHART = 'performance.svg';

/** Columns that help to judge a run, not a server; the JSON line keeps them. */
const LEFT_OUT = ['busy', 'others', 'stolen', 'answers', 'rounds'];

const ratioTo = (peer) => ({ ratio }) => ratio?.[peer]?.median;
const times = (value) => value.toFixed(2);
const milliseconds = (value) => `${Math.round(value)} ms`;
const mebibytes = (value) => `${Math.round(value)} MiB`;

/** What we hold ourselves to: in which scenario, which figure of Mintgate, and how far it may go. */
const GOALS = [
  { scenario: 'cc', what: '× bare `node:http`', figure: ratioTo('bare-http'), least: 0.7, show: times },
  { scenario: 'cc', what: '× oidc-provider', figure: ratioTo('oidc-provider'), least: 2, show: times },
  { scenario: 'introspect', what: '× oidc-provider in memory', figure: ratioTo('oidc-provider'), least: 1.5, show: times },
  { scenario: 'refresh', what: '× oidc-provider on MariaDB', figure: ratioTo('oidc-provider-mariadb'), least: 2, show: times },
  {
    scenario: 'refresh',
    what: 'CPU time of the database × that of oidc-provider on MariaDB',
    figure: ({ databaseMicros }, results) => databaseMicros / results.find(({ name }) => name === 'oidc-provider-mariadb')?.databaseMicros,
    most: 1,
    show: times,
  },
  { scenario: 'password', what: '× the hash by itself', figure: ratioTo('bare-hash'), least: 0.85, show: times },
  { scenario: 'password', what: 'p99 of client_credentials in the meantime', figure: ({ meanwhile }) => meanwhile?.p99Ms, most: 50, show: milliseconds },
  { scenario: 'memory', what: 'idle', figure: ({ idleMiB }) => idleMiB, most: 130, show: mebibytes },
  { scenario: 'memory', what: 'growth after 1,000,000 tokens', figure: ({ growthMiB, tokens }) => (tokens >= 1_000_000 ? growthMiB : undefined), most: 20, show: mebibytes },
  { scenario: 'coldstart', what: 'to the first token', figure: ({ medianMs }) => medianMs, most: 1200, show: milliseconds },
  { scenario: 'workers', what: 'two workers on two CPUs × one on one', figure: ({ scale }) => scale?.median, least: 1.8, show: times },
];

const tableOf = (headings, rows) => [`| ${headings.join(' | ')} |`, `|${' --- |'.repeat(headings.length)}`, ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');

function goals(measured) {
  const rows = GOALS.flatMap(({ scenario, what, figure, least, most, show }) => measured.filter((result) => result.scenario === scenario).flatMap(({ results }) =>
    results.filter(({ name }) => name === 'mintgate').flatMap((result) => {
      const value = figure(result, results.filter(({ node }) => node === result.node));
      if (!Number.isFinite(value)) return [];
      const reached = least === undefined ? value <= most : value >= least;
      return [[`\`${scenario}\``, result.node, what, least === undefined ? `≤ ${show(most)}` : `≥ ${show(least)}`, show(value), reached ? 'yes' : '**no**']];
    })));
  return tableOf(['scenario', 'Node.js', 'figure', 'goal', 'measured', 'reached'], rows);
}

/** One line for each machine and revision that took part. */
function conditions(measured) {
  const lines = measured.map(({ at, machine: { cpu, cores, memoryMiB, kernel, nodes, mariadb, commit } }) =>
    [at.slice(0, 10), cpu, `${cores} CPUs`, `${memoryMiB} MiB`, `Linux ${kernel}`, `Node.js ${nodes.join(' and ')}`, ...(mariadb ? [mariadb] : []), ...(commit ? [`revision ${commit}`] : [])].join(', '));
  return [...new Set(lines)].map((line) => `- ${line}`).join('\n');
}

function section({ scenario, title, options: { rounds, seconds, warmup, tokens, database }, results }) {
  const columns = SCENARIOS[scenario].columns(results).filter(([heading]) => !LEFT_OUT.includes(heading));
  const doubts = notes(results).map((note) => `- ${note}`).join('\n');
  const settings = scenario === 'memory' ? `${tokens.toLocaleString('en')} tokens` : scenario === 'coldstart' ? `${rounds} starts` : `${rounds} rounds of ${seconds} s after ${warmup} s of warm-up`;
  return [
    `## ${scenario}`,
    `${title.replaceAll('|', '\\|')}. ${settings}; Mintgate on ${database === 'mariadb' ? 'MariaDB' : 'SQLite'}.`,
    tableOf(['', ...columns.map(([heading]) => heading)], results.map((result) => [result.label, ...columns.map(([, cell]) => String(cell(result)))])),
    ...(doubts ? [`To be doubted:\n\n${doubts}`] : []),
  ].join('\n\n');
}

/** The last result of each scenario on the same versions of Node.js, in the order of the scenarios. */
function latest(measured) {
  const byKey = new Map(measured.map((result) => [`${result.scenario} ${result.machine.nodes.join(' ')} ${result.options.database}`, result]));
  const order = Object.keys(SCENARIOS);
  return [...byKey.values()].sort((a, b) => order.indexOf(a.scenario) - order.indexOf(b.scenario));
}

function page(measured) {
  return `# Performance

What an answer of Mintgate costs, beside peers and yardsticks on the same machine, in turns, in the same run. The figure is good answers for each second of CPU time that the server used; ratios (\`x\`) are medians of the ratio in each round.
[How it is measured, who the peers are, how to read it, and what to distrust](../../bench/README.md). Measure your own with \`npm run bench\`.

${conditions(measured)}

![Bars for each scenario](${CHART})

${goals(measured)}

${measured.map(section).join('\n\n')}

This page is generated by \`node bench/write-performance.mjs\` from results of \`npm run bench -- --json FILE\`.
`;
}

const { values, positionals: files } = parseArgs({ allowPositionals: true, options: { folder: { type: 'string', default: REFERENCE } } });
if (files.length === 0) {
  console.error('usage: node bench/write-performance.mjs RESULTS.jsonl... [--folder FOLDER]');
  process.exit(2);
}
const measured = latest(files.flatMap((file) => readResults(file)));
writeFileSync(join(values.folder, 'performance.md'), page(measured));
writeFileSync(join(values.folder, CHART), chart(measured));
