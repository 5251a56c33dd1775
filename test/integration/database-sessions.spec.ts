import { TemporarilyUnavailableError } from '../../src/common/temporarily-unavailable.error.js';
import { Metrics } from '../../src/common/metrics/metrics.js';
import { Database } from '../../src/database/database.js';
import { Deadline } from '../../src/database/deadline.js';
import { tryStatement } from '../../src/database/mysql-conflicts.js';
import { StatementMetrics } from '../../src/database/statement-metrics.js';
import { Transactions } from '../../src/database/transactions.js';
import { connectTo, createMariadb, databaseKinds, type TestDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { PrivateMariadb } from '../support/private-mariadb.js';
import { SpawnedServer } from '../support/spawned-server.js';
import { KEY_ENCRYPTION_KEY, TestServer } from '../support/test-server.js';

const EX_CONFIG = 78;
const conflict = () => Object.assign(new Error('Deadlock found'), { errno: 1213 });

const onMariadb = describe.each(databaseKinds().filter((kind) => kind === 'MariaDB'));

onMariadb('a session on a server with defaults of its own (%s)', () => {
  let mariadb: PrivateMariadb;
  let database: TestDatabase;

  beforeAll(async () => {
    mariadb = await PrivateMariadb.start([
      '--skip-character-set-client-handshake',
      '--character-set-server=latin1',
      '--transaction-isolation=SERIALIZABLE',
      '--default-storage-engine=MyISAM',
    ]);
    database = await mariadb.createDatabase('empty');
    await mariadb.asRoot(
      `SET GLOBAL autocommit = 0, completion_type = 'RELEASE', time_zone = '+05:30', tx_read_only = 1,
         sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES', sql_safe_updates = 1, max_join_size = 1,
         foreign_key_checks = 0, lock_wait_timeout = 86400, innodb_lock_wait_timeout = 50,
         init_connect = 'SET NAMES latin1, sql_select_limit = 1, sql_auto_is_null = 1, autocommit = 0'`,
    );
  }, 60_000);
  afterAll(() => mariadb.remove());

  it('stores and reads back names of all scripts, sees all rows, and commits what it answers', async () => {
    const server = await TestServer.start({ database });
    const other = await TestServer.start({ database, issuer: server.issuer });
    try {
      const { driver } = server;
      const user = await driver.registerUser({ username: '名前', name: 'Žofie 😀', password: `O'Neil "\\' 鍵 enough` });
      const read = await other.driver.adminRequest('GET', `/users/${user.userId}`);
      expect(read.body).toMatchObject({ username: '名前', name: 'Žofie 😀' });
      const name = database.url.split('/').at(-1)!;
      const select = `SELECT HEX(username) AS hex FROM ${name}.users LIMIT 1`;
      expect(await mariadb.asRoot('SET SESSION sql_big_selects = 1', select)).toEqual([
        { hex: Buffer.from('名前').toString('hex').toUpperCase() },
      ]);

      const client = await driver.registerClient({ grant_types: ['password', 'refresh_token'] });
      const { refreshToken, accessToken } = await driver.signIn(client, user);
      expect((await other.driver.refresh(client, refreshToken)).status).toBe(200);
      expect((await other.driver.introspect(client, accessToken)).body).toMatchObject({ active: true });
      expect((await driver.revoke(client, accessToken)).status).toBe(200);
      for (let more = 0; more < 3; more++) await driver.registerClient();
      const { body } = await driver.adminRequest('GET', '/clients');
      expect((body['items'] as unknown[]).length).toBeGreaterThanOrEqual(5);
      const tables = `SELECT DISTINCT engine FROM information_schema.tables WHERE table_schema = '${name}'`;
      expect(await server.get(Database).query(tables)).toEqual([{ engine: 'InnoDB' }]);
    } finally {
      await other.stop();
      await server.stop();
    }
  });
});

onMariadb('a session that cannot be what it has to be (%s)', () => {
  let mariadb: PrivateMariadb;
  let database: TestDatabase;

  beforeAll(async () => {
    // The first caps a setting of sessions, the second makes a cluster of one node.
    mariadb = await PrivateMariadb.start(['--maximum-lock-wait-timeout=2', '--wsrep-on=ON', '--binlog-format=ROW']);
    database = await mariadb.createDatabase();
  }, 60_000);
  afterAll(() => mariadb.remove());

  it('ends the start with status 78 and one line that names the setting', async () => {
    const server = await SpawnedServer.start({
      env: { DATABASE_URL: database.url, DATABASE_DEADLINE_MS: '10000', KEY_ENCRYPTION_KEY, LOG_LEVEL: 'silent' },
    });
    try {
      expect(await server.exited).toEqual({ code: EX_CONFIG, signal: null });
      expect(server.stderr).toMatch(/^mintgate: DATABASE_URL: .*lock_wait_timeout = 2 where 5 was set.*\n$/);
    } finally {
      await server.dispose();
    }
  });

  it('reads what other Galera nodes committed before, and never from a node without a quorum', async () => {
    await mariadb.asRoot('SET GLOBAL wsrep_sync_wait = 4');
    const server = await TestServer.start({ database });
    try {
      const rows = await server
        .get(Database)
        .query<{ Variable_name: string; Value: string }>(`SHOW VARIABLES WHERE Variable_name LIKE 'wsrep_%'`);
      const variables = Object.fromEntries(rows.map((row) => [row.Variable_name, row.Value]));
      expect(variables).toMatchObject({ wsrep_on: 'ON', wsrep_sync_wait: '5', wsrep_dirty_reads: 'OFF' });
    } finally {
      await server.stop();
    }
  });
});

onMariadb('connections to a server that was demoted (%s)', () => {
  let mariadb: PrivateMariadb;
  let database: TestDatabase;
  let server: TestServer;
  let account: string;

  beforeAll(async () => {
    mariadb = await PrivateMariadb.start();
    database = await mariadb.createDatabase();
    account = new URL(database.url).username;
    server = await TestServer.start({ database });
  }, 60_000);
  afterAll(async () => {
    await server.stop();
    await database.drop();
    await mariadb.remove();
  });

  const ids = async () =>
    (
      (await mariadb.asRoot(`SELECT id FROM information_schema.processlist WHERE user = '${account}'`)) as {
        id: number;
      }[]
    ).map(({ id }) => id);
  let last = 0;
  const write = async () => (await server.driver.adminRequest('PUT', `/clients/client-${++last}`, {})).status;
  const writes = () => Promise.all(Array.from({ length: 20 }, write));
  const settled = async () => {
    await eventually(async () => expect(await writes()).toEqual(Array(20).fill(201)));
    const all = await ids();
    // A connection is left only when it is older than a second.
    await mariadb.asRoot('DO SLEEP(1.1)');
    return all;
  };

  it('leave the pool when a write is refused, and all writes succeed over new ones', async () => {
    const before = await settled();
    // New connections may write, as those to the new primary may; a right is looked up when a connection is made.
    await mariadb.asRoot('SET GLOBAL read_only = 1', `GRANT READ_ONLY ADMIN ON *.* TO ${account}@'127.0.0.1'`);
    try {
      await eventually(async () => expect(await writes()).toEqual(Array(20).fill(201)), { withinMs: 3000 });
      expect((await ids()).filter((id) => before.includes(id))).toEqual([]);
      expect(await writes()).toEqual(Array(20).fill(201));
    } finally {
      const right = `READ_ONLY ADMIN ON *.* FROM ${account}@'127.0.0.1'`;
      await mariadb.asRoot('SET GLOBAL read_only = 0', `REVOKE ${right}`, `KILL USER ${account}`);
    }
  });

  it('are made anew once a second at most while no server takes writes, and reads go on', async () => {
    const client = await server.driver.registerClient({ access_token_format: 'opaque' });
    const token = await server.driver.accessToken(client);
    await settled();
    const made = async () =>
      Number(((await mariadb.asRoot(`SHOW GLOBAL STATUS LIKE 'Connections'`)) as { Value: string }[])[0].Value);
    await mariadb.asRoot('SET GLOBAL read_only = 1');
    try {
      const before = await made();
      const began = performance.now();
      while (performance.now() - began < 1500) {
        expect(new Set(await writes())).toEqual(new Set([503]));
        expect((await server.driver.introspect(client, token)).body).toMatchObject({ active: true });
      }
      expect((await made()) - before).toBeLessThanOrEqual(3 * 10 + 5);
    } finally {
      await mariadb.asRoot('SET GLOBAL read_only = 0');
    }
    expect(await writes()).toEqual(Array(20).fill(201));
  });
});

onMariadb('the tries of work that loses conflicts (%s)', () => {
  const DEADLINE_MS = 1500;
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ kind: 'MariaDB', env: { DATABASE_DEADLINE_MS: String(DEADLINE_MS) } });
  });
  afterAll(() => server.stop());

  it('share one deadline: a transaction that goes on conflicting is answered within it', async () => {
    const database = server.get(Database);
    const began = performance.now();
    let tries = 0;
    const work = server.get(Transactions).run(async (manager) => {
      tries++;
      await database.query('SELECT SLEEP(0.9)', [], manager);
      throw conflict();
    });
    await expect(work).rejects.toBeInstanceOf(TemporarilyUnavailableError);
    expect(performance.now() - began).toBeLessThan(DEADLINE_MS + 250);
    expect(tries).toBe(2);
  });

  it('outlast a cluster node that lags behind for some tenths of a second', async () => {
    const caughtUpAt = performance.now() + 600;
    const lagging = async () => {
      if (performance.now() < caughtUpAt) throw conflict();
      return 'done';
    };
    const metrics = new StatementMetrics(new Metrics());
    expect(
      await Promise.all([tryStatement(lagging, new Deadline(2000), metrics), server.get(Transactions).run(lagging)]),
    ).toEqual(['done', 'done']);
  });
});

