// A private MariaDB, of one contestant and for one run: what it uses is that contestant's doing alone.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { end, freePort, isRunning, launch } from './processes.mjs';

const START_DEADLINE_MS = 60_000;
const POLL_MS = 50;
const NAME = 'bench';

/** Servers are often where only root's PATH leads. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/usr/local/bin', '/usr/bin'];

const find = (program) => FOLDERS.map((folder) => join(folder, program)).find((file) => existsSync(file));

/** @returns what it calls itself ("MariaDB 10.11.19") */
export function checkMariadb() {
  const server = find('mariadbd');
  if (!server || !find('mariadb-install-db')) throw new Error('skipped: this needs MariaDB, which is not installed (Debian: apt-get install mariadb-server; it need not run)');
  const { stdout } = spawnSync(server, ['--version'], { encoding: 'utf8' });
  return `MariaDB ${/Ver ([\d.]+)/.exec(stdout)?.[1] ?? 'of unknown version'}`;
}

/**
 * Starts it on an empty folder. Every commit is on disk before it is answered; for the rest it is set up as it comes, with memory enough.
 * @returns what runs: process, host, port, name, username, password, stop(), failed(what)
 */
export async function startMariadb({ folder: parent, cpu }) {
  const folder = mkdtempSync(join(parent, 'mariadb-'));
  const data = join(folder, 'data');
  const logFile = join(folder, 'mariadb.log');
  const failed = (what) => new Error(`MariaDB ${what}\n${readFileSync(logFile, 'utf8').split('\n').slice(-20).join('\n')}`);
  const run = (program, args) => {
    const log = openSync(logFile, 'a');
    const child = launch(find(program), ['--no-defaults', `--user=${userInfo().username}`, `--datadir=${data}`, ...args], {
      cpu,
      cwd: folder,
      env: { PATH: FOLDERS.join(delimiter) },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    return child;
  };

  const [status] = await once(run('mariadb-install-db', ['--skip-test-db']), 'exit');
  if (status !== 0) throw failed('could not make its data folder');
  const password = randomBytes(24).toString('base64url');
  const init = join(folder, 'init.sql');
  const user = `'${NAME}'@'127.0.0.1'`;
  writeFileSync(init, `CREATE DATABASE ${NAME};\nCREATE USER ${user} IDENTIFIED BY '${password}';\nGRANT ALL ON ${NAME}.* TO ${user};\n`, { mode: 0o600 });
  const port = await freePort();
  const child = run('mariadbd', [
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    // In the data folder: a path may be longer than a socket's may.
    '--socket=mariadb.sock',
    '--pid-file=mariadb.pid',
    '--skip-name-resolve',
    `--init-file=${init}`,
    '--innodb-flush-log-at-trx-commit=1',
    '--innodb-buffer-pool-size=256M',
  ]);
  for (const began = performance.now(); !(await greets(port)); await sleep(POLL_MS)) {
    if (!isRunning(child)) throw failed('ended at its start');
    if (performance.now() - began > START_DEADLINE_MS) throw failed(`was not up in ${START_DEADLINE_MS / 1000} s`);
  }
  return { process: child, host: '127.0.0.1', port, name: NAME, username: NAME, password, stop: () => end(child), failed };
}

/** It speaks first, once it has carried out its init file. */
function greets(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000).once('data', () => settle(true)).once('error', () => settle(false)).once('close', () => settle(false)).once('timeout', () => settle(false));
  });
}
