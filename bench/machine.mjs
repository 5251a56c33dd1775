// What the harness needs of the machine, and what it says of it.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT = fileURLToPath(new URL('..', import.meta.url));
export const MAIN = join(PROJECT, 'dist', 'src', 'main.js');

const succeeds = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

export function checkTools({ serverCpu, loadCpu }) {
  if (process.platform !== 'linux') throw new Error('this reads /proc and pins processes to CPUs: Linux only');
  if (Number(process.versions.node.split('.')[0]) < 20) throw new Error('Node 20 or later is needed');
  if (spawnSync('wrk', ['--version'], { stdio: 'ignore' }).error) throw new Error('wrk is missing (Debian: apt-get install wrk)');
  if (!succeeds('setpriv', ['--pdeathsig', 'TERM', 'true'])) throw new Error('setpriv is missing (Debian: apt-get install util-linux)');
  for (const cpu of [serverCpu, loadCpu]) {
    if (succeeds('taskset', ['--cpu-list', String(cpu), 'true'])) continue;
    throw new Error(`taskset cannot pin to CPU ${cpu}: choose with --server-cpu and --load-cpu (two CPUs are needed)`);
  }
}

export function buildIfMissing() {
  if (!existsSync(MAIN)) {
    console.error('dist is missing: building');
    if (spawnSync('npm', ['run', 'build', '--silent'], { cwd: PROJECT, stdio: ['ignore', 2, 2] }).status !== 0) throw new Error('the build failed');
  }
  const built = statSync(MAIN).mtimeMs;
  const source = join(PROJECT, 'src');
  const newer = readdirSync(source, { recursive: true }).some((file) => file.endsWith('.ts') && statSync(join(source, file)).mtimeMs > built);
  if (newer) console.error('warning: src is newer than dist; npm run build, or it is the old server that you measure');
}

/** Our own threads, so that nothing of ours runs where the servers do. */
export function pinRunner(cpu) {
  if (!succeeds('taskset', ['--all-tasks', '--cpu-list', '--pid', String(cpu), String(process.pid)])) throw new Error(`taskset cannot pin to CPU ${cpu}`);
}

/** The revision that is measured, "-dirty" with changes that are in none; undefined outside a checkout. */
function revision() {
  const { status, stdout } = spawnSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], { cwd: PROJECT, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

export function describeMachine() {
  return {
    cpu: cpus()[0]?.model.trim() || process.arch,
    cores: cpus().length,
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    node: process.version,
    commit: revision(),
    load: loadavg()[0].toFixed(2),
  };
}
