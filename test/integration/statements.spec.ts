import libsql from 'libsql';
import { Database } from '../../src/database/database.js';
import { databaseKinds, describeOnEachDatabase } from '../support/databases.js';
import { PrivateMariadb } from '../support/private-mariadb.js';
import { TestServer } from '../support/test-server.js';

const MARIADB = databaseKinds().filter((kind) => kind === 'MariaDB');
/** Of 2015 and later, to the millisecond, as every time in the tables is. */
const TIMES = [1_420_070_400_001, 1_795_852_879_602, 9_007_199_254_740_991];

describeOnEachDatabase('single statements', (kind) => {
  let server: TestServer;
  let database: Database;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    database = server.get(Database);
    await database.execute(`CREATE TABLE kept (id integer NOT NULL PRIMARY KEY, at bigint, name varchar(64), ratio ${kind === 'SQLite' ? 'real' : 'double'}, flag ${kind === 'SQLite' ? 'boolean)' : 'tinyint(1)) CHARACTER SET utf8mb4'}`);
  });
  beforeEach(async () => {
    await database.execute('DELETE FROM kept');
  });
  afterAll(() => server.stop());

  const insert = (rows: unknown[][]) => database.execute(`INSERT INTO kept (id, at, name, ratio, flag) VALUES ${rows.map(() => '(?, ?, ?, ?, ?)').join(', ')}`, rows.flat());
  /** mysql2 gives bigint columns as text. */
  const number = (at: unknown) => (at === null ? null : Number(at));
  const all = async () => (await database.query<{ at: unknown }>('SELECT id, at, name, ratio, flag FROM kept ORDER BY id')).map((row) => ({ ...row, at: number(row.at) }));

  // Few parameters are sent apart from a prepared statement, many within the text of it.
  it.each([['a few', 1], ['many', 40]])('take %s numbers, texts, truths and nothings, and give them back as they were', async (_, times) => {
    const values = [[TIMES[1], 'Zoë ’ " \\ ; -- ? 鍵', 0.1, true], [-1, '', -2.5, false], [null, null, null, null], [TIMES[2], '1795852879602', 1e300, true], [0, 'undefined', undefined, undefined]];
    const rows = Array.from({ length: times }, () => values).flat().map((row, id) => [id, ...row]);
    const size = times === 1 ? 1 : rows.length;
    for (let at = 0; at < rows.length; at += size) expect(await insert(rows.slice(at, at + size))).toBe(size);
    expect(await all()).toEqual(rows.map(([id, at, name, ratio, flag]) => ({ id, at, name, ratio: ratio ?? null, flag: flag === undefined || flag === null ? null : Number(flag) })));
  });

  it('compare times to the millisecond', async () => {
    await insert(TIMES.map((at, id) => [id, at, null, null, null]));
    for (const [id, at] of TIMES.entries()) {
      expect(await database.query('SELECT id FROM kept WHERE at = ?', [at])).toEqual([{ id }]);
      expect(await database.query('SELECT id FROM kept WHERE at < ? ORDER BY id', [at])).toEqual(TIMES.slice(0, id).map((_, before) => ({ id: before })));
    }
  });

  it('say how many rows they touched, also those that were so already', async () => {
    await insert([[1, 5, null, null, null], [2, 5, null, null, null]]);
    for (const touched of [2, 2]) expect(await database.execute('UPDATE kept SET at = ? WHERE at >= ?', [7, 5])).toBe(touched);
    expect(await database.execute('DELETE FROM kept WHERE id = ?', [3])).toBe(0);
  });

  it('see a column that another connection has added since', async () => {
    await insert([[1, 5, 'one', null, null]]);
    const look = async () => (await database.query<{ at: unknown }>('SELECT * FROM kept')).map((row) => ({ ...row, at: number(row.at) }));
    expect(await look()).toEqual([{ id: 1, at: 5, name: 'one', ratio: null, flag: null }]);
    const elsewhere = (sql: string) => (kind === 'MariaDB' ? server.database.sql(sql) : other!.exec(sql));
    const other = kind === 'MariaDB' ? undefined : new libsql(server.database.url.replace('sqlite:', ''));
    await elsewhere('ALTER TABLE kept ADD COLUMN late integer DEFAULT 3');
    expect(await look()).toEqual([{ id: 1, at: 5, name: 'one', ratio: null, flag: null, late: 3 }]);
    await elsewhere('ALTER TABLE kept DROP COLUMN late');
    expect(await look()).toEqual([{ id: 1, at: 5, name: 'one', ratio: null, flag: null }]);
    other?.close();
  });

  it('that fail leave the connection to those that come after', async () => {
    await insert([[1, 5, null, null, null]]);
    await expect(insert([[1, 6, null, null, null]])).rejects.toThrow(/Duplicate|UNIQUE/);
    await expect(database.query('SELECT * FROM not_there WHERE id = ?', [1])).rejects.toThrow(/not_there/);
    expect(await Promise.all(Array.from({ length: 30 }, () => database.query('SELECT id FROM kept WHERE id = ?', [1])))).toEqual(Array(30).fill([{ id: 1 }]));
  });
});

