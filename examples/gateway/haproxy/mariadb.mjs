// A MariaDB for the example alone, in its folder: SQLite is for one process, and two instances share a database.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort, programPath, until } from '../common/stage.mjs';

/** Answers a `DATABASE_URL`. */
export async function startMariadb(stage) {
  const [server, install, client] = ['mariadbd', 'mariadb-install-db', 'mariadb'].map((program) => programPath(program, 'mariadb-server'));
  const [data, temporary, socket] = ['mariadb', 'mariadb-tmp', 'mariadb.sock'].map((name) => join(stage.folder, name));
  const options = ['--no-defaults', `--user=${userInfo().username}`, `--datadir=${data}`];
  mkdirSync(temporary, { recursive: true });
  execFileSync(install, [...options, '--skip-test-db', '--auth-root-authentication-method=normal'], { stdio: 'ignore', env: { ...process.env, TMPDIR: temporary } });
  const port = await freePort();
  stage.run('mariadb', server, [...options, `--tmpdir=${temporary}`, `--port=${port}`, '--bind-address=127.0.0.1', `--socket=${socket}`, `--pid-file=${join(stage.folder, 'mariadb.pid')}`]);
  await until(() => existsSync(socket) || Promise.reject(new Error('MariaDB does not start')));
  const password = stage.adminClient.clientSecret;
  const sql = `CREATE DATABASE mintgate CHARACTER SET utf8mb4 COLLATE utf8mb4_bin; CREATE USER mintgate@'127.0.0.1' IDENTIFIED BY '${password}'; GRANT ALL ON mintgate.* TO mintgate@'127.0.0.1'`;
  execFileSync(client, ['--no-defaults', '-uroot', `--socket=${socket}`], { input: sql, stdio: ['pipe', 'ignore', 'inherit'] });
  return `mariadb://mintgate:${password}@127.0.0.1:${port}/mintgate`;
}
