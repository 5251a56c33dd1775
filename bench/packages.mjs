// The peers' npm packages live outside the project, so that none of them is ever a dependency of Mintgate.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, lstatSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROJECT } from './machine.mjs';

const PEERS = fileURLToPath(new URL('./peers/', import.meta.url));

const isInProject = (path) => `${path}${sep}`.startsWith(realpathSync(PROJECT) + sep);

/** BENCH_HOME, or a folder of this user's below the temporary directory. */
export function benchHome() {
  const chosen = process.env.BENCH_HOME;
  const home = resolve(chosen || join(tmpdir(), `mintgate-bench-${process.getuid()}`));
  if (isInProject(home)) throw new Error('BENCH_HOME: must lie outside the project');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  if (isInProject(realpathSync(home))) throw new Error('BENCH_HOME: must lie outside the project');
  // A temporary directory is everybody's: code that someone else put there is not run.
  const { uid } = lstatSync(home);
  if (!chosen && uid !== process.getuid()) throw new Error(`${home} belongs to another user: set BENCH_HOME`);
  return home;
}

/** Installs what peers/package-lock.json pins, unless it is there already. Answers the folder. */
export function installPackages(home) {
  const folder = join(home, 'packages');
  const wanted = readFileSync(join(PEERS, 'package-lock.json'), 'utf8');
  const mark = join(folder, 'installed.json');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return folder;
  console.error(`installing the peers' packages into ${folder}`);
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(PEERS, file), join(folder, file));
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, stdio: ['ignore', 2, 2], timeout: 300_000 });
  if (npm.status !== 0) throw new Error(`npm ci failed in ${folder}; --peers bare-http needs no packages`);
  copyFileSync(join(PEERS, 'package-lock.json'), mark);
  return folder;
}
