import { randomBytes } from 'node:crypto';
import { Exposition } from '../../../src/metrics/exposition.js';
import { Browser } from '../../support/browser.js';
import { CodeFlow } from '../../support/code-flow.js';
import { describeOnOneDatabase, mariadbPort } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { assertNoSecret, assertNoSecretIn, plant } from '../../support/leak-watch.js';
import { freePort } from '../../support/mariadb.js';
import { type Answer, basic } from '../../support/oauth-driver.js';
import { filled, routesOf } from '../../support/routes.js';
import { ADMIN, KEY_ENCRYPTION_KEY, TestServer } from '../../support/test-server.js';

/** A secret of a shape that gives nothing away, to be found nowhere. */
function canary(): string {
  const value = `canary-${randomBytes(9).toString('hex')}`;
  plant(value);
  return value;
}

/** Names of parameters, members and cookies that requests may hold, all of them at once. */
const NAMES = [
  'client_id', 'client_secret', 'client_assertion', 'client_assertion_type', 'grant_type', 'code', 'code_verifier', 'code_challenge', 'redirect_uri', 'refresh_token', 'access_token', 'token', 'token_type_hint',
  'scope', 'resource', 'audience', 'username', 'password', 'state', 'nonce', 'login_hint', 'id_token_hint', 'request', 'request_uri', 'prompt', 'response_type', 'response_mode', 'acr_values', 'claims', 'ui_locales',
  'post_logout_redirect_uri', 'logout_token', 'decision', 'csrf_token', 'current_password', 'new_password', 'password_hash', 'email', 'key', 'cursor', 'before', 'type', 'q', 'limit', 'anything',
];

/** A token in the place of an id is refused; what is harmless in form is the caller's own name for its request, meant to be logged. */
const headersWith = (secret: string): Record<string, string> => ({
  cookie: `mintgate_session=${secret}; mintgate_form=${secret}; other=${secret}`, 'user-agent': secret, referer: `https://app.example/?code=${secret}`, origin: `https://${secret}.example`, 'accept-language': secret,
  'x-request-id': `mg_cs_${secret}`, 'x-forwarded-for': secret, 'x-forwarded-host': secret, forwarded: `for=${secret}`, 'x-real-ip': secret, 'if-match': `"${secret}"`, 'if-none-match': `"${secret}"`, traceparent: secret, 'x-api-key': secret,
});

