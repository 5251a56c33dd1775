import libsql from 'libsql';
import type { Connection } from 'mysql2/promise';
import { DataSource } from 'typeorm';
import { TemporarilyUnavailableError } from '../../src/common/temporarily-unavailable.error.js';
import { Database } from '../../src/database/database.js';
import { LeaseLostError, Leases } from '../../src/database/leases.js';
import { migrate } from '../../src/database/migrate.js';
import { MIGRATIONS } from '../../src/database/migrations/index.js';
import { Transactions } from '../../src/database/transactions.js';
import { connectTo, databaseKinds, describeOnEachDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { TestServer } from '../support/test-server.js';

const DEADLINE_MS = 1000;
const MARIADB = databaseKinds().filter((kind) => kind === 'MariaDB');

/** Resolves for all who wait when so many have come. */
function rendezvous(parties: number): () => Promise<void> {
  let arrived = 0;
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return () => {
    if (++arrived >= parties) open();
    return opened;
  };
}

async function failureOf(work: Promise<unknown>): Promise<{ error: unknown; ms: number }> {
  const began = performance.now();
  const error = await work.then(() => undefined, (thrown: unknown) => thrown);
  return { error, ms: performance.now() - began };
}

describeOnEachDatabase('transactions', (kind) => {
  let server: TestServer;
  let database: Database;
  let transactions: Transactions;
  const forUpdate = kind === 'MariaDB' ? ' FOR UPDATE' : '';
  const value = async (id: number): Promise<number> => Number((await database.query<{ n: number }>('SELECT n FROM counters WHERE id = ?', [id]))[0].n);

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    database = server.get(Database);
    transactions = server.get(Transactions);
    await database.execute('CREATE TABLE counters (id integer NOT NULL PRIMARY KEY, n integer NOT NULL)');
  });
  beforeEach(async () => {
    await database.execute('DELETE FROM counters');
    await database.execute('INSERT INTO counters VALUES (1, 0), (2, 0)');
  });
  afterAll(() => server.stop());

  it('50 in parallel that read, modify and write all succeed, and none is lost', async () => {
    await Promise.all(Array.from({ length: 50 }, () => transactions.run(async (manager) => {
      const [row] = await database.query<{ n: number }>(`SELECT n FROM counters WHERE id = 1${forUpdate}`, [], manager);
      await database.execute('UPDATE counters SET n = ? WHERE id = 1', [Number(row.n) + 1], manager);
    })));
    expect(await value(1)).toBe(50);
  });

  it('leave nothing behind when they fail, and nothing of their neighbours', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => transactions.run(async (manager) => {
      await database.execute('UPDATE counters SET n = n + 1 WHERE id = 1', [], manager);
      if (i % 2 === 1) throw new Error('changed my mind');
    })));
    expect(outcomes.filter(({ status }) => status === 'rejected').map((outcome) => (outcome as PromiseRejectedResult).reason as Error)).toEqual(Array(10).fill(new Error('changed my mind')));
    expect(await value(1)).toBe(10);
  });

  it('are not seen from outside before they are committed', async () => {
    const seen = rendezvous(2);
    const running = transactions.run(async (manager) => {
      await database.execute('UPDATE counters SET n = 7 WHERE id = 1', [], manager);
      if (kind === 'MariaDB') await seen();
    });
    if (kind === 'MariaDB') {
      expect(await value(1)).toBe(0);
      await seen();
    } else expect(await value(1)).toBe(7);
    await running;
    expect(await value(1)).toBe(7);
  });

  it('stay usable for others while one fails in its COMMIT or statement', async () => {
    await expect(transactions.run((manager) => database.execute('INSERT INTO counters VALUES (1, 5)', [], manager))).rejects.toThrow();
    await expect(transactions.run((manager) => database.query('SELECT * FROM not_there', [], manager))).rejects.toThrow();
    await transactions.run((manager) => database.execute('UPDATE counters SET n = n + 1 WHERE id = 1', [], manager));
    expect(await value(1)).toBe(1);
  });
});

describe('a database file that another process has locked (SQLite)', () => {
  let server: TestServer;
  let database: Database;
  let holder: libsql.Database;

  const n = (connection: { prepare(sql: string): { get(): unknown } }): number => (connection.prepare('SELECT n FROM counters').get() as { n: number }).n;

  beforeAll(async () => {
    server = await TestServer.start({ env: { DATABASE_DEADLINE_MS: '200' } });
    database = server.get(Database);
    await database.execute('CREATE TABLE counters (id integer NOT NULL PRIMARY KEY, n integer NOT NULL)');
    await database.execute('INSERT INTO counters VALUES (1, 0)');
    holder = new libsql(server.database.url.replace('sqlite:', ''));
  });
  afterAll(async () => {
    holder.close();
    await server.stop();
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a statement', () => database.execute('UPDATE counters SET n = 100')],
    ['a transaction', () => server.get(Transactions).run((manager) => database.execute('UPDATE counters SET n = 100', [], manager))],
  ])('%s that waited for it in vain is temporarily unavailable and changes nothing; whatever is written afterwards is there for every process, and outlives this one', async (_, work) => {
    holder.exec('BEGIN IMMEDIATE');
    const before = n(holder);
    const { error } = await failureOf(work());
    expect(error).toBeInstanceOf(TemporarilyUnavailableError);
    holder.exec('ROLLBACK');
    await database.execute('UPDATE counters SET n = n + 1');
    expect(n(holder)).toBe(before + 1);
    await server.get(Transactions).run((manager) => database.execute('UPDATE counters SET n = n + 1', [], manager));
    expect(n(holder)).toBe(before + 2);
  });

  it('is waited for', async () => {
    holder.exec('BEGIN IMMEDIATE');
    const before = n(holder);
    const waiting = database.execute('UPDATE counters SET n = n + 1');
    await new Promise(setImmediate);
    expect(n(holder)).toBe(before);
    holder.exec('ROLLBACK');
    await waiting;
    expect(n(holder)).toBe(before + 1);
  });
});

