import { median, ratioOf, round } from '../report.mjs';
import { estimate, run } from './rounds.mjs';
import { tokenRequest } from './throughput.mjs';

/**
 * The generator shares the CPUs of the servers, one with one worker and both with two, and has a thread and as many connections for each: an answer costs it the
 * same in both cases, so that what it takes leaves their relation as it is.
 */
function settings(workers, { serverCpu, loadCpu, connections }) {
  const cpu = workers === 1 ? String(serverCpu) : `${serverCpu},${loadCpu}`;
  return { serverCpu: cpu, loadCpu: cpu, connections: connections * workers };
}

async function runBoth(entries, options) {
  const both = entries.flatMap((entry) => [1, 2].map((workers) => ({ ...entry, workers, label: `${entry.label}, ${workers} ${workers === 1 ? 'worker' : 'workers'}`, cpus: settings(workers, options) })));
  const results = await run(both, options, tokenRequest);
  return results.map((result) => {
    const one = results.find(({ name, node, workers }) => name === result.name && node === result.node && workers === 1);
    return result === one ? result : { ...result, scale: ratioOf(result.perSecondRounds, one.perSecondRounds), efficiency: round(median(result.rounds) / median(one.rounds), 3) };
  });
}

export const workers = {
  title: 'client_credentials (a JWT, ES256) with one worker on one CPU and with two on two, the load generator on the same CPUs',
  format: 'ES256',
  // SQLite is for one process.
  database: 'mariadb',
  run: runBoth,
  columns: () => [
    ['answers/s', (r) => r.perSecond],
    ['min', (r) => Math.min(...r.perSecondRounds)],
    ['max', (r) => Math.max(...r.perSecondRounds)],
    ['x 1 worker', (r) => r.scale?.median.toFixed(2) ?? '1'],
    ['min', (r) => r.scale?.min.toFixed(2) ?? '1'],
    ['max', (r) => r.scale?.max.toFixed(2) ?? '1'],
    ['answers/CPU-s', (r) => r.perCpuSecond],
    ['x 1 worker', (r) => r.efficiency?.toFixed(2) ?? '1'],
    ['p50 ms', (r) => r.p50Ms.toFixed(2)],
    ['p99 ms', (r) => r.p99Ms.toFixed(2)],
    ['busy', (r) => r.busy.toFixed(2)],
    ['generator', (r) => r.generator.toFixed(2)],
    ['others', (r) => r.others.toFixed(2)],
    ['errors', (r) => r.errors],
  ],
  estimate: (contestants, options) => estimate(2 * contestants, options),
};