describe.each(MARIADB)('prepared statements (%s)', () => {
  let mariadb: PrivateMariadb;
  let server: TestServer;
  let database: Database;

  beforeAll(async () => {
    mariadb = await PrivateMariadb.start();
    server = await TestServer.start({ database: await mariadb.createDatabase(), env: { DATABASE_POOL_SIZE: '2' } });
    database = server.get(Database);
    await database.execute('CREATE TABLE counters (id integer NOT NULL PRIMARY KEY, n integer NOT NULL)');
    await database.execute('INSERT INTO counters VALUES (1, 0)');
  });
  afterAll(async () => {
    await server.stop();
    await mariadb.remove();
  });

  const status = async (name: string) => Number(((await mariadb.asRoot(`SHOW GLOBAL STATUS LIKE '${name}'`)) as { Value: string }[])[0].Value);
  const count = async () => Number((await database.query<{ n: number }>('SELECT n FROM counters WHERE id = ?', [1]))[0].n);

  it('are made once for a connection, however often they are carried out', async () => {
    await count();
    const [made, used] = [await status('Com_stmt_prepare'), await status('Com_stmt_execute')];
    for (let times = 0; times < 50; times++) await count();
    expect(await status('Com_stmt_execute')).toBeGreaterThanOrEqual(used + 50);
    // The other connection may have had its turn, and what the server does by itself goes on.
    expect(await status('Com_stmt_prepare')).toBeLessThan(made + 15);
  });

  it('are no more than 50 a connection, of however many texts', async () => {
    for (let text = 0; text < 300; text++) expect(await database.query(`SELECT '${text}' AS text, ? AS value`, ['x'])).toEqual([{ text: String(text), value: 'x' }]);
    expect(await status('Prepared_stmt_count')).toBeLessThanOrEqual(2 * 50);
  });

  it('are done without where the server takes no more of them: everything works, and is done once', async () => {
    const before = await count();
    await mariadb.asRoot('SET GLOBAL max_prepared_stmt_count = 0');
    try {
      for (let times = 1; times <= 5; times++) {
        expect(await database.execute(`UPDATE counters SET n = n + ? WHERE id = 1 AND ${times} = ${times}`, [1])).toBe(1);
      }
      const client = await server.driver.registerClient({ grant_types: ['password', 'refresh_token'] });
      const { refreshToken } = await server.driver.signIn(client, await server.driver.registerUser({ username: 'margaret' }));
      expect((await server.driver.refresh(client, refreshToken)).status).toBe(200);
    } finally {
      await mariadb.asRoot('SET GLOBAL max_prepared_stmt_count = 16382');
    }
    expect(await count()).toBe(before + 5);
  });

  it('or their like find numbers by an index: one, a list of them, a range', async () => {
    await database.execute('CREATE TABLE grown (id integer NOT NULL PRIMARY KEY, at bigint NOT NULL, name varchar(8), KEY grown_at (at))');
    for (let row = 0; row < 3000; row += 1000) await database.execute(`INSERT INTO grown VALUES ${Array.from({ length: 1000 }, (_, i) => `(${row + i}, ${1_795_852_000_000 + row + i}, 'x')`).join(', ')}`);
    await database.query('ANALYZE TABLE grown');
    const plan = async (condition: string, ...values: number[]) => (await database.query<{ type: string; key: string | null }>(`EXPLAIN SELECT name FROM grown WHERE ${condition}`, values)).map(({ type, key }) => [type, key]);
    expect(await plan('id = ?', 7)).toEqual([['const', 'PRIMARY']]);
    for (const list of ['id IN (?, ?)', 'id IN (?, ?, 5)', 'at > 5 AND id IN (?, ?)']) expect(await plan(list, 7, 8)).toEqual([['range', 'PRIMARY']]);
    expect(await plan('id > ? ORDER BY id LIMIT 10', 2_990)).toEqual([['range', 'PRIMARY']]);
    expect(await plan('at < ?', 1_795_852_000_010)).toEqual([['range', 'grown_at']]);
  });

  it('do not outlive a restart of the server: they are made anew', async () => {
    const before = await count();
    await mariadb.crash();
    await mariadb.restart();
    for (let done = false; !done; ) done = await database.execute('UPDATE counters SET n = n + 1 WHERE id = ?', [1]).then((touched) => touched === 1, () => false);
    expect(await count()).toBe(before + 1);
  });
});
