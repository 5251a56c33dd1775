import { QueryFailedError } from 'typeorm';
import { TemporarilyUnavailableError } from '../../src/common/temporarily-unavailable.error.js';
import { Database } from '../../src/database/database.js';
import { asAvailability, errorClassOf, isConflict, isDuplicate } from '../../src/database/database-errors.js';
import { connectTo, describeOnEachDatabase, mariadbPort, type TestDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { type Answer, type Credentials } from '../support/oauth-driver.js';
import { PrivateMariadb } from '../support/private-mariadb.js';
import { TestServer } from '../support/test-server.js';

describe('a database error', () => {
  const failed = (driverError: object) =>
    new QueryFailedError('SELECT 1', [], Object.assign(new Error(''), driverError));
  const isUnavailable = (error: unknown) => asAvailability(error) instanceof TemporarilyUnavailableError;

  it.each([
    [
      'no account, password, right or database',
      [1044, 1045, 1049, 1142, 1143, 1227, 1370, 1698, 1820, 1862, 3118, 4151],
    ],
    ['connections of the server or of the account are used up', [1040, 1041, 1129, 1130, 1135, 1203, 1226]],
    ['memory, disk, locks or transactions are used up', [1021, 1030, 1037, 1038, 1114, 1197, 1206, 1637, 1153]],
    ['the time is up or the statement was killed', [1317, 1907, 1969, 3024, 4031]],
    ['the network between the servers failed', [1042, 1043, 1158, 1159, 1160, 1161, 1184, 1927, 2006, 2013]],
    ['the server stops, is read-only or only replicates', [1053, 1180, 1223, 1290, 1792, 1836, 1874, 3100, 3159]],
    ['a Galera node has no quorum', [1047]],
    ['ProxySQL, MaxScale or Vitess speaks', [1105, 9000, 9001, 9002, 9006]],
    ['a table or an index is damaged', [1034, 1194, 1712, 1932]],
  ])('makes a request 503 when %s', (_, numbers) => {
    expect(numbers.filter((errno) => !isUnavailable(failed({ errno })))).toEqual([]);
    expect(
      numbers.filter((errno) => !['connection', 'unavailable'].includes(errorClassOf(failed({ errno }))!)),
    ).toEqual([]);
    expect(numbers.filter((errno) => isConflict(failed({ errno })))).toEqual([]);
  });

  it('is a conflict that is tried again: deadlock, lock wait, snapshot, rolled back at COMMIT (3101)', () => {
    for (const errno of [1213, 1205, 1020, 3101]) {
      const error = failed({ errno });
      expect([isConflict(error), isUnavailable(error), errorClassOf(error)]).toEqual([true, true, 'conflict']);
    }
  });

  it.each([
    ['the syntax', [1064, 1149, 1065]],
    ['unknown tables and columns', [1054, 1146, 1052, 1305]],
    ['values that do not fit', [1406, 1264, 1366, 1292, 1690, 1048, 1364, 1136, 1210]],
    ['constraints', [1451, 1452, 3819, 4025]],
  ])('is a fault of ours when it is about %s', (_, numbers) => {
    expect(numbers.filter((errno) => isUnavailable(failed({ errno })))).toEqual([]);
    expect(new Set(numbers.map((errno) => errorClassOf(failed({ errno }))))).toEqual(new Set(['other']));
  });

  it('is neither when a unique key is taken', () => {
    for (const error of [
      { errno: 1062 },
      { errno: 1586 },
      { errno: 1022 },
      { code: 'SQLITE_CONSTRAINT_UNIQUE' },
      { code: 'SQLITE_CONSTRAINT_PRIMARYKEY' },
    ].map(failed)) {
      expect([isDuplicate(error), isUnavailable(error), errorClassOf(error)]).toEqual([true, false, undefined]);
    }
  });

  it('of SQLite is a fault of ours when it is about the statement, and 503 otherwise', () => {
    const own = [
      'SQLITE_ERROR',
      'SQLITE_CONSTRAINT_NOTNULL',
      'SQLITE_MISMATCH',
      'SQLITE_RANGE',
      'SQLITE_MISUSE',
      'SQLITE_TOOBIG',
    ];
    const not = [
      'BUSY',
      'BUSY_SNAPSHOT',
      'LOCKED',
      'FULL',
      'IOERR',
      'IOERR_WRITE',
      'READONLY',
      'READONLY_DBMOVED',
      'CANTOPEN',
      'NOMEM',
      'PROTOCOL',
      'INTERRUPT',
      'PERM',
      'AUTH',
      'CORRUPT',
      'NOTADB',
      'NOLFS',
    ];
    expect(own.filter((code) => isUnavailable(failed({ code })))).toEqual([]);
    expect(not.filter((code) => !isUnavailable(failed({ code: `SQLITE_${code}` })))).toEqual([]);
  });

  it('is no verdict on errors that no database raised', () => {
    for (const error of [new TypeError('x'), new Error('x'), undefined, null, 'x', { errno: -2, code: 'EACCES' }])
      expect(asAvailability(error)).toBe(error);
  });
});

describeOnEachDatabase('a proof that the database takes writes', (kind) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
  });
  afterAll(() => server.stop());

  it('is a row that is written again and again, and no lease', async () => {
    const database = server.get(Database);
    const written = async () => {
      await database.assertWritable();
      const rows = await database.query<{ expires_at: number | string }>(
        `SELECT expires_at FROM leases WHERE owner = ''`,
      );
      return rows.map((row) => Number(row.expires_at));
    };
    const [first] = await written();
    expect(Math.abs(first - Date.now())).toBeLessThan(60_000);
    await eventually(async () => expect((await written())[0]).toBeGreaterThan(first));
    expect(await written()).toHaveLength(1);
  });
});

