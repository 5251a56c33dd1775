import { ChangeFeed } from '../../src/database/change-feed.js';
import { Cleanup } from '../../src/database/cleanup.js';
import { Database } from '../../src/database/database.js';
import { databaseKinds, describeOnEachDatabase, mariadbPort } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { type Credentials } from '../support/oauth-driver.js';
import { Scrape } from '../support/scrape.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { TestServer } from '../support/test-server.js';

const MARIADB = databaseKinds().filter((kind) => kind === 'MariaDB');
const STATEMENTS = 'mintgate_database_statement_duration_seconds_count';

describe.each(MARIADB)('An instance whose database answers late (%s)', (kind) => {
  it('calls no token active that was revoked elsewhere more than a second ago', async () => {
    const a = await TestServer.start({ kind });
    const proxy = await TcpProxy.to(mariadbPort()!);
    const database = { ...a.database, url: a.database.url.replace(`:${mariadbPort()!}/`, `:${proxy.port}/`) };
    const b = await TestServer.start({ database, issuer: a.issuer });
    try {
      const client = await a.driver.registerClient({ scope: 'a' });
      expect((await b.driver.token(client)).status).toBe(200);
      proxy.delayMs = 700;
      /** When B last called it active, in milliseconds after the revocation. */
      const lastActiveMs = async (delayMs: number): Promise<number> => {
        const token = await a.driver.accessToken(client);
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        await a.driver.revoke(client, token);
        const revokedAt = performance.now();
        for (let last = 0; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
          const ms = performance.now() - revokedAt;
          const { status, body } = await b.driver.introspect(client, token);
          if (ms > 2500 || (status === 200 && body['active'] === false)) return last;
          if (status === 200) last = ms;
        }
      };
      const all = await Promise.all([0, 200, 400, 600, 800].map(lastActiveMs));
      expect(all.filter((ms) => ms > 1000)).toEqual([]);
      expect(all.filter((ms) => ms > 0)).not.toEqual([]);
    } finally {
      proxy.delayMs = 0;
      await b.stop();
      await proxy.close();
      await a.stop();
    }
  });
});

