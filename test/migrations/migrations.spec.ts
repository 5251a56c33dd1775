import { DataSource } from 'typeorm';
import { Database } from '../../src/database/database.js';
import { MIGRATIONS } from '../../src/database/migrations/index.js';
import { createDatabase, databaseKinds, describeOnEachDatabase, type TestDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { SpawnedServer } from '../support/spawned-server.js';
import { ADMIN, KEY_ENCRYPTION_KEY, TestServer } from '../support/test-server.js';

const TABLES = [
  'access_tokens', 'audit_events', 'backchannel_logouts', 'bootstrapped_clients', 'changes', 'client_origins', 'client_secrets', 'clients', 'grant_usage', 'password_attempts', 'password_grant_users', 'resource_scopes', 'resources', 'signing_keys', 'token_families', 'users',
];
const OUR_OWN = { BOOTSTRAP_CLIENT_ID: '', BOOTSTRAP_CLIENT_SECRET: '' };
const MARIADB = databaseKinds().filter((kind) => kind === 'MariaDB');

interface Row {
  [column: string]: unknown;
}

async function count(server: TestServer, from: string): Promise<number> {
  return Number((await server.get(Database).query<Row>(`SELECT COUNT(*) AS n FROM ${from}`))[0]['n']);
}

/** Of this database: TypeORM's own list has those of all databases on the server, also of suites that run at the same time. */
async function tables(dataSource: DataSource): Promise<string[]> {
  const sql = dataSource.options.type === 'better-sqlite3' ? `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'` : 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()';
  return (await dataSource.query<{ name: string }[]>(sql)).map(({ name }) => name).sort();
}

async function drift(dataSource: DataSource): Promise<string[]> {
  return (await dataSource.driver.createSchemaBuilder().log()).upQueries.map(({ query }) => query);
}

describeOnEachDatabase('the migrations', (kind) => {
  let server: TestServer;
  let dataSource: DataSource;

  beforeAll(async () => {
    server = await TestServer.start({ kind, contents: 'empty' });
    dataSource = server.get(DataSource);
  });
  afterAll(() => server.stop());

  it('make the schema that the entities describe, without a difference', async () => {
    expect(await drift(dataSource)).toEqual([]);
    expect(await tables(dataSource)).toEqual(expect.arrayContaining(TABLES));
  });

  it('have nothing left to do at the next start', async () => {
    expect(await dataSource.showMigrations()).toBe(false);
    expect(await dataSource.runMigrations()).toEqual([]);
  });

  it('can each be broken off before they are recorded and run again, with the data that are there', async () => {
    const before = await count(server, 'clients');
    for (const { name } of MIGRATIONS) {
      await server.get(Database).execute('DELETE FROM migrations WHERE name = ?', [name]);
      expect((await dataSource.runMigrations()).map((migration) => migration.name)).toEqual([name]);
    }
    expect(await drift(dataSource)).toEqual([]);
    expect(await count(server, 'clients')).toBe(before);
  });

  it('remember the first admin client that an earlier version made, although it was deleted since', async () => {
    const database = server.get(Database);
    await database.execute('DELETE FROM bootstrapped_clients');
    await database.execute(`INSERT INTO audit_events (type, occurred_at, occurrences, result, client_id, detail) VALUES ('client.created', 1, 1, 'success', 'long-gone', '{}')`);
    await database.execute(`INSERT INTO audit_events (type, occurred_at, occurrences, result, client_id, detail, actor_operator) VALUES ('client.created', 1, 1, 'success', 'by-hand', '{}', 'root')`);
    await database.execute(`DELETE FROM migrations WHERE name = 'CreateBootstrappedClients1764570001000'`);
    await dataSource.runMigrations();
    const remembered = await database.query<Row>('SELECT client_id FROM bootstrapped_clients ORDER BY client_id');
    expect(remembered.map((row) => row['client_id'])).toEqual(['long-gone', ADMIN.clientId]);
  });

  it('can be undone to the last and run again', async () => {
    await server.stop();
    const own = await TestServer.start({ kind, contents: 'empty' });
    const source = own.get(DataSource);
    try {
      for (let i = 0; i < MIGRATIONS.length; i++) await source.undoLastMigration();
      expect((await tables(source)).filter((name) => TABLES.includes(name))).toEqual([]);
      expect(await source.runMigrations()).toHaveLength(MIGRATIONS.length);
      expect(await drift(source)).toEqual([]);
    } finally {
      await own.stop();
    }
    server = await TestServer.start({ kind, contents: 'empty' });
  });
});

describeOnEachDatabase('token families, while the previous version runs beside', (kind) => {
  let server: TestServer;
  let database: Database;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    database = server.get(Database);
  });
  afterAll(() => server.stop());

  const accessEndOf = async (familyId: string) => {
    const sql = 'SELECT access_expires_at AS ms FROM token_families WHERE family_id = ?';
    return Number((await database.query<{ ms: number | string }>(sql, [familyId]))[0].ms);
  };

  it('have an end that is later than any access token, so that a revocation there lasts', async () => {
    const { driver, clock } = server;
    const user = await driver.registerUser({ username: 'adele' });
    const client = await driver.registerClient({ grant_types: ['password', 'refresh_token'], scope: 'read' });
    const { refreshToken } = await driver.signIn(client, user);
    const [{ id }] = await database.query<{ id: string }>('SELECT family_id AS id FROM token_families', []);
    const beyondAnyToken = clock.nowMs() + 2 * 86_400_000;
    expect(await accessEndOf(id)).toBeGreaterThan(beyondAnyToken);

    // What the previous version writes with each refresh.
    const rotation = `UPDATE token_families SET access_expires_at = ${database.greatestSql}(access_expires_at, ?)`;
    expect(await database.execute(rotation, [clock.nowMs() + 300_000])).toBe(1);
    expect(await accessEndOf(id)).toBeGreaterThan(beyondAnyToken);
    expect((await driver.refresh(client, refreshToken)).status).toBe(200);
  });

  it('take the rows that the previous version inserts', async () => {
    const columns = [
      'family_id', 'client_id', 'client_generation', 'user_id', 'user_generation', 'grant_type', 'scope', 'audience',
      'current_digest', 'issued_at', 'expires_at', 'idle_expires_at', 'access_expires_at', 'purge_after',
    ];
    const values = ['previous', 'c', 'g', 'u', 'g', 'password', 'read', '[]', 'd', 1, 2, 2, 3, 4];
    const sql = `INSERT INTO token_families (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
    expect(await database.execute(sql, values)).toBe(1);
    expect(await accessEndOf('previous')).toBe(3);
  });
});

describe.each(MARIADB)('tables (%s) in a database whose default is latin1_swedish_ci', (kind) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ kind, contents: 'empty' });
  });
  afterAll(() => server.stop());

  it('compare every text column byte by byte', async () => {
    const columns = (await server.database.sql(
      `SELECT CONCAT(table_name, '.', column_name) AS name, collation_name AS collation FROM information_schema.columns
       WHERE table_schema = DATABASE() AND collation_name IS NOT NULL AND table_name <> 'migrations'`,
    )) as { name: string; collation: string }[];
    expect(columns.length).toBeGreaterThan(30);
    expect(columns.filter(({ collation }) => !/^(utf8mb4|ascii)(_nopad)?_bin$/.test(collation))).toEqual([]);
  });

  it('are all InnoDB', async () => {
    const engines = (await server.database.sql(`SELECT DISTINCT engine AS engine FROM information_schema.tables WHERE table_schema = DATABASE()`)) as { engine: string }[];
    expect(engines).toEqual([{ engine: 'InnoDB' }]);
  });

  it('tell names apart that differ in case or accent only, and hold any text', async () => {
    for (const id of ['alpha', 'ALPHA', 'Alpha']) await server.driver.registerClient({ client_id: id, client_name: `${id} ÄÖ 日本 🙂` });
    for (const id of ['alpha', 'ALPHA', 'Alpha']) expect((await server.driver.adminRequest('GET', `/clients/${id}`)).body).toMatchObject({ client_id: id, client_name: `${id} ÄÖ 日本 🙂` });
    expect((await server.driver.adminRequest('GET', '/clients/aLPHA')).status).toBe(404);
  });
});

describeOnEachDatabase('five instances that start at once on an empty database', (kind) => {
  it.each([
    ['with an admin client of their own making', OUR_OWN, 1],
    ['with a configured admin client', {}, 0],
  ])('%s migrate once and agree on one admin and one active key', async (_, env, fresh) => {
    const database = await createDatabase(kind, 'empty');
    const servers = await Promise.all(Array.from({ length: 5 }, () => TestServer.start({ database, env, issuer: 'http://127.0.0.1:9' })));
    try {
      const [first] = servers as [TestServer];
      expect((await Promise.all(servers.map((each) => each.server.ready()))).filter((answer) => answer.fresh)).toHaveLength(fresh);
      expect(await count(first, 'migrations')).toBe(MIGRATIONS.length);
      expect(await count(first, 'clients')).toBe(1);
      expect(await count(first, 'client_secrets')).toBe(1);
      expect(await count(first, `signing_keys WHERE status = 'active'`)).toBe(1);
      expect(await count(first, 'signing_keys')).toBe(2);
      expect(await count(first, `audit_events WHERE type = 'client.created'`)).toBe(1);
      const jwks = await Promise.all(servers.map(async (each) => (await each.driver.request('GET', '/.well-known/jwks.json')).text));
      expect(new Set(jwks).size).toBe(1);
      for (const each of servers) expect((await each.driver.request('GET', '/health/ready')).status).toBe(200);
    } finally {
      for (const each of servers) await each.stop();
      await database.drop();
    }
  });
});

describe.each(MARIADB)('processes that start on a shared database (%s)', (kind) => {
  let database: TestDatabase;
  const started: SpawnedServer[] = [];

  const spawn = async (): Promise<SpawnedServer> => {
    const server = await SpawnedServer.start({ env: { DATABASE_URL: database.url, KEY_ENCRYPTION_KEY, ISSUER: 'http://127.0.0.1:9', SHUTDOWN_DRAIN_SECONDS: '0' } });
    started.push(server);
    return server;
  };

  const rows = async (sql: string): Promise<Row[]> => (await database.sql(sql)) as Row[];
  const recorded = async (): Promise<unknown[]> => (await rows('SELECT name FROM migrations ORDER BY id')).map(({ name }) => name);

  beforeEach(async () => {
    database = await createDatabase(kind, 'empty');
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((server) => server.dispose()));
    await database.drop();
  });

  it('five at once: each migration runs once, one admin is made and told, one key signs', async () => {
    const servers = await Promise.all(Array.from({ length: 5 }, spawn));
    await Promise.all(servers.map((server) => server.ready(60_000)));
    expect(await recorded()).toEqual(MIGRATIONS.map(({ name }) => name));
    expect(await rows('SELECT client_id FROM clients')).toEqual([{ client_id: 'admin' }]);
    expect(await rows(`SELECT slot FROM signing_keys ORDER BY slot`)).toEqual([{ slot: 'ES256:active' }, { slot: 'ES256:next' }]);
    await Promise.all(servers.map(async (server) => {
      server.kill('SIGTERM');
      expect(await server.exited).toEqual({ code: 0, signal: null });
    }));
    expect(servers.filter(({ stdout }) => stdout.includes('mg_cs_'))).toHaveLength(1);
    expect(servers.map(({ stderr }) => stderr).join('')).toBe('');
  }, 90_000);

  it.each([1, 3, 5, 8, 10])('a runner that is killed with %i tables made leaves a database on which the next start succeeds', async (made) => {
    const first = await spawn();
    await eventually(async () => expect((await rows('SHOW TABLES')).length).toBeGreaterThanOrEqual(made), { withinMs: 20_000, everyMs: 1 });
    first.kill('SIGKILL');
    await first.exited;
    // As if the dead runner's lease had run out; another test waits for that.
    await database.sql('UPDATE leases SET expires_at = 0');
    await (await spawn()).ready();
    expect(await recorded()).toEqual(MIGRATIONS.map(({ name }) => name));
    expect(await rows('SELECT client_id FROM clients')).toEqual([{ client_id: 'admin' }]);
    expect(await rows(`SELECT slot FROM signing_keys ORDER BY slot`)).toEqual([{ slot: 'ES256:active' }, { slot: 'ES256:next' }]);
  }, 60_000);

  it('the work of a runner that died is taken over when its lease has run out', async () => {
    const first = await spawn();
    await eventually(async () => expect((await rows('SELECT * FROM leases WHERE expires_at > 0')).length).toBe(1), { withinMs: 20_000, everyMs: 1 });
    first.kill('SIGKILL');
    await first.exited;
    await (await spawn()).ready(30_000);
    expect(await recorded()).toEqual(MIGRATIONS.map(({ name }) => name));
  }, 60_000);
});
