import { Database } from '../../src/database/database.js';
import { databaseKinds, describeOnEachDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { Scrape } from '../support/scrape.js';
import { TestServer } from '../support/test-server.js';

const MARIADB = databaseKinds().filter((kind) => kind === 'MariaDB');
const STATEMENTS = 'mintgate_database_statement_duration_seconds_count';

const statusOf = async (server: TestServer) => (await server.driver.request('GET', '/health/ready')).status;

describeOnEachDatabase('/health/ready', (kind) => {
  let server: TestServer;

  beforeEach(async () => {
    server = await TestServer.start({ kind, env: { CHANGE_FEED_INTERVAL_MS: '500' } });
  });
  afterEach(() => server.stop());

  it('costs a few statements however many ask', async () => {
    expect(await statusOf(server)).toBe(200);
    const before = await Scrape.of(server.url);
    const statuses = await Promise.all(Array.from({ length: 300 }, () => statusOf(server)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    // Those of the feed, of what is written behind, and of the scrape's own counts are among them.
    expect((await Scrape.of(server.url)).rise(before, STATEMENTS)).toBeLessThan(50);
  });

  it('stays 200 for one failed probe, is 503 after two, and 200 again with the next that succeeds', async () => {
    const database = server.get(Database);
    const failed = async () => (await Scrape.of(server.url)).value('mintgate_database_errors_total', 'class="other"');
    expect(await statusOf(server)).toBe(200);
    await database.execute('ALTER TABLE leases RENAME TO leases_away');
    const errors = await failed();
    let statuses: Promise<number> | undefined;
    await eventually(async () => {
      statuses = statusOf(server);
      expect(await failed()).toBeGreaterThan(errors);
    });
    await database.execute('ALTER TABLE leases_away RENAME TO leases');
    expect(await statuses).toBe(200);
    await database.execute('ALTER TABLE leases RENAME TO leases_away');
    await eventually(async () => expect(await statusOf(server)).toBe(503), { withinMs: 3000 });
    expect(server.logLines.filter((line) => line.includes('the database takes no writes'))).toHaveLength(1);
    await database.execute('ALTER TABLE leases_away RENAME TO leases');
    await eventually(async () => expect(await statusOf(server)).toBe(200), { withinMs: 3000 });
  });
});

describe.each(MARIADB)('An instance of whose connections requests use every one (%s)', (kind) => {
  it('stays ready, and answers what needs no connection', async () => {
    const server = await TestServer.start({ kind, env: { DATABASE_POOL_SIZE: '2' } });
    try {
      const client = await server.driver.registerClient({ scope: 'a' });
      await server.driver.accessToken(client);
      const slow = Array.from({ length: 8 }, () => server.get(Database).query('SELECT SLEEP(1.2)').catch(() => undefined));
      const statuses: number[] = [];
      let over = false;
      void Promise.all(slow).then(() => (over = true));
      while (!over) statuses.push(await statusOf(server), (await server.driver.token(client)).status);
      expect(statuses.length).toBeGreaterThan(10);
      expect(new Set(statuses)).toEqual(new Set([200]));
    } finally {
      await server.stop();
    }
  });
});
