import { median } from '../report.mjs';
import { startServer } from '../server.mjs';

async function run(contestants, options) {
  const starts = new Map(contestants.map(({ name }) => [name, []]));
  for (let i = 1; i <= options.rounds; i++) {
    for (const contestant of contestants) {
      const server = await startServer(contestant, options);
      await server.stop();
      console.error(`round ${i}/${options.rounds}: ${server.name} ${Math.round(server.startMs)} ms`);
      starts.get(server.name).push({ ms: Math.round(server.startMs), cpuMs: Math.round(server.startCpuMs) });
    }
  }
  return [...starts].map(([name, rounds]) => {
    const all = rounds.map(({ ms }) => ms);
    return { name, medianMs: median(all), minMs: Math.min(...all), maxMs: Math.max(...all), cpuMs: median(rounds.map(({ cpuMs }) => cpuMs)), errors: 0, rounds: all };
  });
}

export const coldstart = {
  title: 'from the start of the process to its first token, in an empty folder (Mintgate: with all migrations)',
  run,
  columns: () => [
    ['ms', (r) => Math.round(r.medianMs)],
    ['min', (r) => r.minMs],
    ['max', (r) => r.maxMs],
    ['CPU ms', (r) => Math.round(r.cpuMs)],
    ['rounds', (r) => r.rounds.join(' ')],
  ],
};