onMariadb('a migration behind a long transaction of another session (%s)', () => {
  it('lets requests have their turn in between, and runs when the table is free', async () => {
    const database = await createMariadb();
    const name = new URL(database.url).pathname.slice(1);
    const env = { DATABASE_DEADLINE_MS: '1000' };
    const server = await TestServer.start({ database, env });
    const reader = await connectTo(database.url);
    const processes = `SELECT 1 FROM information_schema.processlist WHERE db = '${name}'`;
    const waiting = `${processes} AND state LIKE 'Waiting for table%'`;
    let later: TestServer | undefined;
    // Recorded in the table that is altered.
    const write = async () => (await server.driver.adminRequest('POST', '/clients', {})).status;
    try {
      await database.sql(`DELETE FROM migrations WHERE name LIKE 'IndexAuditEvents%'`);
      await database.sql('ALTER TABLE audit_events DROP INDEX audit_events_result');
      await reader.query('START TRANSACTION');
      await reader.query('SELECT * FROM audit_events');
      later = await TestServer.start({ database, env, issuer: server.issuer, withoutReady: true });
      await eventually(async () => expect(await database.sql(waiting)).not.toEqual([]));
      expect(await write()).toBe(503);
      await eventually(async () => expect(await write()).toBe(201));
      expect(later.logLines.join()).toContain('a migration waits for a table that another session uses');
      await reader.query('COMMIT');
      await later.server.ready();
      expect(await database.sql(`SHOW INDEX FROM audit_events WHERE Key_name = 'audit_events_result'`)).toHaveLength(2);
    } finally {
      reader.destroy();
      await later?.stop();
      await server.stop();
      await database.drop();
    }
  }, 30_000);
});
