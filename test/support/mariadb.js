const { spawn, execFileSync } = require('node:child_process');
const { existsSync, mkdirSync, mkdtempSync, rmSync } = require('node:fs');
const { createServer } = require('node:net');
const { userInfo } = require('node:os');
const { delimiter, join } = require('node:path');
const { databaseTlsOptions } = require('./database-tls.js');
const { temporaryFolder } = require('./temporary-folder.js');

const onPath = (program) => (process.env.PATH ?? '').split(delimiter).concat('/usr/sbin').map((folder) => join(folder, program)).find((file) => existsSync(file));

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** A private MariaDB in a temporary folder, on a free port of 127.0.0.1; `undefined` when there is none on this machine. */
async function startMariadb(options = []) {
  const mariadbd = onPath('mariadbd');
  const installer = onPath('mariadb-install-db');
  if (!mariadbd || !installer) return undefined;
  const folder = mkdtempSync(join(temporaryFolder(), 'mintgate-mariadb-'));
  const data = join(folder, 'data');
  const user = userInfo().username;
  // Of its own: a MariaDB that starts clears what it takes for left over in its folder of temporary tables, also another's.
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  execFileSync(installer, ['--no-defaults', `--user=${user}`, `--datadir=${data}`, '--skip-test-db', '--auth-root-authentication-method=normal'], { stdio: 'ignore', env: { ...process.env, TMPDIR: temporary } });
  const port = await freePort();
  const socket = join(folder, 's.sock');
  const run = () =>
    spawn(
      mariadbd,
      ['--no-defaults', `--user=${user}`, `--datadir=${data}`, `--tmpdir=${temporary}`, `--port=${port}`, '--bind-address=127.0.0.1', `--socket=${socket}`, `--pid-file=${join(folder, 'pid')}`,
        '--skip-log-bin', '--innodb-flush-log-at-trx-commit=0', '--innodb-buffer-pool-size=64M', '--innodb-log-file-size=16M', '--max-connections=400',
        ...databaseTlsOptions(), ...options],
      { stdio: 'ignore' },
    );
  const instance = { port, folder, child: run(), socket };
  const admin = onPath('mariadb-admin');
  instance.waitUntilUp = async () => {
    for (let tries = 0; ; tries++) {
      try {
        execFileSync(admin, ['--no-defaults', '-uroot', `--socket=${socket}`, 'ping'], { stdio: 'ignore' });
        return;
      } catch (error) {
        if (tries > 300) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  instance.start = async () => {
    instance.child = run();
    await instance.waitUntilUp();
  };
  /** Ends the server process; its data stay. */
  instance.kill = (signal = 'SIGKILL') =>
    new Promise((resolve) => {
      if (instance.child.exitCode !== null || instance.child.signalCode !== null) return resolve();
      instance.child.once('exit', () => resolve());
      instance.child.kill(signal);
    });
  instance.remove = async () => {
    await instance.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  await instance.waitUntilUp();
  execFileSync(onPath('mariadb'), ['--no-defaults', '-uroot', `--socket=${socket}`, '-e', "CREATE USER mintgate@'127.0.0.1' IDENTIFIED BY 'mintgate'; GRANT ALL ON *.* TO mintgate@'127.0.0.1'"]);
  return instance;
}

module.exports = { startMariadb, freePort, onPath };
