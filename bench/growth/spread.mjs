// One burst of load by wrk, of which each request may be another client's.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cpuSeconds, end, isRunning, launch } from '../processes.mjs';

const SCRIPT = fileURLToPath(new URL('./spread.lua', import.meta.url));
const TICKS_PER_SECOND = 100;

/** CPU time of a process that somebody else started, in seconds. */
function secondsOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/**
 * @param request path; lines: a file for spread.lua; skip: how many of them; expect: a Lua pattern; chain: whether tokens are rotated, and the file holds those of the next burst afterwards
 * @returns good, errors, perCpuSecond (of the server), perSecond, p50Ms, p99Ms, maxMs, and with mariadbPid databaseMicros of CPU time for each good answer
 */
export async function load(server, { path, lines, skip = 0, expect, chain = false }, { seconds, connections, loadCpu, mariadbPid }) {
  const before = { server: cpuSeconds(server.process), database: mariadbPid ? secondsOf(mariadbPid) : 0 };
  const wrk = launch('wrk', ['--threads', '1', '--connections', String(connections), '--duration', `${seconds}s`, '--timeout', '10s', '--script', SCRIPT, server.origin + path], {
    cpu: loadCpu,
    env: { LINES: lines, SKIP: String(skip), EXPECT: expect, ...(chain ? { REMAINDER: lines } : {}) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [wrk.stdout, wrk.stderr]) stream.setEncoding('utf8').on('data', (chunk) => (output += chunk));
  const overdue = setTimeout(() => void end(wrk), (seconds + 60) * 1000);
  await once(wrk, 'close');
  clearTimeout(overdue);
  if (!isRunning(server.process)) throw new Error(`the server on the ${server.name} database ended under load`);
  const summary = /^SUMMARY (.*)$/m.exec(output);
  if (!summary) throw new Error(`wrk failed: ${output}`);
  const { answers, bad, socketErrors, micros, p50, p99, max } = JSON.parse(summary[1]);
  const good = answers - bad;
  return {
    good,
    errors: bad + socketErrors,
    perCpuSecond: good / (cpuSeconds(server.process) - before.server),
    perSecond: good / (micros / 1e6),
    p50Ms: p50 / 1000,
    p99Ms: p99 / 1000,
    maxMs: max / 1000,
    ...(mariadbPid ? { databaseMicros: ((secondsOf(mariadbPid) - before.database) / good) * 1e6 } : {}),
  };
}
