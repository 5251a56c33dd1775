import { Cleanup } from '../../src/database/cleanup.js';
import { Database } from '../../src/database/database.js';
import { createDatabase, databaseKinds, describeOnEachDatabase, type TestDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { FakeClock } from '../support/fake-clock.js';
import type { Credentials } from '../support/oauth-driver.js';
import { expectOAuthError } from '../support/oauth-errors.js';
import { PrivateMariadb } from '../support/private-mariadb.js';
import { TestServer } from '../support/test-server.js';

const ISSUER = 'http://127.0.0.1:3999';
/** Two processes on one embedded database are what WORKERS makes. */
const ENV = { RATE_LIMIT_ENABLED: 'true', TRUST_PROXY: 'loopback', WORKERS: '2', RATE_LIMIT_TOKEN_PER_MINUTE: '40', RATE_LIMIT_CLIENT_FAILURES_PER_5_MINUTES: '20', RATE_LIMIT_ADMIN_PER_MINUTE: '0' };
const ADDRESS = '2001:db8:5:6::7';

const token = async ({ driver }: TestServer, credentials: Credentials, headers: Record<string, string> = {}) => (await driver.form('/oauth/token', { grant_type: 'client_credentials' }, credentials, headers)).status;
const remaining = async ({ driver }: TestServer, credentials: Credentials) => Number(/r=(\d+)/.exec((await driver.token(credentials)).headers.get('ratelimit') ?? '')?.[1]);
const guess = (server: TestServer, { clientId }: Credentials) => token(server, { clientId, clientSecret: 'wrong' }, { 'x-forwarded-for': ADDRESS });
async function times(n: number, send: () => Promise<number>): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (let i = 0; i < n; i++) {
    const status = await send();
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}
const messages = ({ logLines }: TestServer) => logLines.map((line) => JSON.parse(line) as { msg: string }).filter(({ msg }) => /rate limits/.test(msg)).map(({ msg }) => msg);

describeOnEachDatabase('S4: two instances', (kind) => {
  let database: TestDatabase;
  let clock: FakeClock;
  let one: TestServer;
  let two: TestServer;
  let client: Credentials;

  beforeEach(async () => {
    database = await createDatabase(kind);
    clock = new FakeClock();
    [one, two] = [await TestServer.start({ database, clock, issuer: ISSUER, env: ENV }), await TestServer.start({ database, clock, issuer: ISSUER, env: ENV })];
    client = await one.driver.registerClient({ scope: 'read' });
  });
  afterEach(async () => {
    await Promise.all([one.stop(), two.stop()]);
    await database.drop();
  });
  const rows = (of = two) => of.get(Database).query<{ count_key: string; instance: string; requests: number }>('SELECT count_key, instance, requests FROM rate_limit_counts');
  /** Waits until the instances have written so many requests between them. Asking the server itself would count. */
  const written = (requests: number) => eventually(async () => expect((await rows()).reduce((sum, row) => sum + Number(row.requests), 0)).toBe(requests));

  it('add up what a client asked of each', async () => {
    expect(await times(20, () => token(one, client))).toEqual({ 200: 20 });
    await written(20);
    expect(await times(10, () => token(two, client))).toEqual({ 200: 10 });
    await written(30);
    await eventually(async () => expect(await remaining(two, client)).toBeLessThanOrEqual(9), { everyMs: 100 });
    const got = await times(12, () => token(two, client));
    expect(got[200] ?? 0).toBeLessThanOrEqual(9);
    expect(got[429]).toBeGreaterThanOrEqual(3);
    // One learns of it when it counts itself, and no later than a second after.
    expect(await token(one, client)).toBe(200);
    await eventually(async () => expect(await token(one, client)).toBe(429), { everyMs: 250 });
    expect(new Set((await rows()).map(({ count_key: key }) => key)).size).toBe(1);
    expect(new Set((await rows()).map(({ instance }) => instance)).size).toBe(2);
  });

  it('add up failures of a client from an address: the other one does not look at the right secret any more', async () => {
    expect(await times(19, () => guess(one, client))).toEqual({ 401: 19 });
    // The address is counted as well, and of that quota too little to be told.
    await written(19);
    expect(await guess(two, client)).toBe(401);
    await written(20);
    await eventually(async () => expect(await token(two, client, { 'x-forwarded-for': ADDRESS })).toBe(429), { everyMs: 100 });
    expect(await token(two, client, { 'x-forwarded-for': '2001:db8:5:7::7' })).toBe(200);
    const text = JSON.stringify(await rows());
    expect(text).not.toMatch(/2001:db8/i);
    expect(text).not.toContain(client.clientId);
  });

  it('one that stops leaves what it counted to the one that stays; what is over is cleaned up', async () => {
    await times(35, () => token(one, client));
    await one.stop();
    await written(35);
    expect(await times(2, () => token(two, client))).toEqual({ 200: 2 });
    await written(37);
    await eventually(async () => expect(await remaining(two, client)).toBeLessThanOrEqual(2), { everyMs: 100 });
    clock.advanceSeconds(121);
    expect(await token(two, client)).toBe(200);
    await eventually(async () => expect((await two.get(Cleanup).run())['rate_limit_counts']).toBeGreaterThan(0));
    one = await TestServer.start({ database, clock, issuer: ISSUER, env: ENV });
  });

  it('a single process on the embedded database has nobody to tell, and writes nothing', async () => {
    const lone = await TestServer.start({ env: { ...ENV, WORKERS: '1' } });
    try {
      const other = await lone.driver.registerClient({ scope: 'read' });
      expect(await times(45, () => token(lone, other))).toEqual({ 200: 40, 429: 5 });
      await lone.stop();
      const after = await TestServer.start({ database: lone.database, env: ENV });
      expect(await after.get(Database).query('SELECT * FROM rate_limit_counts')).toEqual([]);
      await after.stop();
    } finally {
      await lone.database.drop();
    }
  });

  it('S5: without their table they go on with what each knows, say so once, and share again when it is back', async () => {
    await one.get(Database).execute('ALTER TABLE rate_limit_counts RENAME TO rate_limit_counts_away');
    expect(await times(42, () => token(one, client))).toEqual({ 200: 40, 429: 2 });
    await eventually(() => expect(messages(one)).toEqual(['rate limits cannot be shared: every instance counts by itself']));
    expect(await times(42, () => token(two, client))).toEqual({ 200: 40, 429: 2 });
    await eventually(() => expect(messages(two)).toHaveLength(1));
    await one.get(Database).execute('ALTER TABLE rate_limit_counts_away RENAME TO rate_limit_counts');
    await eventually(() => expect([messages(one), messages(two)]).toEqual(Array(2).fill([expect.stringMatching(/cannot be shared/), 'rate limits are shared again'])));
    await written(80);
  });
});

describe.each(databaseKinds().filter((kind) => kind === 'MariaDB'))('S5, F15: a frozen database (%s)', () => {
  it('limits answer at once, and let nobody through who was refused before', async () => {
    const mariadb = await PrivateMariadb.start();
    const server = await TestServer.start({ database: await mariadb.createDatabase(), env: ENV });
    try {
      const client = await server.driver.registerClient({ scope: 'read' });
      await times(20, () => guess(server, client));
      expect(await guess(server, client)).toBe(429);
      mariadb.freeze();
      const began = performance.now();
      const answers = await Promise.all(Array.from({ length: 50 }, () => server.driver.form('/oauth/token', { grant_type: 'client_credentials' }, client, { 'x-forwarded-for': ADDRESS })));
      answers.forEach((answer) => expectOAuthError(answer, 429, 'temporarily_unavailable'));
      // Far below what a statement may take before it is given up.
      expect(performance.now() - began).toBeLessThan(1500);
    } finally {
      mariadb.thaw();
      await server.stop();
      await mariadb.remove();
    }
  });
});
