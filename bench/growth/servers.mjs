// A server on a database that is there already, and what happens in that database beside it.
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Sqlite from 'libsql';
import mysql from 'mysql2/promise';
import { MAIN } from '../machine.mjs';
import { end, freePort, isRunning, launch, memoryMiB } from '../processes.mjs';

const START_DEADLINE_MS = 120_000;
const POLL_MS = 10;
const FAR_MS = 86_400_000;

/** Counted and announced as ever, and never reached. */
const BEYOND_LOAD = Object.fromEntries(['TOKEN', 'INTROSPECTION', 'ADMIN', 'ACCOUNT_LOGINS', 'ADDRESS_LOGINS'].map((limit) => [`RATE_LIMIT_${limit}_PER_MINUTE`, '100000000']));

/** @returns name, origin, process, startMs (to readiness), idleMiB, stop() */
export async function startServer({ name, folder, cpu, env }) {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const logFile = join(folder, `${name}.log`);
  const log = openSync(logFile, 'w');
  const began = performance.now();
  const child = launch(process.execPath, [MAIN], {
    cpu,
    cwd: folder,
    env: { HOST: '127.0.0.1', PORT: String(port), SHUTDOWN_DRAIN_SECONDS: '0', ...BEYOND_LOAD, ...env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const ready = () => fetch(`${origin}/health/ready`).then((answer) => answer.arrayBuffer().then(() => answer.status === 200), () => false);
  while (!(await ready())) {
    if (!isRunning(child) || performance.now() - began > START_DEADLINE_MS) throw new Error(`the server on the ${name} database did not become ready\n${readFileSync(logFile, 'utf8').split('\n').slice(-10).join('\n')}`);
    await sleep(POLL_MS);
  }
  return { name, origin, process: child, startMs: performance.now() - began, idleMiB: memoryMiB(child).now, stop: () => end(child) };
}

/** Runs one statement. */
async function execute(databaseUrl, sql) {
  if (databaseUrl.startsWith('sqlite:')) {
    const database = new Sqlite(databaseUrl.slice('sqlite:'.length), { timeout: 5000 });
    try {
      const statement = database.prepare(sql);
      return statement.reader ? statement.all() : statement.run();
    } finally {
      database.close();
    }
  }
  const connection = await mysql.createConnection(databaseUrl.replace(/^mariadb:/, 'mysql:'));
  try {
    return (await connection.query(sql))[0];
  } finally {
    await connection.end();
  }
}

/** The lease of the clean-up: who holds it keeps every server from cleaning up. */
export class CleanupLease {
  constructor(databaseUrl) {
    this.databaseUrl = databaseUrl;
  }

  async hold() {
    const ignore = this.databaseUrl.startsWith('sqlite:') ? 'OR IGNORE' : 'IGNORE';
    await execute(this.databaseUrl, `INSERT ${ignore} INTO leases (name, owner, expires_at) VALUES ('cleanup', '', 0)`);
    await execute(this.databaseUrl, `UPDATE leases SET owner = 'growth', expires_at = ${Date.now() + FAR_MS} WHERE name = 'cleanup'`);
  }

  async giveBack() {
    await execute(this.databaseUrl, `UPDATE leases SET expires_at = 0 WHERE name = 'cleanup' AND owner = 'growth'`);
  }

  /** Whether a server is cleaning up. */
  async isUsed() {
    const [row] = await execute(this.databaseUrl, `SELECT owner, expires_at FROM leases WHERE name = 'cleanup'`);
    return row.owner !== 'growth' && Number(row.expires_at) > Date.now();
  }
}
