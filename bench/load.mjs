// Bursts of load by wrk, and what they cost the server and its database.
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { basic } from './http.mjs';
import { cpuSeconds, end, isRunning, launch, machineCpuSeconds, ownCpuSeconds } from './processes.mjs';

const SCRIPT = fileURLToPath(new URL('./load.lua', import.meta.url));

function usedSoFar(server) {
  const database = server.database && cpuSeconds(server.database.process);
  return { server: cpuSeconds(server.process), database, own: ownCpuSeconds(), machine: machineCpuSeconds(), at: performance.now() };
}

/** A line of load.lua. */
function line(server, { endpoint, query = '', method = 'POST', authorization = basic(server.credentials), forms = [], status = 200, expect, chain = false, weight = 1 }) {
  return [weight, method, new URL(server.url(endpoint)).pathname + query, authorization, status, expect, chain ? 'chain' : '', forms.join(' ')].join('\t');
}

/** @returns good, errors, perSecond and times to answer in milliseconds */
async function wrk(server, requests, { seconds, connections, threads, loadCpu, pauseMs }) {
  const args = ['--threads', String(threads), '--connections', String(connections), '--duration', `${seconds}s`, '--timeout', '10s', '--script', SCRIPT];
  const child = launch('wrk', [...args, server.origin], {
    cpu: loadCpu,
    env: { REQUESTS: requests.map((request) => line(server, request)).join('\n'), ...(pauseMs === undefined ? {} : { PAUSE_MS: String(pauseMs) }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => (output += chunk));
  const overdue = setTimeout(() => void end(child), (seconds + 30) * 1000);
  await once(child, 'close');
  clearTimeout(overdue);
  if (!isRunning(server.process)) throw server.failed('ended under load');
  if (server.database && !isRunning(server.database.process)) throw server.database.failed('ended under load');
  const summary = /^SUMMARY (.*)$/m.exec(output);
  if (!summary) throw new Error(`wrk failed: ${output}`);
  const { answers, bad, socketErrors, micros, p50, p99, p999 } = JSON.parse(summary[1]);
  const good = answers - bad;
  return { good, errors: bad + socketErrors, perSecond: good / (micros / 1e6), p50Ms: p50 / 1000, p99Ms: p99 / 1000, p999Ms: p999 / 1000 };
}

/** A kind of request whose next one depends on the last answer, or is one of several kinds, needs a thread for each connection; so do forms of their own. */
const threadsFor = (requests, connections) => (requests.length > 1 || requests[0].chain || requests[0].forms?.length > 1 ? connections : 1);

/**
 * @param requests kinds of request, each with endpoint; query; method (POST); authorization (the client's); forms: a single one for all connections, or one for each;
 *   status (200); expect: a Lua pattern that every answer must hold; chain: whether each answer's refresh token is what the connection sends next; weight (1)
 * @param options loadCpu may name several CPUs ("0,1"): the generator has a thread for each of them then
 * @returns good (answers as they must be), errors, perCpuSecond, perSecond, p50Ms, p99Ms, p999Ms, of the CPU-seconds per second: busy (the server), generator (with
 *   the harness), others (whoever else), stolen (the hypervisor), and with a database databaseMicros of CPU time per answer
 */
export async function load(server, requests, { seconds, connections, loadCpu }) {
  const before = usedSoFar(server);
  const threads = Math.max(threadsFor(requests, connections), String(loadCpu).split(',').length);
  const summary = await wrk(server, requests, { seconds, connections, threads, loadCpu });
  const after = usedSoFar(server);
  const wall = (after.at - before.at) / 1000;
  const cpu = after.server - before.server;
  const database = server.database ? after.database - before.database : 0;
  const own = after.own - before.own;
  return {
    ...summary,
    perCpuSecond: summary.good / cpu,
    busy: cpu / wall,
    generator: own / wall,
    others: Math.max(0, after.machine.busy - before.machine.busy - cpu - database - own) / wall,
    stolen: (after.machine.stolen - before.machine.stolen) / wall,
    ...(server.database ? { databaseMicros: (database / summary.good) * 1e6 } : {}),
  };
}

/** Times to answer of a few connections that pause between two requests, while others keep the server busy. */
export async function meanwhile(server, busyWith, request, { seconds, connections, loadCpu }) {
  const CONNECTIONS = 4;
  const PAUSE_MS = 20;
  const [background, seen] = await Promise.all([
    wrk(server, busyWith, { seconds, connections, threads: threadsFor(busyWith, connections), loadCpu }),
    wrk(server, [request], { seconds, connections: CONNECTIONS, threads: 1, loadCpu, pauseMs: PAUSE_MS }),
  ]);
  return { ...seen, errors: seen.errors + background.errors };
}
