// An empty database of the run's own, and a look into it beside the server.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'libsql';
import mysql from 'mysql2/promise';
import { atEnd } from './command.mjs';
import { Relay } from './relay.mjs';

const { startMariadb } = createRequire(import.meta.url)('../../test/support/mariadb.js');

const DIGESTS = 'SELECT current_digest AS digest FROM token_families';

export const openDatabase = (kind) => (kind === 'sqlite' ? openSqlite() : openMariadb());

function openSqlite() {
  const folder = mkdtempSync(join(tmpdir(), 'mintgate-reliability-'));
  const file = join(folder, 'mintgate.sqlite');
  const end = atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const query = (sql) => {
    const database = new Sqlite(file);
    try {
      return database.prepare(sql).all();
    } finally {
      database.close();
    }
  };
  return {
    url: `sqlite:${file}`,
    writeAheadLog: `${file}-wal`,
    folder,
    /** The digests of the refresh tokens that are good now. */
    currentDigests: async () => new Set(query(DIGESTS).map(({ digest }) => digest)),
    read: async (sql) => query(sql),
    sound: async () => query('PRAGMA integrity_check')[0].integrity_check === 'ok',
    end,
  };
}

/** A private MariaDB, which the server reaches over a relay. @param options of mariadbd */
export async function openMariadb(options = []) {
  // For temporary files of its own: while one that is installed runs for the first time, it clears away what it takes for left over, also another's.
  const folder = mkdtempSync(join(tmpdir(), 'mintgate-reliability-'));
  process.env.TMPDIR = folder;
  const endFolder = atEnd(() => rmSync(folder, { recursive: true, force: true }));
  // A COMMIT that was answered survives the end of the process. The relay reads what it passes on, so never over TLS.
  const fixed = ['--innodb-flush-log-at-trx-commit=2', '--require-secure-transport=OFF'];
  const instance = await startMariadb([...fixed, ...options]);
  if (!instance) throw new Error('mariadbd is not installed');
  const endInstance = atEnd(() => instance.remove());
  const relay = await Relay.to(instance.port);
  const endRelay = atEnd(() => relay.close());
  const query = async (sql, database) => {
    const connection = await mysql.createConnection({ host: '127.0.0.1', port: instance.port, user: 'mintgate', password: 'mintgate', database });
    try {
      return (await connection.query(sql))[0];
    } finally {
      await connection.end();
    }
  };
  await query('CREATE DATABASE mintgate');
  return {
    url: `mariadb://mintgate:mintgate@127.0.0.1:${relay.port}/mintgate`,
    relay,
    currentDigests: async () => new Set((await query(DIGESTS, 'mintgate')).map(({ digest }) => digest)),
    read: (sql) => query(sql, 'mintgate'),
    sound: async () => (await query('CHECK TABLE token_families', 'mintgate')).every(({ Msg_text: text }) => text === 'OK'),
    crash: () => instance.kill('SIGKILL'),
    restart: () => instance.start(),
    end: async () => {
      await endRelay();
      await endInstance();
      await endFolder();
    },
  };
}