describeOnEachDatabase('The change feed', (kind) => {
  let server: TestServer;
  let database: Database;
  let feed: ChangeFeed;
  let client: Credentials;

  beforeEach(async () => {
    server = await TestServer.start({ kind });
    database = server.get(Database);
    feed = server.get(ChangeFeed);
    client = await server.driver.registerClient({ scope: 'a' });
    await server.driver.registerClient();
    await feed.poll();
    await token(200);
  });
  afterEach(() => server.stop());

  const token = async (status: number) => expect((await server.driver.token(client)).status).toBe(status);
  const newest = async () => Number((await database.query<{ id: number | string }>('SELECT MAX(id) AS id FROM changes'))[0].id);
  /** As another instance would, but for the notice. */
  const disable = () => database.execute('UPDATE clients SET enabled = 0 WHERE client_id = ?', [client.clientId]);
  const announce = (topic: string, subject: string, inMs = 600_000) =>
    database.execute('INSERT INTO changes (topic, subject, expires_at) VALUES (?, ?, ?)', [topic, subject, server.clock.nowMs() + inMs]);
  /** What a failover to a replica that lacks the last commits does. */
  async function lose(rows: number): Promise<void> {
    const kept = (await newest()) - rows;
    await database.execute('DELETE FROM changes WHERE id > ?', [kept]);
    if (database.isSqlite) await database.execute(`UPDATE sqlite_sequence SET seq = ${kept} WHERE name = 'changes'`);
    else await database.execute(`ALTER TABLE changes AUTO_INCREMENT = ${kept + 1}`);
  }
  const warnings = () => server.logLines.filter((line) => line.includes('lost changes'));

  it('that cannot be read once is no outage: the next request is answered', async () => {
    await database.execute('ALTER TABLE changes RENAME TO changes_away');
    await feed.poll();
    await token(200);
    await database.execute('ALTER TABLE changes_away RENAME TO changes');
    await feed.poll();
    await token(200);
    expect(server.logLines.filter((line) => line.includes('the change feed cannot be read'))).not.toEqual([]);
  });

  it('that cannot be read for a second ends all verdicts, until it can be read again', async () => {
    await database.execute('ALTER TABLE changes RENAME TO changes_away');
    await eventually(() => token(503), { withinMs: 3000 });
    await database.execute('ALTER TABLE changes_away RENAME TO changes');
    await feed.poll();
    await token(200);
  });

  it('sees a change whose number was given out before, to one that was lost in a failover', async () => {
    await lose(1);
    const before = await newest();
    await disable();
    await announce('client', client.clientId);
    expect(await newest()).toBe(before + 1);
    await feed.poll();
    await token(401);
    expect(warnings()).toHaveLength(1);
  });

  it('sees a token revoked under such a number', async () => {
    const jwt = await server.driver.accessToken(client);
    const { jti } = JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url').toString()) as { jti: string };
    await lose(2);
    await announce('revoked-token', jti);
    await feed.poll();
    expect((await server.driver.introspect(client, jwt)).body).toEqual({ active: false });
  });

  it('notices that the table went back before anything new is in it, as after a restore under running instances', async () => {
    await disable();
    await lose(2);
    await feed.poll();
    await token(401);
    await server.get(Database).execute('UPDATE clients SET enabled = 1 WHERE client_id = ?', [client.clientId]);
    await database.execute('DELETE FROM changes');
    await feed.poll();
    await token(200);
    expect(warnings()).toHaveLength(2);
  });

  it('goes on with what it was doing where a step failed while it read everything anew', async () => {
    await disable();
    await lose(1);
    await database.execute('ALTER TABLE signing_keys RENAME TO signing_keys_away');
    await feed.poll();
    await database.execute('ALTER TABLE signing_keys_away RENAME TO signing_keys');
    await announce('resource', 'another');
    await announce('resource', 'and another');
    await feed.poll();
    await token(401);
  });

  it('takes no clean-up for a loss: what has expired may go, the newest row stays or is followed by another', async () => {
    await announce('client', 'another', 20_000);
    await announce('client', 'the last one', 20_000);
    await feed.poll();
    const last = await newest();
    server.clock.advanceSeconds(30);
    await server.get(Cleanup).run();
    expect(await database.query('SELECT id FROM changes WHERE id = ?', [last])).toEqual([]);
    expect(await newest()).toBeGreaterThan(last);
    await feed.poll();
    expect(warnings()).toEqual([]);
    await disable();
    await lose(1);
    await feed.poll();
    await token(401);
  });

  it('is backed by a limit to what is kept in memory: a client is read again after a minute, and once in a minute at most', async () => {
    await disable();
    const before = await Scrape.of(server.url);
    server.clock.advanceSeconds(59);
    for (let i = 0; i < 20; i++) await token(200);
    expect((await Scrape.of(server.url)).rise(before, STATEMENTS)).toBeLessThan(20);
    server.clock.advanceSeconds(17);
    await token(401);
  });

  it('is backed by a look at resources and keys once a minute', async () => {
    const identifier = 'https://api.example';
    await server.driver.registerResource({ identifier });
    expect((await server.driver.token(client, { resource: identifier })).status).not.toBe(503);
    const key = await database.query<{ kid: string }>(`SELECT kid FROM signing_keys WHERE status = 'next'`);
    await database.execute('DELETE FROM signing_keys WHERE kid = ?', [key[0].kid]);
    const kids = async () => ((await server.driver.request('GET', '/.well-known/jwks.json')).body as unknown as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
    await feed.poll();
    expect(await kids()).toContain(key[0].kid);
    server.clock.advanceSeconds(61);
    await feed.poll();
    expect(await kids()).not.toContain(key[0].kid);
  });
});