if (mariadbPort() !== undefined)
  describe('a MariaDB that refuses its account something', () => {
    let mariadb: PrivateMariadb;
    let database: TestDatabase;
    let server: TestServer;
    let opaque: Credentials;
    let account: string;
    let last = 0;

    beforeAll(async () => {
      mariadb = await PrivateMariadb.start();
      database = await mariadb.createDatabase();
      account = new URL(database.url).username;
      server = await TestServer.start({ database });
      opaque = await server.driver.registerClient({ scope: 'a', access_token_format: 'opaque' });
      await server.driver.adminRequest('GET', '/clients');
    });
    afterAll(async () => {
      await server.stop();
      await database.drop();
      await mariadb.remove();
    });

    const user = () => `${account}@'127.0.0.1'`;
    const alter = (change: string) =>
      mariadb.asRoot(`ALTER USER ${user()} ${change}`, 'FLUSH USER_RESOURCES', `KILL USER ${account}`);
    const write = () => server.driver.adminRequest('PUT', `/clients/client-${++last}`, {});
    const burst = (): Promise<Answer[]> =>
      Promise.all(
        Array.from({ length: 6 }, () => [
          write(),
          server.driver.token(opaque),
          server.driver.token({ clientId: `unknown-${++last}`, clientSecret: 'x' }),
        ]).flat(),
      );
    const isRight = ({ status, headers, body }: Answer) =>
      [200, 201].includes(status) ||
      body['error'] === 'invalid_client' ||
      (status === 503 && /^[1-9]\d*$/.test(headers.get('retry-after') ?? ''));

    it.each<[string, () => Promise<unknown>, () => Promise<unknown>]>([
      [
        'more than one connection at a time',
        () => alter('WITH MAX_USER_CONNECTIONS 1'),
        () => alter('WITH MAX_USER_CONNECTIONS 0'),
      ],
      [
        'more than one query an hour',
        () => alter('WITH MAX_QUERIES_PER_HOUR 1'),
        () => alter('WITH MAX_QUERIES_PER_HOUR 0'),
      ],
      [
        'another connection this hour',
        () => alter('WITH MAX_CONNECTIONS_PER_HOUR 1'),
        () => alter('WITH MAX_CONNECTIONS_PER_HOUR 0'),
      ],
      ['its password', () => alter(`IDENTIFIED BY 'another'`), () => alter(`IDENTIFIED BY 'plain'`)],
      ['its account', () => alter('ACCOUNT LOCK'), () => alter('ACCOUNT UNLOCK')],
      [
        'the database',
        () => mariadb.asRoot(`REVOKE ALL ON ${account}.* FROM ${user()}`, `KILL USER ${account}`),
        () => mariadb.asRoot(`GRANT ALL ON ${account}.* TO ${user()}`, `KILL USER ${account}`),
      ],
      [
        'the right to insert',
        () => mariadb.asRoot(`REVOKE INSERT ON ${account}.* FROM ${user()}`, `KILL USER ${account}`),
        () => mariadb.asRoot(`GRANT INSERT ON ${account}.* TO ${user()}`, `KILL USER ${account}`),
      ],
    ])('makes it 503 with Retry-After, not 500, and serves again when it allows it: %s', async (_, refuse, allow) => {
      await refuse();
      try {
        const answers: Answer[] = [];
        await eventually(async () => {
          answers.push(...(await burst()));
          expect(answers.map(({ status }) => status)).toContain(503);
        });
        expect(answers.filter((answer) => !isRight(answer)).map(({ status, text }) => ({ status, text }))).toEqual([]);
      } finally {
        await allow();
      }
      await eventually(async () => expect((await burst()).map(({ status }) => status)).not.toContain(503));
    });

    it('makes a statement that its MAX_STATEMENT_TIME ends 503 with Retry-After', async () => {
      const holder = await connectTo(database.url);
      try {
        await holder.query('LOCK TABLES clients READ');
        await mariadb.asRoot(`ALTER USER ${user()} WITH MAX_STATEMENT_TIME 0.2`);
        await server.driver.adminRequest('GET', '/clients');
        for (const { id } of (await mariadb.asRoot(
          `SELECT id FROM information_schema.processlist WHERE user = '${account}' AND id <> ${holder.threadId}`,
        )) as { id: number }[])
          await mariadb.asRoot(`KILL ${id}`);
        await eventually(async () => expect((await server.driver.adminRequest('GET', '/clients')).status).toBe(200));
        const { status, headers } = await write();
        expect({ status, retryAfter: headers.get('retry-after') }).toEqual({ status: 503, retryAfter: '1' });
        expect((await server.driver.request('GET', '/metrics')).text).toMatch(
          /database_errors_total\{class="unavailable"\} [1-9]/,
        );
      } finally {
        await holder.end();
        await alter('WITH MAX_STATEMENT_TIME 0');
      }
    });
  });
