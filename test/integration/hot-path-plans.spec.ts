import { AuditLog } from '../../src/audit/audit-log.js';
import { ClientSecretUsage } from '../../src/clients/client-secret-usage.js';
import { ChangeFeed } from '../../src/database/change-feed.js';
import { Cleanup } from '../../src/database/cleanup.js';
import { GrantUsage } from '../../src/grants/usage/grant-usage.js';
import { BackchannelLogouts } from '../../src/logout/backchannel-logouts.js';
import { SharedCounts } from '../../src/rate-limits/shared-counts.js';
import { UserLogins } from '../../src/users/user-logins.js';
import { authorizationQuery, authorizationUrl, CALLBACK } from '../support/authorization-url.js';
import { Browser, hiddenFields } from '../support/browser.js';
import { CodeFlow } from '../support/code-flow.js';
import { createDatabase, describeOnEachDatabase, type TestDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { growingTables, growTables } from '../support/grown-tables.js';
import { HttpTarget } from '../support/http-target.js';
import { type Answer, basic, type Credentials, type RegisteredUser } from '../support/oauth-driver.js';
import { lookupsIn, refreshStatistics, scansOf, tablesIn } from '../support/query-plans.js';
import { Scrape } from '../support/scrape.js';
import { StatementLog } from '../support/statement-log.js';
import { TestServer } from '../support/test-server.js';

/** Tables that stay small however long a server runs and however many use it: reading all of one is the right way. */
const SMALL = [
  // A few keys for each algorithm: the active one, the next, and the last ones.
  'signing_keys',
  'stored_secrets',
  // One row for each API that the server protects, and for each of its scopes; all of them are in memory.
  'resources',
  'resource_scopes',
];

/** How many logouts wait to be delivered, once a minute at most: the answer is how much was read. */
const COUNTS_ALL = /^SELECT COUNT\(\*\) AS n FROM \(SELECT 1 AS one FROM backchannel_logouts LIMIT 1000000\)/;

const ROWS = 3000;
const ISSUER = 'http://127.0.0.1:3998';
const BYE = 'https://app.example/bye';
const PUSHED = 'urn:ietf:params:oauth:request_uri:';

describeOnEachDatabase('Tables that have grown are read by an index', (kind) => {
  const log = new StatementLog();
  const searched = new Set<string>();
  let database: TestDatabase;
  let receiver: HttpTarget;
  let server: TestServer;
  let other: TestServer;
  let tables: string[];
  let user: RegisteredUser;
  let app: Credentials;
  let opaque: Credentials;

  // Two processes on one embedded database are what WORKERS makes: only then are limits shared there, too, and of those alone who use a twentieth of theirs.
  const start = () => TestServer.start({ database, issuer: ISSUER, env: { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_TOKEN_PER_MINUTE: '100', WORKERS: '2', OUTBOUND_ALLOWED_HOSTS: receiver.host, DATABASE_DEADLINE_MS: '10000' } });

  beforeAll(async () => {
    database = await createDatabase(kind);
    receiver = await HttpTarget.start();
    const first = await start();
    tables = growingTables(first, SMALL);
    await growTables(first, tables, ROWS);
    await refreshStatistics(first, tables);
    await first.stop();
    log.open();
    [server, other] = [await start(), await start()];
    user = await server.driver.registerUser({ username: 'margaret', email: 'margaret@example.com' });
    app = await server.driver.registerClient({
      grant_types: ['client_credentials', 'password', 'refresh_token', 'authorization_code'], redirect_uris: [CALLBACK], post_logout_redirect_uris: [BYE], scope: 'openid email offline_access read', backchannel_logout_uri: `http://${receiver.host}/bcl`,
    });
    opaque = await server.driver.registerClient({ scope: 'read', access_token_format: 'opaque' });
  }, 120_000);
  afterAll(async () => {
    log.close();
    await server?.stop();
    await other?.stop();
    await receiver?.close();
    await database?.drop();
  });

  /** No statement since the last time scans a table that grows. @param expected tables in which rows must have been looked for by now */
  async function expectIndexed(...expected: string[]): Promise<void> {
    const lookups = lookupsIn(new Map([...log.take()].filter(([sql]) => !COUNTS_ALL.test(sql))), tables);
    expect(await scansOf(server, lookups, tables)).toEqual([]);
    for (const table of tablesIn(lookups)) searched.add(table);
    expect(expected.filter((table) => !searched.has(table))).toEqual([]);
  }

  const ok = async (answer: Promise<Answer>, status = 200): Promise<Answer> => {
    const { text, ...rest } = await answer;
    expect({ status: rest.status, text }).toEqual({ status, text: expect.any(String) as string });
    return { text, ...rest };
  };
  const access = ({ body }: Answer): string => body['access_token'] as string;
  const verify = (token: string, status = 204) => ok(server.driver.request('GET', '/gateway/verify', { headers: { authorization: `Bearer ${token}` } }), status);

  it('at the start of an instance', () => expectIndexed('changes', 'clients'));

  it('when clients get, show and revoke tokens of their own', async () => {
    const jwt = access(await ok(server.driver.token(app, { scope: 'read' })));
    const value = access(await ok(server.driver.token(opaque)));
    await ok(server.driver.token({ ...app, clientSecret: 'wrong' }), 401);
    await ok(server.driver.token({ clientId: 'nobody', clientSecret: 'wrong' }), 401);
    for (const [client, token] of [[app, jwt], [opaque, value]] as const) {
      await verify(token);
      expect((await ok(server.driver.introspect(client, token))).body).toMatchObject({ active: true });
    }
    await ok(server.driver.revoke(app, jwt));
    await ok(server.driver.revoke(opaque, value));
    await verify(value, 401);
    await expectIndexed('clients', 'client_secrets', 'access_tokens');
  });

  it('when users sign in by password, and their tokens are refreshed, replayed and revoked', async () => {
    await ok(server.driver.passwordGrant(app, { ...user, password: 'wrong' }), 400);
    await ok(server.driver.passwordGrant(app, { username: 'nobody', password: 'wrong' }), 400);
    const { refreshToken: first, accessToken } = await server.driver.signIn(app, user, { scope: 'read' });
    await verify(accessToken);
    const { refreshToken: second } = await server.driver.refreshed(app, first);
    expect((await server.driver.refreshed(app, first)).refreshToken).toBe(second);
    const { refreshToken: third } = await server.driver.refreshed(app, second);
    expect((await ok(server.driver.introspect(app, third))).body).toMatchObject({ active: true });
    await ok(server.driver.refresh(app, first), 400);
    await ok(server.driver.revoke(app, (await server.driver.signIn(app, user, { scope: 'read' })).refreshToken));
    await expectIndexed('users', 'password_attempts', 'token_families');
  });

  it('when users sign in at the pages, consent, and are sent back with a code', async () => {
    const browser = new Browser(server.url, server.issuer);
    expect((await browser.authorize(authorizationUrl(app, { scope: 'openid email' }), user)).location?.href).toContain('code=');
    const flow = await CodeFlow.signedIn(server, user);
    const code = await flow.code(app, { scope: 'openid email' });
    const issued = await ok(flow.redeem(app, code));
    await ok(server.driver.request('GET', '/oauth/userinfo', { headers: { authorization: `Bearer ${access(issued)}` } }));
    await ok(flow.redeem(app, code), 400);
    await ok(flow.redeem(app, await flow.code(app, { scope: 'openid email' }), { code_verifier: 'x'.repeat(43) }), 400);
    const pushed = await ok(server.driver.request('POST', '/oauth/par', { headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: basic(app) }, body: authorizationQuery(app, { scope: 'openid' }) }), 201);
    const query = new URLSearchParams({ client_id: app.clientId, request_uri: pushed.body['request_uri'] as string });
    expect(pushed.body['request_uri']).toContain(PUSHED);
    expect((await flow.browser.follow(await flow.browser.get(`/oauth/authorize?${query.toString()}`))).location?.href).toContain('code=');
    await ok(server.driver.request('OPTIONS', '/oauth/token', { headers: { origin: new URL(CALLBACK).origin, 'access-control-request-method': 'POST' } }), 204);
    await expectIndexed('authorization_requests', 'pushed_authorization_requests', 'authorization_codes', 'sessions', 'consents', 'token_families', 'client_origins');
  });

  it('when users see to their account, and sign out everywhere', async () => {
    const flow = await CodeFlow.signedIn(server, user);
    const elsewhere = await CodeFlow.signedIn(server, user);
    const tokens = await flow.tokens(app, { scope: 'openid' });
    await elsewhere.tokens(app, { scope: 'openid' });
    const page = await flow.browser.get('/account');
    await ok(flow.browser.post('/account/sessions/end-others', hiddenFields(page.text)), 303);
    await ok(flow.browser.post('/account/consents/revoke', { ...hiddenFields(page.text), client_id: app.clientId }), 303);
    await ok(flow.browser.get(`/oauth/logout?${new URLSearchParams({ id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE }).toString()}`), 303);
    // Of the session that asked to end the others, of `elsewhere`, and of the one of the test before.
    await eventually(() => expect(receiver.requests).toHaveLength(3));
    await expectIndexed('sessions', 'consents', 'token_families', 'backchannel_logouts');
  });

  it('when instances follow each other and write what they noted', async () => {
    for (const instance of [server, other]) {
      await instance.get(SharedCounts).exchange();
      await instance.get(ChangeFeed).poll();
      await instance.get(ClientSecretUsage).flush();
      await instance.get(UserLogins).flush();
      await instance.get(GrantUsage).flush();
      await instance.get(AuditLog).flush();
      await Scrape.of(instance.url);
    }
    server.clock.advanceSeconds(600);
    await server.get(ChangeFeed).poll();
    await expectIndexed('changes', 'client_secrets', 'users', 'rate_limit_counts', 'backchannel_logouts');
  });

  it('when what has expired is counted and deleted', async () => {
    const cleanup = server.get(Cleanup);
    expect(await server.get(BackchannelLogouts).countWaiting()).toBeGreaterThan(0);
    expect((await cleanup.backlog())['token_families']).toBeGreaterThan(0);
    expect((await cleanup.run())['token_families']).toBeGreaterThan(0);
    await expectIndexed(...cleanup.deleted.keys());
  });
});
