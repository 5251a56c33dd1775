// One burst of load by wrk, and what it cost the server.
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { basic } from './http.mjs';
import { cpuSeconds, end, isRunning, launch, machineCpuSeconds, ownCpuSeconds } from './processes.mjs';

const SCRIPT = fileURLToPath(new URL('./load.lua', import.meta.url));

/**
 * @param request endpoint, form, and expect: a Lua pattern that every answer must hold
 * @returns good (answers with status 200 that hold the pattern), errors, perCpuSecond, perSecond, p50Ms, p99Ms, and of the CPU-seconds per second: busy
 *   (the server), others (neither the server nor we), stolen (the hypervisor)
 */
export async function load(server, request, { seconds, connections, loadCpu }) {
  const before = { server: cpuSeconds(server.process), own: ownCpuSeconds(), machine: machineCpuSeconds(), at: performance.now() };
  const args = ['--threads', '1', '--connections', String(connections), '--duration', `${seconds}s`, '--timeout', '10s', '--script', SCRIPT];
  const wrk = launch('wrk', [...args, server.url(request.endpoint)], {
    cpu: loadCpu,
    env: { AUTHORIZATION: basic(server.credentials), FORM: request.form, EXPECT: request.expect },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [wrk.stdout, wrk.stderr]) stream.setEncoding('utf8').on('data', (chunk) => (output += chunk));
  const overdue = setTimeout(() => void end(wrk), (seconds + 30) * 1000);
  await once(wrk, 'close');
  clearTimeout(overdue);
  if (!isRunning(server.process)) throw server.failed('ended under load');

  const wall = (performance.now() - before.at) / 1000;
  const cpu = cpuSeconds(server.process) - before.server;
  const machine = machineCpuSeconds();
  const own = ownCpuSeconds() - before.own;
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
    others: Math.max(0, machine.busy - before.machine.busy - cpu - own) / wall,
    stolen: (machine.stolen - before.machine.stolen) / wall,
  };
}