/** Says nothing of what was sent, in whatever it refuses; where a field's name is wrong the answer points at it. */
function refusesInSilence(route: string, { status, text, headers }: Answer<unknown>, secret: string): void {
  if (status < 400) return;
  const told = [text.replace(/"pointer":"[^"]*"/g, ''), ...[...headers].map(([, value]) => value)];
  expect([route, status, told.filter((each) => each.includes(secret))]).toEqual([route, status, []]);
}

describe('the watch over every log, audit log, error answer and metric of the tests', () => {
  it.each([
    `mg_cs_${'a'.repeat(43)}`, `mg_rt_${'-'.repeat(80)}`, 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLXNpZ25hdHVyZQ', '-----BEGIN PRIVATE KEY-----', '$argon2id$v=19$m=19456', 'ab'.repeat(32), 'mysql://user:password@db/x', `Basic ${'QUJD'.repeat(5)}`,
    'canary-of-the-watch', encodeURIComponent('a planted one, with a comma'),
  ])('sees %s', (secret) => {
    plant('a planted one, with a comma', 'canary-of-the-watch');
    expect(() => assertNoSecret('a text', `{"x":"${secret}"}`)).toThrow('a text holds');
    expect(() => assertNoSecretIn('t', [{ a: 1, b: secret }])).toThrow('the table t holds');
  });

  it('passes over ids', () => {
    expect(() => assertNoSecret('a text', `{"trace_id":"${'a'.repeat(32)}","path":"/oauth/token","jti":"${'b'.repeat(22)}","issuer":"http://127.0.0.1:1"}`)).not.toThrow();
  });
});

describeOnOneDatabase('S6: canaries in every place of a request', (kind) => {
  let server: TestServer;
  let adminToken: string;
  const metricsToken = `metrics-${randomBytes(16).toString('hex')}`;
  beforeAll(async () => {
    server = await TestServer.start({ kind, env: { LOG_LEVEL: 'debug', METRICS_TOKEN: metricsToken } });
    adminToken = await server.driver.accessToken(ADMIN);
  });
  // Where its log, its metrics and every row of its audit log are searched.
  afterAll(() => server.stop());

  const everyRoute = () => routesOf(server).filter(({ method }) => ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].includes(method));
  const nothingTold = async (...secrets: string[]) => {
    for (const text of [server.logLines.join('\n'), await server.get(Exposition).text()]) for (const secret of secrets) expect(text).not.toContain(secret);
  };

  it('paths, queries and headers of every route, by nobody and by an admin', async () => {
    const secret = canary();
    const query = new URLSearchParams(NAMES.map((name): [string, string] => [name, secret])).toString();
    const routes = everyRoute();
    expect(routes.length).toBeGreaterThan(40);
    for (const { method, path } of routes) {
      for (const authorization of [basic({ clientId: secret, clientSecret: secret }), `Bearer ${secret}`, secret, `Bearer ${adminToken}`]) {
        const target = `${filled(path, secret)}?${query}`;
        refusesInSilence(`${method} ${target}`, await server.driver.request(method, target, { headers: { ...headersWith(secret), authorization } }), secret);
      }
    }
    for (const path of [`/${secret}`, `/oauth/token/${secret}`, `/oauth/${secret}`, `/admin/v1/clients/${secret}/${secret}`, `/%20${secret}`, `/%zz${secret}`, `/oauth//${secret}`]) {
      for (const method of ['GET', 'POST', 'OPTIONS', 'PROPFIND']) refusesInSilence(`${method} ${path}`, await server.driver.request(method, path, { headers: headersWith(secret) }), secret);
    }
    await nothingTold(secret, adminToken);
    expect(server.logLines.length).toBeGreaterThan(routes.length);
  }, 60_000);

  it('forms and JSON bodies of every route: all fields, fields one by one, malformed', async () => {
    const secret = canary();
    const all = new URLSearchParams(NAMES.map((name): [string, string] => [name, secret])).toString();
    const json = JSON.stringify(Object.fromEntries([...NAMES.map((name): [string, unknown] => [name, secret]), [secret, secret], ['nested', { [secret]: [secret] }]]));
    const urlencoded = { 'content-type': 'application/x-www-form-urlencoded' };
    const asJson = { 'content-type': 'application/json' };
    const bodies: { headers: Record<string, string>; body: string }[] = [
      { headers: urlencoded, body: all }, { headers: urlencoded, body: `${all}&${all}` }, { headers: urlencoded, body: `%zz${secret}=%ff${secret}` }, { headers: asJson, body: json }, { headers: asJson, body: `{"password":"${secret}` },
      { headers: asJson, body: `"${secret}"` }, { headers: asJson, body: `[${secret}]` }, { headers: { 'content-type': `text/${secret}` }, body: secret }, { headers: { ...asJson, 'content-encoding': secret }, body: secret },
    ];
    for (const { method, path } of everyRoute().filter(({ method }) => /POST|PUT|PATCH|DELETE/.test(method))) {
      for (const { headers, body } of bodies) {
        for (const authorization of [undefined, `Bearer ${adminToken}`]) {
          // What an admin names is hers to find in the audit log: only what is refused is looked at.
          if (authorization && body === json && method === 'POST' && /\/(?:clients|users|resources)$/.test(path)) continue;
          const target = filled(path, secret);
          refusesInSilence(`${method} ${path} ${body}`, await server.driver.request(method, target, { headers: { ...headers, ...(authorization ? { authorization } : {}) }, body }), secret);
        }
      }
    }
    for (const name of NAMES) for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke', '/oauth/par']) refusesInSilence(`${path} ${name}`, await server.driver.form(path, { [name]: secret }, ADMIN), secret);
    for (const grant of ['authorization_code', 'refresh_token', 'password', 'client_credentials', 'implicit']) {
      for (const name of NAMES.filter((each) => each !== 'grant_type')) refusesInSilence(`${grant} ${name}`, await server.driver.form('/oauth/token', { grant_type: grant, [name]: secret }, ADMIN), secret);
    }
    await nothingTold(secret);
  }, 60_000);

  it('bytes that are no request', async () => {
    const secret = canary();
    for (const text of [`GET /${secret} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`, `GET ${secret} HTTP/1.1\r\nHost: a\r\n\r\n`, `${secret} / HTTP/1.1\r\nHost: a\r\n\r\n`, `GET / HTTP/1.1\r\nHost: a\r\n${secret}\r\n\r\n`, `GET /#${secret} HTTP/1.1\r\nHost: a\r\n\r\n`, `GET http://${secret}@a/${secret} HTTP/1.1\r\nHost: a\r\n\r\n`]) {
      expect(await server.driver.raw(text, { waitMs: 500 })).not.toContain(secret);
    }
    await nothingTold(secret);
  });

  it('the secrets of flows that succeed and that fail: passwords, codes, tokens, cookies, and a password typed in the place of a name', async () => {
    const [password, wrong, asName, asClient] = [canary(), canary(), canary(), canary()];
    const client = await server.driver.registerClient({ grant_types: ['authorization_code', 'refresh_token', 'password', 'client_credentials'], redirect_uris: ['https://app.example/cb'], scope: 'openid read offline_access' });
    const user = await server.driver.registerUser({ username: 'margaret', password });
    const flow = new Browser(server.url, server.issuer);
    const failed = await flow.signIn(await flow.get('/account'), { username: asName, password: wrong });
    expect(failed.text).not.toContain(wrong);
    const signedIn = await CodeFlow.signedIn(server, user);
    await signedIn.allow(client, user, { scope: 'openid read offline_access', state: canary(), nonce: canary() });
    const code = await signedIn.code(client, { scope: 'openid read offline_access' });
    const first = await signedIn.redeem(client, code);
    expect(first.status).toBe(200);
    expect((await signedIn.redeem(client, code)).status).toBe(400);
    const { refreshToken, accessToken } = await server.driver.signIn(client, user);
    const { refreshToken: second } = await server.driver.refreshed(client, refreshToken);
    for (let i = 0; i < 3; i++) await server.driver.passwordGrant(client, { username: asName, password: wrong });
    await server.driver.passwordGrant(client, { username: user.username, password: wrong });
    await server.driver.token({ clientId: asClient, clientSecret: wrong });
    await server.driver.token({ clientId: client.clientId, clientSecret: wrong });
    await server.driver.form('/oauth/token', { grant_type: 'client_credentials', client_id: asClient, client_secret: wrong });
    await server.driver.introspect(client, accessToken);
    await server.driver.revoke(client, second);
    await server.driver.refresh(client, second);
    await server.driver.adminRequest('PUT', `/users/${user.userId}/password`, { password: canary() });
    await server.driver.adminRequest('POST', `/clients/${client.clientId}/secrets`, {});
    await server.driver.adminRequest('POST', '/keys/rotate', {});
    const audit = await server.driver.adminRequest('GET', '/audit-events?limit=200');
    expect((audit.body as { items?: unknown[] }).items ?? audit.body).not.toHaveLength(0);
    assertNoSecret('the audit log as the API shows it', audit.text);
    await nothingTold(password, wrong, asName, asClient, code, accessToken, refreshToken, second, client.clientSecret, metricsToken, KEY_ENCRYPTION_KEY);
  });

  it('the metrics are there to be searched, and are shown to nobody without their token', async () => {
    expect(await server.get(Exposition).text()).toMatch(/^mintgate_http_requests_total\{/m);
    const { status, text } = await server.driver.request('GET', '/metrics', { headers: { authorization: `Bearer ${canary()}` } });
    expect([status, text.includes(metricsToken)]).toEqual([401, false]);
  });
});

describe('S6: a database that does not let the server in', () => {
  it('the password in its URL is in no line and no answer', async () => {
    const secret = canary();
    const port = mariadbPort() ?? (await freePort());
    const server = await TestServer.start({ withoutReady: true, env: { LOG_LEVEL: 'debug', DATABASE_URL: `mariadb://mintgate:${secret}@127.0.0.1:${port}/nowhere`, DATABASE_DEADLINE_MS: '500' } });
    await eventually(() => expect(server.logLines.some((line) => line.includes('waiting for the database'))).toBe(true), { withinMs: 10_000 });
    for (const path of ['/health/ready', '/.well-known/jwks.json', '/account', '/metrics']) expect((await server.driver.request('GET', path)).text).not.toContain(secret);
    refusesInSilence('token', await server.driver.token({ clientId: secret, clientSecret: secret }), secret);
    refusesInSilence('admin', await server.driver.adminRequest('GET', '/clients', undefined, { token: secret }), secret);
    expect(server.logLines.join('\n')).not.toContain(secret);
    await server.stop();
  });
});
