import { Cleanup } from '../../src/database/cleanup.js';
import { Database } from '../../src/database/database.js';
import { GrantUsage } from '../../src/grants/usage/grant-usage.js';
import { describeOnEachDatabase } from '../support/databases.js';
import { type Credentials, type RegisteredUser, type UserCredentials } from '../support/oauth-driver.js';
import { expectOAuthError } from '../support/oauth-errors.js';
import { ADMIN, TestServer } from '../support/test-server.js';

const HOUR = 3600;
const DAY = 24 * HOUR;
const TABLES = ['access_tokens', 'token_families', 'password_attempts', 'grant_usage', 'password_grant_users'] as const;
/** Days for which counts of use are kept. */
const USAGE_DAYS = 760;

type Rows = Partial<Record<(typeof TABLES)[number], number>>;

describeOnEachDatabase('The clean-up of what users leave behind', (kind) => {
  let server: TestServer;
  let other: TestServer;
  let user: RegisteredUser;
  let serial = 0;

  beforeAll(async () => {
    const env = { TRUST_PROXY: 'loopback', PASSWORD_ATTEMPT_LIMIT: '1', LAST_USED_FLUSH_SECONDS: '3600' };
    server = await TestServer.start({ kind, env });
    other = await TestServer.start({ database: server.database, issuer: server.issuer, clock: server.clock, env });
  });
  /** Each begins with empty tables, at noon: what is kept in whole days ends at a midnight. */
  beforeEach(async () => {
    for (const instance of [server, other]) await instance.get(GrantUsage).flush();
    for (const table of TABLES) await server.get(Database).execute(`DELETE FROM ${table}`);
    server.clock.advanceSeconds(DAY - (server.clock.nowMs() / 1000 + HOUR * 12) % DAY);
    server.driver.renewAdminToken();
    user = await server.driver.registerUser({ username: `user-${++serial}` });
  });
  afterAll(async () => {
    await other?.stop();
    await server?.stop();
  });

  const rowsIn = async (table: string): Promise<number> => Number((await server.get(Database).query<{ n: number | string }>(`SELECT COUNT(*) AS n FROM ${table}`))[0].n);
  const rows = async (): Promise<Rows> => Object.fromEntries(await Promise.all(TABLES.map(async (table) => [table, await rowsIn(table)] as const)));
  const some = (counts: Record<string, number>): Rows => Object.fromEntries(Object.entries(counts).filter(([table, n]) => n > 0 && (TABLES as readonly string[]).includes(table)));
  const backlog = async (at = server): Promise<Rows> => some(await at.get(Cleanup).backlog());
  const run = async (at = server): Promise<Rows> => some(await at.get(Cleanup).run());
  /** What was used so far is in the database: the admin's own use aside. */
  const counted = async () => {
    await server.get(GrantUsage).flush();
    await server.get(Database).execute('DELETE FROM grant_usage WHERE client_id = ?', [ADMIN.clientId]);
  };
  const expectTime = (time: RegExp) => expect(new Date(server.clock.nowMs()).toISOString()).toMatch(time);
  const register = (metadata: Record<string, unknown> = {}) => server.driver.registerClient({ grant_types: ['password', 'refresh_token'], scope: 'a', ...metadata });
  const signInFrom = (address: string, client: Credentials, { username, password }: UserCredentials = user) =>
    server.driver.form('/oauth/token', { grant_type: 'password', username, password }, client, { 'x-forwarded-for': address });

  /** They wait, are counted without being touched, by whichever instance, and are gone after one round. */
  async function expectCleaned(expected: Rows): Promise<void> {
    const before = await rows();
    expect([await backlog(), await backlog(other), await backlog()]).toEqual([expected, expected, expected]);
    expect(await rows()).toEqual(before);
    expect(await run()).toEqual(expected);
    expect(await backlog()).toEqual({});
    for (const table of TABLES) expect([table, await rowsIn(table)]).toEqual([table, before[table]! - (expected[table] ?? 0)]);
  }

  it('there is nothing to do where nothing has expired', async () => {
    const client = await register({ access_token_format: 'opaque' });
    await server.driver.signIn(client, user);
    await counted();
    expect(await rows()).toEqual({ access_tokens: 1, token_families: 1, password_attempts: 3, grant_usage: 2, password_grant_users: 1 });
    await expectCleaned({});
  });

  it('opaque access tokens of users wait as soon as they have expired', async () => {
    const client = await register({ access_token_format: 'opaque', access_token_lifetime: 300 });
    await server.driver.signIn(client, user);
    server.clock.advanceSeconds(200);
    const { accessToken } = await server.driver.signIn(client, user);
    server.clock.advanceSeconds(101);
    await expectCleaned({ access_tokens: 1 });
    expect((await server.driver.introspect(client, accessToken)).body).toMatchObject({ active: true });
  });

  describe('families of refresh tokens', () => {
    it('wait from the midnight that follows a day after the end of their last refresh token: no access token lives longer', async () => {
      await server.driver.signIn(await register({ refresh_token_lifetime: 2 * HOUR, refresh_token_idle_lifetime: HOUR }), user);
      await server.driver.signIn(await register({ refresh_token_lifetime: 2 * HOUR, refresh_token_idle_lifetime: HOUR, access_token_lifetime: DAY }), user);
      server.clock.advanceSeconds(12 * HOUR);
      server.clock.advanceSeconds(1);
      await expectCleaned({ password_attempts: 2 });
      server.clock.advanceSeconds(DAY - 1);
      expectTime(/T00:00:00/);
      await expectCleaned({});
      server.clock.advanceSeconds(1);
      await expectCleaned({ token_families: 2 });
    });

    it('stay while their refresh token can still be used: a use moves the end', async () => {
      const client = await register({ refresh_token_lifetime: 30 * DAY, refresh_token_idle_lifetime: 2 * DAY });
      let { refreshToken } = await server.driver.signIn(client, user);
      for (let i = 0; i < 4; i++) {
        server.clock.advanceSeconds(2 * DAY - 1);
        expect((await run()).token_families).toBeUndefined();
        ({ refreshToken } = await server.driver.refreshed(client, refreshToken));
      }
      server.clock.advanceSeconds(4 * DAY);
      expect((await backlog()).token_families).toBe(1);
      expectOAuthError(await server.driver.refresh(client, refreshToken), 400, 'invalid_grant');
      expect((await run()).token_families).toBe(1);
      expectOAuthError(await server.driver.refresh(client, refreshToken), 400, 'invalid_grant');
    });

    it('stay while a use of an older token would give away that it was stolen', async () => {
      const client = await register({ refresh_token_lifetime: 30 * DAY, refresh_token_idle_lifetime: 7 * DAY });
      const first = await server.driver.signIn(client, user);
      const second = await server.driver.refreshed(client, first.refreshToken);
      server.clock.advanceSeconds(6 * DAY);
      expect((await run()).token_families).toBeUndefined();
      expectOAuthError(await server.driver.refresh(client, first.refreshToken), 400, 'invalid_grant');
      expectOAuthError(await server.driver.refresh(client, second.refreshToken), 400, 'invalid_grant');
      server.driver.renewAdminToken();
      const { items } = (await server.driver.adminRequest<{ items: { type: string; user_id: string }[] }>('GET', '/audit-events?type=refresh_token.reused&limit=1')).body;
      expect(items).toMatchObject([{ user_id: user.userId }]);
    });

    it('that were revoked stay until they would have ended, and do not come alive by the round', async () => {
      const client = await register({ refresh_token_lifetime: 2 * DAY, refresh_token_idle_lifetime: DAY, access_token_lifetime: DAY });
      const { accessToken, refreshToken } = await server.driver.signIn(client, user);
      expect((await server.driver.revoke(client, refreshToken)).status).toBe(200);
      server.clock.advanceSeconds(DAY - 1);
      expect((await run()).token_families).toBeUndefined();
      for (const token of [accessToken, refreshToken]) expect((await server.driver.introspect(client, token)).body).toEqual({ active: false });
      server.clock.advanceSeconds(2 * DAY);
      expect((await run()).token_families).toBe(1);
    });
  });

  describe('counters of password guesses', () => {
    const guess = (address: string, client: Credentials) => signInFrom(address, client, { ...user, password: 'not this one' });

    it('wait from the midnight after their window has ended', async () => {
      await guess('203.0.113.1', await register());
      await guess('203.0.113.2', await register());
      expect((await rows()).password_attempts).toBe(5);
      server.clock.advanceSeconds(12 * HOUR);
      await expectCleaned({});
      server.clock.advanceSeconds(1);
      await expectCleaned({ password_attempts: 5 });
    });

    it('stay while their limit holds, over midnight too', async () => {
      const client = await register();
      server.clock.advanceSeconds(12 * HOUR - 5 * 60);
      await guess('203.0.113.1', client);
      server.clock.advanceSeconds(10 * 60);
      expectTime(/T00:05:00/);
      await expectCleaned({});
      expectOAuthError(await signInFrom('203.0.113.1', client), 400, 'invalid_grant');
      server.clock.advanceSeconds(5 * 60);
      expect((await signInFrom('203.0.113.1', client)).status).toBe(200);
    });

    it('stay where they say that an address is known, for 30 days: there she may sign in while others try passwords from everywhere', async () => {
      const client = await register();
      expect((await signInFrom('203.0.113.1', client)).status).toBe(200);
      server.clock.advanceSeconds(29 * DAY);
      await expectCleaned({ token_families: 1, password_attempts: 2 });
      for (let i = 10; i < 20; i++) await guess(`203.0.113.${i}`, client);
      expectOAuthError(await signInFrom('203.0.113.99', client), 400, 'invalid_grant');
      expect((await signInFrom('203.0.113.1', client)).status).toBe(200);
      server.clock.advanceSeconds(31 * DAY + 12 * HOUR);
      expect((await run()).password_attempts).toBeGreaterThan(0);
      expect(await rowsIn('password_attempts')).toBe(0);
    });
  });

  it('counts of use wait after two years and a month, and the users that were counted with them', async () => {
    const client = await register();
    const later = await server.driver.registerUser({ username: `later-${serial}` });
    await server.driver.signIn(client, user);
    server.clock.advanceSeconds(DAY);
    await server.driver.signIn(client, later);
    await counted();
    server.clock.advanceSeconds((USAGE_DAYS - 1) * DAY);
    await run();
    expect(await rows()).toMatchObject({ grant_usage: 4, password_grant_users: 2 });
    server.clock.advanceSeconds(1);
    await expectCleaned({ password_grant_users: 1 });
    server.clock.advanceSeconds(DAY);
    await expectCleaned({ grant_usage: 2, password_grant_users: 1 });
    server.clock.advanceSeconds(DAY);
    await expectCleaned({ grant_usage: 2 });
  });

  it('two instances at once do not get in each other’s way: together they delete each row once, and neither reports a failure', async () => {
    const database = server.get(Database);
    const [past, ahead] = [server.clock.nowMs() - 1, server.clock.nowMs() + DAY * 1000];
    const token = (i: number, at: number) => `('${String(i).padStart(64, '0')}', 'c', 'g', 's', '', '[]', 1, ${at})`;
    const counter = (i: number, at: number) => `('${String(i).padStart(64, '0')}', 0, 0, 1, 1, 0, ${at})`;
    for (let at = 0; at < 2500; at += 500) {
      const part = Array.from({ length: 500 }, (_, i) => at + i);
      await database.execute(`INSERT INTO access_tokens (digest, client_id, client_generation, subject, scope, audience, issued_at, expires_at) VALUES ${part.map((i) => token(i, i < 2400 ? past : ahead)).join(', ')}`);
      await database.execute(`INSERT INTO password_attempts (attempt_key, pending, failures, window_ends_at, pending_until, announced_window, purge_after) VALUES ${part.map((i) => counter(i, i < 2300 ? past : ahead)).join(', ')}`);
    }
    expect(await backlog()).toEqual({ access_tokens: 2400, password_attempts: 2300 });
    const logged = [server.logLines.length, other.logLines.length];
    const rounds = await Promise.all([run(server), run(other), run(server), run(other)]);
    const deleted = (table: keyof Rows) => rounds.reduce((sum, round) => sum + (round[table] ?? 0), 0);
    // A round that found another one at it has left it what was there then.
    await run();
    expect(await backlog()).toEqual({});
    expect([deleted('access_tokens'), deleted('password_attempts')]).toEqual([2400, 2300]);
    expect(await rows()).toMatchObject({ access_tokens: 100, password_attempts: 200 });
    expect([...server.logLines.slice(logged[0]), ...other.logLines.slice(logged[1])].filter((line) => /fail|error/i.test(line))).toEqual([]);
  });
});
