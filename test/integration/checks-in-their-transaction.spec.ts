import { DataSource } from 'typeorm';
import { en } from '../../src/pages/texts/en.js';
import { expectErrorPage, expectPage } from '../support/authorization-answers.js';
import { authorizationUrl, CALLBACK } from '../support/authorization-url.js';
import { Browser, formAction, hiddenFields } from '../support/browser.js';
import { CodeFlow } from '../support/code-flow.js';
import { describeOnEachDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { type HeldTransaction, holdNextTransaction } from '../support/held-transaction.js';
import { decodeJwt, PASSWORD, type RegisteredUser } from '../support/oauth-driver.js';
import { expectOAuthError } from '../support/oauth-errors.js';
import { keysOf, rotate, wait } from '../support/signing-keys.js';
import { TestServer } from '../support/test-server.js';

const SESSION = 'mintgate_session';
const ATTEMPT_LIMIT = 3;
const PAY = 'https://api.example.com/pay';
const OPEN = 'https://api.example.com/open';

describeOnEachDatabase('a check and what is done by it', (kind) => {
  let server: TestServer;
  /** Another instance on the same database, at which the change is made. */
  let sibling: TestServer;
  let held: HeldTransaction | undefined;
  let serial = 0;

  beforeAll(async () => {
    const env = {
      CHANGE_FEED_INTERVAL_MS: '50',
      PASSWORD_ATTEMPT_LIMIT: String(ATTEMPT_LIMIT),
      // The transaction that a test holds is not one that writes behind.
      LAST_USED_FLUSH_SECONDS: '3600',
    };
    server = await TestServer.start({ kind, env });
    sibling = await TestServer.start({ database: server.database, issuer: server.issuer, clock: server.clock, env });
  });
  beforeEach(() => (held = undefined));
  afterEach(() => held?.release());
  afterAll(async () => {
    await sibling?.stop();
    await server?.stop();
  });

  const newUser = (): Promise<RegisteredUser> => server.driver.registerUser({ username: `user-${++serial}` });
  const register = (metadata: Record<string, unknown> = {}) =>
    server.driver.registerClient({
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [CALLBACK],
      ...metadata,
    });
  const admin = async (method: string, path: string, body?: unknown, at = sibling) => {
    const answer = await at.driver.adminRequest(method, path, body);
    expect([200, 204]).toContain(answer.status);
  };
  async function signedIn(user: RegisteredUser): Promise<Browser> {
    const browser = new Browser(server.url);
    const page = await browser.signIn(await browser.get('/account'), user);
    expect(page.text).toContain(en.account.sessions);
    return browser;
  }
  async function isSignedIn(browser: Browser): Promise<boolean> {
    return (await browser.get('/account')).text.includes(en.account.sessions);
  }
  /** Takes a table away while `work` runs, so that the transaction which needs it fails. */
  async function without<T>(table: string, work: () => Promise<T>): Promise<T> {
    const dataSource = server.get(DataSource);
    await dataSource.query(`ALTER TABLE ${table} RENAME TO ${table}_away`);
    try {
      return await work();
    } finally {
      await dataSource.query(`ALTER TABLE ${table}_away RENAME TO ${table}`);
    }
  }

  describe('a session', () => {
    it('that ends while its user signs in once more is followed by one with another sid', async () => {
      const user = await newUser();
      const client = await register({ skip_consent: true, scope: 'openid' });
      const flow = await CodeFlow.signedIn(server, user);
      const sidOf = (token: string) => decodeJwt(token).claims['sid'];
      const before = sidOf((await flow.tokens(client, { scope: 'openid' })).id_token);
      const again = authorizationUrl(client, { scope: 'openid', prompt: 'login' });
      const page = await flow.browser.follow(await flow.browser.get(again));
      held = holdNextTransaction(server);
      const fields = { ...hiddenFields(page.text), username: user.username, password: PASSWORD };
      const answer = flow.browser.post(formAction(page), fields);
      await held.reached;
      const elsewhere = new Browser(sibling.url, sibling.issuer);
      elsewhere.setCookie(SESSION, flow.browser.cookie(SESSION)!);
      const signOut = hiddenFields((await elsewhere.get('/account')).text);
      expect((await elsewhere.post('/account/logout', signOut)).status).toBe(200);
      held.release();
      expect((await answer).status).toBe(303);
      const after = sidOf((await flow.tokens(client, { scope: 'openid' })).id_token);
      expect(after).not.toBe(before);
    });

    it('that cannot be ended now keeps its cookie, so that the user can sign out later', async () => {
      const browser = await signedIn(await newUser());
      const fields = hiddenFields((await browser.get('/account')).text);
      const refused = await without('audit_events', () => browser.post('/account/logout', fields));
      expect(refused.status).toBeGreaterThanOrEqual(500);
      expect(await isSignedIn(browser)).toBe(true);
      expect((await browser.post('/account/logout', fields)).status).toBe(200);
      expect(await isSignedIn(browser)).toBe(false);
    });

    it('is replaced by that of another user in one transaction: if its end fails, it goes on', async () => {
      const [one, other] = [await newUser(), await newUser()];
      const client = await register({ skip_consent: true });
      const flow = await CodeFlow.signedIn(server, one);
      const page = await flow.browser.follow(await flow.browser.get(authorizationUrl(client, { prompt: 'login' })));
      const cookie = flow.browser.cookie(SESSION);
      const fields = { ...hiddenFields(page.text), username: other.username, password: PASSWORD };
      const refused = await without('audit_events', () => flow.browser.post(formAction(page), fields));
      expect(refused.status).toBeGreaterThanOrEqual(500);
      expect(flow.browser.cookie(SESSION)).toBe(cookie);
      expect(await isSignedIn(flow.browser)).toBe(true);
    });
  });

  it('the audit log tells of a reached limit though the first attempt to write that fails', async () => {
    const user = await newUser();
    const browser = new Browser(server.url);
    const page = await browser.get('/account');
    const fields = { ...hiddenFields(page.text), username: user.username, password: 'wrong' };
    const attempt = () => browser.post('/account/login', fields);
    for (let i = 0; i < ATTEMPT_LIMIT; i++) expect((await attempt()).status).toBe(400);
    expect((await without('audit_events', attempt)).status).toBeGreaterThanOrEqual(500);
    for (let i = 0; i < 2; i++) expect((await attempt()).status).toBe(400);
    const path = `/audit-events?type=user.login_throttled&user_id=${user.userId}`;
    expect((await server.driver.adminRequest<{ items: object[] }>('GET', path)).body.items).toHaveLength(1);
  });

  describe('a client that must use PKCE by now (RFC 9700 §2.1.1)', () => {
    const STRICTER = [
      ['require_pkce', { require_pkce: true }],
      ['no secret', { require_pkce: true, token_endpoint_auth_method: 'none' }],
    ] as const;
    const PLAIN = { code_challenge: undefined, code_challenge_method: undefined };
    const registerPlain = () => register({ skip_consent: true, require_pkce: false });

    it.each(STRICTER)('gets no code for a request without a challenge that was begun before: %s', async (_, change) => {
      const user = await newUser();
      const client = await registerPlain();
      const browser = new Browser(server.url);
      const page = await browser.follow(await browser.get(authorizationUrl(client, PLAIN)));
      expectPage(page, 'login');
      await admin('PATCH', `/clients/${client.clientId}`, change, server);
      expectErrorPage(await browser.signIn(page, user), 400);
    });

    it.each(STRICTER)('gets no token for a code without a challenge: %s', async (_, change) => {
      const client = await registerPlain();
      const flow = await CodeFlow.signedIn(server, await newUser());
      const code = await flow.code(client, PLAIN);
      await admin('PATCH', `/clients/${client.clientId}`, change, server);
      const clientSecret = 'token_endpoint_auth_method' in change ? '' : client.clientSecret;
      const answer = await flow.redeem({ ...client, clientSecret }, code, { code_verifier: undefined });
      expectOAuthError(answer, 400, 'invalid_grant');
    });

    it('gets no code for a request that was not pushed when it must push by now (RFC 9126 §5)', async () => {
      const user = await newUser();
      const client = await register({ skip_consent: true });
      const browser = new Browser(server.url);
      const page = await browser.follow(await browser.get(authorizationUrl(client)));
      await admin('PATCH', `/clients/${client.clientId}`, { require_pushed_authorization_requests: true }, server);
      expectErrorPage(await browser.signIn(page, user), 400);
    });
  });

  describe('the audience of a token is that of now', () => {
    const verify = async (token: string, audience: string, at = server) => {
      const headers = { authorization: `Bearer ${token}` };
      return (await at.driver.request('GET', `/gateway/verify?audience=${audience}`, { headers })).status;
    };

    it.each(['jwt', 'opaque'])('a token (%s) for a resource that was deleted since is inactive', async (format) => {
      const scopes = [{ name: `pay:${format}` }];
      const resource = await server.driver.registerResource({ identifier: `${PAY}/${format}`, scopes });
      const client = await server.driver.registerClient({ scope: `pay:${format}`, access_token_format: format });
      const token = await server.driver.accessToken(client);
      expect(await verify(token, `${PAY}/${format}`)).toBe(204);
      await admin('DELETE', `/resources/${String(resource['resource_id'])}`, undefined, server);
      expect((await server.driver.introspect(client, token)).body).toEqual({ active: false });
      expect(await verify(token, `${PAY}/${format}`)).toBe(401);
      await eventually(async () => expect(await verify(token, `${PAY}/${format}`, sibling)).toBe(401));
    });

    it('a token for a resource without scopes is inactive once its client is not registered for it', async () => {
      await server.driver.registerResource({ identifier: OPEN, scopes: [] });
      await server.driver.registerResource({ identifier: PAY, scopes: [{ name: 'pay' }] });
      const client = await server.driver.registerClient({ scope: 'pay', resources: [OPEN] });
      const only = await server.driver.accessToken(client, { resource: OPEN, scope: '' });
      const both = await server.driver.accessToken(client, { resource: [OPEN, PAY] });
      expect(await verify(only, OPEN)).toBe(204);
      await admin('PATCH', `/clients/${client.clientId}`, { resources: [] }, server);
      expect((await server.driver.introspect(client, only)).body).toEqual({ active: false });
      expect((await server.driver.introspect(client, both)).body).toMatchObject({ active: true, aud: PAY });
      expect([await verify(only, OPEN), await verify(both, OPEN), await verify(both, PAY)]).toEqual([401, 401, 204]);
    });
  });

  it('a rotation does not make a key active that an emergency put in the place of the next one meanwhile', async () => {
    await rotate(server);
    wait(server);
    const before = await keysOf(server);
    const next = before.find(({ status }) => status === 'next')!;
    held = holdNextTransaction(server);
    const rotation = server.driver.adminRequest('POST', '/keys/rotate', { alg: next.alg });
    await held.reached;
    sibling.driver.renewAdminToken();
    await admin('DELETE', `/keys/${next.kid}`);
    held.release();
    await rotation;
    const fresh = (await keysOf(server)).filter(({ kid }) => !before.some((known) => known.kid === kid));
    expect(fresh.map(({ status }) => status)).toEqual(['next']);
  });
});