describe.each(MARIADB)('lock conflicts (%s)', (kind) => {
  let server: TestServer;
  let database: Database;
  let transactions: Transactions;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    database = server.get(Database);
    transactions = server.get(Transactions);
    await database.execute('CREATE TABLE counters (id integer NOT NULL PRIMARY KEY, n integer NOT NULL)');
  });
  beforeEach(async () => {
    await database.execute('DELETE FROM counters');
    await database.execute('INSERT INTO counters VALUES (1, 0), (2, 0)');
  });
  afterAll(() => server.stop());

  const add = (id: number, manager?: Parameters<Parameters<Transactions['run']>[0]>[0]) => database.execute('UPDATE counters SET n = n + 1 WHERE id = ?', [id], manager);
  const all = () => database.query<{ id: number; n: number }>('SELECT id, n FROM counters ORDER BY id');

  it('a deadlock of two crossing transactions is retried and not seen', async () => {
    const bothHoldOne = rendezvous(2);
    let tries = 0;
    const cross = (first: number, second: number) => transactions.run(async (manager) => {
      tries++;
      await add(first, manager);
      await bothHoldOne();
      await add(second, manager);
    });
    await Promise.all([cross(1, 2), cross(2, 1)]);
    expect(tries).toBe(3);
    expect(await all()).toEqual([{ id: 1, n: 2 }, { id: 2, n: 2 }]);
  });

  describe('with another session that holds the row', () => {
    let holder: Connection;

    beforeEach(async () => {
      holder = await connectTo(server.database.url);
      await holder.query('START TRANSACTION');
      await holder.query('UPDATE counters SET n = 100 WHERE id = 1');
    });
    afterEach(() => holder.end());

    it('a transaction waits, and goes on when the row is free', async () => {
      const waiting = transactions.run((manager) => add(1, manager));
      // This table is a snapshot that InnoDB renews only for whoever has not read it for 100 ms.
      await eventually(async () => expect(await server.database.sql(`SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'`)).toHaveLength(1), { everyMs: 150 });
      await holder.query('ROLLBACK');
      await waiting;
      expect((await all())[0]).toEqual({ id: 1, n: 1 });
    });

    it('a single statement and a transaction are given up as temporarily unavailable, within 3 seconds', async () => {
      const failures = await Promise.all([failureOf(add(1)), failureOf(transactions.run((manager) => add(1, manager)))]);
      for (const { error, ms } of failures) {
        expect(error).toBeInstanceOf(TemporarilyUnavailableError);
        expect(ms).toBeLessThan(3000);
      }
      await holder.query('ROLLBACK');
      expect((await all())[0]).toEqual({ id: 1, n: 0 });
    });
  });
});

describe.each(MARIADB)('the deadline of database work (%s)', (kind) => {
  let server: TestServer;
  let database: Database;

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: { DATABASE_DEADLINE_MS: String(DEADLINE_MS), DATABASE_POOL_SIZE: '4' } });
    database = server.get(Database);
  });
  afterAll(() => server.stop());

  const connections = async (): Promise<number> =>
    ((await server.database.sql('SELECT COUNT(*) AS n FROM information_schema.processlist WHERE db = DATABASE()')) as { n: number }[])[0].n;

  it.each<[string, () => Promise<unknown>]>([
    ['a query', () => database.query('SELECT SLEEP(10)')],
    ['a statement that writes', () => database.execute('DO SLEEP(10)')],
    ['a transaction', () => server.get(Transactions).run((manager) => database.query('SELECT SLEEP(10)', [], manager))],
    ['a transaction of many short statements', () => server.get(Transactions).run(async (manager) => {
      for (let i = 0; i < 100; i++) await database.query('SELECT SLEEP(0.2)', [], manager);
    })],
  ])('ends %s that takes too long, and the next one works', async (_, work) => {
    const { error, ms } = await failureOf(work());
    expect(error).toBeInstanceOf(TemporarilyUnavailableError);
    expect(ms).toBeLessThan(DEADLINE_MS + 500);
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('counts the wait for a connection of an exhausted pool', async () => {
    const failures = await Promise.all(Array.from({ length: 20 }, () => failureOf(database.query('SELECT SLEEP(10)'))));
    for (const { error, ms } of failures) {
      expect(error).toBeInstanceOf(TemporarilyUnavailableError);
      expect(ms).toBeLessThan(DEADLINE_MS + 500);
    }
    expect(await Promise.all(Array.from({ length: 20 }, () => database.query<{ one: number }>('SELECT 1 AS one')))).toEqual(Array(20).fill([{ one: 1 }]));
    // The pool, the connection beside it, and the one that counts.
    await eventually(async () => expect(await connections()).toBeLessThanOrEqual(4 + 1 + 1), { withinMs: 12_000, everyMs: 200 });
  });

  it('leaves the statements that are quick alone', async () => {
    for (let i = 0; i < 5; i++) await database.query('SELECT SLEEP(0.3)');
  });
});

