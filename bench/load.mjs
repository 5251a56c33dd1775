// One burst of load by wrk, and what it cost the server and its database.
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { basic } from './http.mjs';
import { cpuSeconds, end, isRunning, launch, machineCpuSeconds, ownCpuSeconds } from './processes.mjs';

const SCRIPT = fileURLToPath(new URL('./load.lua', import.meta.url));

function usedSoFar(server) {
  const database = server.database && cpuSeconds(server.database.process);
  return { server: cpuSeconds(server.process), database, own: ownCpuSeconds(), machine: machineCpuSeconds(), at: performance.now() };
}

/**
 * @param request endpoint; forms: a single one for all connections, or one for each; expect: a Lua pattern that every answer must hold; chain: whether each
 *   answer's refresh token is what the connection sends next
 * @returns good (answers with status 200 that hold the pattern), errors, perCpuSecond, perSecond, p50Ms, p99Ms, of the CPU-seconds per second: busy (the
 *   server), others (neither the server and its database nor we), stolen (the hypervisor), and with a database databaseMicros of CPU time per answer
 */
export async function load(server, { endpoint, forms, expect, chain = false }, { seconds, connections, loadCpu }) {
  const before = usedSoFar(server);
  const args = ['--threads', String(forms.length), '--connections', String(connections), '--duration', `${seconds}s`, '--timeout', '10s', '--script', SCRIPT];
  const wrk = launch('wrk', [...args, server.url(endpoint)], {
    cpu: loadCpu,
    env: { AUTHORIZATION: basic(server.credentials), FORMS: forms.join('\n'), EXPECT: expect, ...(chain ? { CHAIN: '1' } : {}) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [wrk.stdout, wrk.stderr]) stream.setEncoding('utf8').on('data', (chunk) => (output += chunk));
  const overdue = setTimeout(() => void end(wrk), (seconds + 30) * 1000);
  await once(wrk, 'close');
  clearTimeout(overdue);
  if (!isRunning(server.process)) throw server.failed('ended under load');
  if (server.database && !isRunning(server.database.process)) throw server.database.failed('ended under load');

  const after = usedSoFar(server);
  const wall = (after.at - before.at) / 1000;
  const cpu = after.server - before.server;
  const database = server.database ? after.database - before.database : 0;
  const own = after.own - before.own;
  const summary = /^SUMMARY (.*)$/m.exec(output);
  if (!summary) throw new Error(`wrk failed: ${output}`);
  const { answers, bad, socketErrors, micros, p50, p99 } = JSON.parse(summary[1]);
  const good = answers - bad;
  return {
    good,
    errors: bad + socketErrors,
    perCpuSecond: good / cpu,
    perSecond: good / (micros / 1e6),
    p50Ms: p50 / 1000,
    p99Ms: p99 / 1000,
    busy: cpu / wall,
    others: Math.max(0, after.machine.busy - before.machine.busy - cpu - database - own) / wall,
    stolen: (after.machine.stolen - before.machine.stolen) / wall,
    ...(server.database ? { databaseMicros: (database / good) * 1e6 } : {}),
  };
}
