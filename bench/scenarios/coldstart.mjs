import { median } from '../report.mjs';
import { startServer } from '../server.mjs';

const USUAL_SECONDS = 1.5;

async function run(entries, options) {
  const starts = entries.map(() => []);
  for (let i = 1; i <= options.rounds; i++) {
    for (const [at, entry] of entries.entries()) {
      const server = await startServer(entry, options);
      await server.stop();
      console.error(`round ${i}/${options.rounds}: ${server.label} ${Math.round(server.startMs)} ms`);
      starts[at].push({ ms: Math.round(server.startMs), cpuMs: Math.round(server.startCpuMs) });
    }
  }
  return entries.map(({ contestant, node, label }, at) => {
    const all = starts[at].map(({ ms }) => ms);
    const cpuMs = median(starts[at].map((start) => start.cpuMs));
    return { label, name: contestant.name, node: node.version, medianMs: median(all), minMs: Math.min(...all), maxMs: Math.max(...all), cpuMs, errors: 0, rounds: all };
  });
}

export const coldstart = {
  title: 'from the start of the process to its first token, in an empty folder (Mintgate: with all migrations)',
  format: 'ES256',
  run,
  columns: () => [
    ['ms', (r) => Math.round(r.medianMs)],
    ['min', (r) => r.minMs],
    ['max', (r) => r.maxMs],
    ['CPU ms', (r) => Math.round(r.cpuMs)],
    ['rounds', (r) => r.rounds.join(' ')],
  ],
  estimate: (contestants, { rounds }) => contestants * rounds * USUAL_SECONDS,
};