describeOnEachDatabase('leases', (kind) => {
  let one: TestServer;
  let other: TestServer;

  beforeAll(async () => {
    one = await TestServer.start({ kind });
    other = await TestServer.start({ database: one.database, issuer: one.issuer });
  });
  afterAll(async () => {
    await other.stop();
    await one.stop();
  });

  it('exclude each other: of two instances one works, the other waits for its turn', async () => {
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      for (let i = 0; i < 10; i++) await one.get(Database).query('SELECT 1');
      inside--;
    };
    for (let round = 0; round < 3; round++) await Promise.all([one, other].map((each) => each.get(Leases).hold('shared', work)));
    expect(most).toBe(1);
  });

  it('are passed over by those who do not wait', async () => {
    let ran = false;
    await one.get(Leases).hold('busy', () => other.get(Leases).tryHold('busy', async () => void (ran = true)));
    expect(ran).toBe(false);
    await other.get(Leases).tryHold('busy', async () => void (ran = true));
    expect(ran).toBe(true);
  });

  it('are given back when the work fails', async () => {
    await expect(one.get(Leases).hold('failing', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    let ran = false;
    await other.get(Leases).tryHold('failing', async () => void (ran = true));
    expect(ran).toBe(true);
  });

  it('exclude each other in one process too', async () => {
    let ran = false;
    await one.get(Leases).hold('inside', () => one.get(Leases).tryHold('inside', async () => void (ran = true)));
    expect(ran).toBe(false);
  });

  it('that another took over stop the work that they guard, which is not called done', async () => {
    const database = one.get(Database);
    let steps = 0;
    const work = one.get(Leases).hold('taken', async (lease) => {
      const aborted = new Promise((resolve) => lease.signal.addEventListener('abort', resolve));
      await database.execute(`UPDATE leases SET owner = 'another' WHERE name = 'taken'`);
      await aborted;
      for (;;) {
        lease.assertHeld();
        steps++;
      }
    });
    await expect(work).rejects.toThrow(LeaseLostError);
    expect(steps).toBe(0);
    // What the other has is left alone.
    expect(await database.query(`SELECT owner FROM leases WHERE name = 'taken' AND expires_at > ${database.nowMsSql}`)).toEqual([{ owner: 'another' }]);
  });

  it('are not called lost for one renewal that fails, but it is in the log', async () => {
    const database = one.get(Database);
    const logged = () => one.logLines.filter((line) => line.includes('a lease could not be renewed')).length;
    await one.get(Leases).hold('steady', async (lease) => {
      await database.execute('ALTER TABLE leases RENAME TO leases_away');
      await eventually(() => expect(logged()).toBe(1));
      await database.execute('ALTER TABLE leases_away RENAME TO leases');
      lease.assertHeld();
    });
  });

  it('expire by the clock of the database when their holder is gone', async () => {
    const database = one.get(Database);
    await database.execute(`INSERT INTO leases (name, owner, expires_at) VALUES ('dead', 'gone', ${database.nowMsSql} + 600)`);
    let ran = false;
    await one.get(Leases).tryHold('dead', async () => void (ran = true));
    expect(ran).toBe(false);
    await one.get(Leases).hold('dead', async () => void (ran = true));
    expect(ran).toBe(true);
    expect(await database.query(`SELECT name FROM leases WHERE name = 'dead' AND expires_at > 0`)).toEqual([]);
  });
});

describe.each(MARIADB)('the lease under which migrations run (%s)', (kind) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
  });
  afterAll(() => server.stop());

  it('ends before their next statement when another took it over', async () => {
    const database = server.get(Database);
    const last = MIGRATIONS.at(-1)!.name;
    await database.execute('DELETE FROM migrations WHERE name = ?', [last]);
    const work = server.get(Leases).hold('migrations', async (lease) => {
      const aborted = new Promise((resolve) => lease.signal.addEventListener('abort', resolve));
      await database.execute(`UPDATE leases SET owner = 'another' WHERE name = 'migrations'`);
      await aborted;
      return migrate(server.get(DataSource), lease);
    });
    await expect(work).rejects.toThrow(LeaseLostError);
    expect(await database.query('SELECT 1 FROM migrations WHERE name = ?', [last])).toEqual([]);
    expect(await server.get(Leases).hold('migrations again', (lease) => migrate(server.get(DataSource), lease))).toEqual([last]);
  });
});
