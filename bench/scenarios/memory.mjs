import { setTimeout as sleep } from 'node:timers/promises';
import { load } from '../load.mjs';
import { memoryMiB } from '../processes.mjs';
import { round } from '../report.mjs';
import { startServer } from '../server.mjs';
import { tokenRequest } from './throughput.mjs';

const SETTLE_MS = 5_000;
const LONGEST_BURST_SECONDS = 5;
/** Slower than this on average, and the tokens are left at what has been issued. */
const LEAST_PER_SECOND = 250;
const USUAL_PER_SECOND = 4_000;

/** One contestant after the other, each by itself. */
async function run(entries, options) {
  const results = [];
  for (const entry of entries) {
    const server = await startServer(entry, options);
    const requests = await tokenRequest(server, entry.contestant);
    await sleep(SETTLE_MS);
    const idle = memoryMiB(server.process).now;
    console.error(`${server.label}: idle ${Math.round(idle)} MiB`);
    const { tokens, errors } = await issue(server, requests, options);
    await sleep(SETTLE_MS);
    const { now, peak } = memoryMiB(server.process);
    await server.stop();
    const sizes = { idleMiB: round(idle, 1), afterMiB: round(now, 1), growthMiB: round(now - idle, 1), peakMiB: round(peak, 1) };
    results.push({ label: entry.label, name: entry.contestant.name, node: entry.node.version, ...sizes, tokens, complete: tokens >= options.tokens, errors });
  }
  return results;
}

/** In bursts, since wrk counts time and not requests; the last one is as long as what is missing should take. */
async function issue(server, requests, options) {
  const deadline = performance.now() + (options.tokens / LEAST_PER_SECOND) * 1000;
  const sum = { tokens: 0, errors: 0 };
  for (let perSecond = Infinity; sum.tokens < options.tokens && performance.now() < deadline; ) {
    const missing = Math.ceil((options.tokens - sum.tokens) / perSecond) || 1;
    const burst = await load(server, requests, { ...options, seconds: Math.min(missing, LONGEST_BURST_SECONDS) });
    sum.tokens += burst.good;
    sum.errors += burst.errors;
    perSecond = Math.max(1, burst.perSecond);
  }
  return sum;
}

export const memory = {
  title: 'resident memory, idle and after client_credentials tokens',
  format: 'ES256',
  run,
  columns: () => [
    ['idle MiB', (r) => r.idleMiB.toFixed(1)],
    ['after MiB', (r) => r.afterMiB.toFixed(1)],
    ['growth MiB', (r) => r.growthMiB.toFixed(1)],
    ['peak MiB', (r) => r.peakMiB.toFixed(1)],
    ['tokens', (r) => r.tokens],
    ['errors', (r) => r.errors],
  ],
  estimate: (contestants, { tokens }) => contestants * (2 * (SETTLE_MS / 1000) + 5 + tokens / USUAL_PER_SECOND),
};
