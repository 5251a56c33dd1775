import type { MetricDefinition } from '../common/metrics/metrics.js';

const UNITS: readonly [suffix: RegExp, unit: string][] = [
  [/_timestamp_seconds$|start_time_seconds$/, 'seconds since the epoch'],
  [/_seconds(_total)?$/, 'seconds'],
  [/_bytes$/, 'bytes'],
];

/** The text of `docs/reference/metrics.md`. */
export function metricsReference(definitions: readonly MetricDefinition[]): string {
  const sorted = [...definitions].sort((one, other) => (one.name < other.name ? -1 : 1));
  const rows = sorted.map(({ name, type, labels, help }) => `| \`${name}\` | ${type} | ${unitOf(name, type)} | ${Object.entries(labels).map(describe).join('; ')} | ${help} |`);
  return [
    '# Metrics',
    '',
    'What `GET /metrics` tells, in the text format of Prometheus. How to scrape it, and what to watch: [monitoring](../operations/monitoring.md).',
    '',
    'A label has the values that are listed, and `other` for any that is not, so that nothing a caller sends makes a new series. No label holds a client, a user, an address, a path as it was sent, or the text of an error.',
    'A metric with no label, or one label with listed values, is there from the start; of the others each series comes with its first count. Counters begin at 0 when the server starts. With `WORKERS` above 1 an answer speaks of all workers: counts are added up, and of a gauge it says what',
    'tells most (the longest delay, the worst readiness).',
    '',
    '| name | type | unit | labels | what it tells |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    'This page is generated from the code by `npm run docs:generate`.',
    '',
  ].join('\n');
}

const unitOf = (name: string, type: string): string => UNITS.find(([suffix]) => suffix.test(name))?.[1] ?? (type === 'counter' ? 'count' : '');

const describe = ([label, values]: [string, string | readonly string[]]): string => `\`${label}\`: ${typeof values === 'string' ? values : values.map((value) => `\`${value}\``).join(', ')}`;
