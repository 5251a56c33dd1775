// Starting, counting and ending processes. Each child leads a process group of its own: what belongs to a server, and what may be ended, is
// that group and nothing else.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Linux counts CPU time for user space in hundredths of a second (USER_HZ). */
const TICKS_PER_SECOND = 100;
const GRACE_MS = 5_000;

const running = new Set();
let closed = false;

/** Runs on one CPU, with only the environment that is given. Should we be killed outright, the kernel tells the child to end. */
export function launch(command, args, { cpu, cwd, env, stdio }) {
  if (closed) throw new Error('stopping');
  const child = spawn('taskset', ['--cpu-list', String(cpu), 'setpriv', '--pdeathsig', 'TERM', command, ...args], {
    cwd,
    stdio,
    detached: true,
    env: { PATH: process.env.PATH, ...env },
  });
  running.add(child);
  const forget = () => running.delete(child);
  child.once('exit', forget).once('error', forget);
  return child;
}

export const isRunning = (child) => running.has(child);

function signal(child, name) {
  try {
    process.kill(-child.pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

export async function end(child) {
  if (!running.has(child)) return;
  const exit = once(child, 'exit');
  signal(child, 'SIGTERM');
  const timer = setTimeout(() => signal(child, 'SIGKILL'), GRACE_MS);
  await exit;
  clearTimeout(timer);
}

/** Ends every child. */
export const endRunning = () => Promise.all([...running].map(end));

/** Ends every child; none can be started any more. */
export async function endAll() {
  closed = true;
  await endRunning();
}

/** The last resort, when there is no time left to wait. */
export function killAll() {
  closed = true;
  for (const child of running) signal(child, 'SIGKILL');
}

/** /proc/<pid>/stat from its third field on; the second, a name in brackets, may hold anything. */
function stat(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function group(leader) {
  const members = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = stat(name);
      if (Number(fields[2]) === leader.pid) members.push({ pid: Number(name), fields });
    } catch {
      // It ended while we looked.
    }
  }
  return members;
}

/** utime, stime, and those of children that have ended and been waited for. */
const ticks = (fields) => Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14]);

/** User and system time of a child and all its descendants, all threads, in seconds. */
export const cpuSeconds = (child) => group(child).reduce((sum, { fields }) => sum + ticks(fields), 0) / TICKS_PER_SECOND;

/** Our own, with that of load generators that have ended. */
export const ownCpuSeconds = () => ticks(stat('self')) / TICKS_PER_SECOND;

/** Resident memory of a child and its descendants, now and at its highest, in MiB. */
export function memoryMiB(child) {
  const sum = { now: 0, peak: 0 };
  for (const { pid } of group(child)) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const read = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024;
    sum.now += read('VmRSS');
    sum.peak += read('VmHWM');
  }
  return sum;
}

/** Seconds in which CPUs of the machine were busy, whoever used them, and in which the hypervisor had them. */
export function machineCpuSeconds() {
  const [user, nice, system, , , irq, softirq, steal] = /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))[1].split(' ').map(Number);
  return { busy: (user + nice + system + irq + softirq) / TICKS_PER_SECOND, stolen: steal / TICKS_PER_SECOND };
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
