import { DataSource } from 'typeorm';
import { clientAnswer, expectErrorPage, expectPage, expectRefusal } from '../../support/authorization-answers.js';
import { authorizationUrl, authorizationQuery, CALLBACK, PKCE } from '../../support/authorization-url.js';
import { Browser } from '../../support/browser.js';
import { CodeFlow } from '../../support/code-flow.js';
import { type DatabaseKind, describeOnEachDatabase, describeOnOneDatabase } from '../../support/databases.js';
import type { Credentials, RegisteredUser } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { TestServer } from '../../support/test-server.js';

const SCOPE = 'openid offline_access read';

async function push(server: TestServer, client: Credentials): Promise<string> {
  const { status, text, body } = await server.driver.request('POST', '/oauth/par', {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `${authorizationQuery(client)}&client_secret=${client.clientSecret}`,
  });
  if (status !== 201) throw new Error(`not pushed: ${status} ${text}`);
  return body['request_uri'] as string;
}

const register = (server: TestServer, metadata: Record<string, unknown> = {}) =>
  server.driver.registerClient({ grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [CALLBACK], token_endpoint_auth_method: 'client_secret_post', scope: SCOPE, skip_consent: true, ...metadata });

describeOnOneDatabase('Every opaque value has a use of its own', (kind) => {
  let server: TestServer;
  let client: Credentials;
  let margaret: RegisteredUser;
  let flow: CodeFlow;
  const values: Record<string, string> = {};

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    margaret = await server.driver.registerUser({ username: 'margaret' });
    flow = await CodeFlow.signedIn(server, margaret);
    client = await register(server);
    const tokens = (await redeem(await flow.code(client))).body;
    const waiting = new Browser(server.url);
    await waiting.follow(await waiting.get(authorizationUrl(client)));
    Object.assign(values, {
      'a code': await flow.code(client),
      'a refresh token': tokens['refresh_token'],
      'an access token': tokens['access_token'],
      'an ID token': tokens['id_token'],
      'a client secret': client.clientSecret,
      'a request_uri': await push(server, client),
      'a session cookie': flow.browser.cookie('mintgate_session'),
      'the cookie of a form': waiting.formCookie()?.value,
    });
    expect(Object.entries(values).filter(([, value]) => !value)).toEqual([]);
  });
  afterAll(() => server.stop());

  const asClient = (path: string, form: Record<string, string>) => server.driver.form(path, { ...form, client_id: client.clientId, client_secret: client.clientSecret });
  const authorizePushed = (requestUri: string) => flow.browser.get(`/oauth/authorize?${new URLSearchParams({ client_id: client.clientId, request_uri: requestUri }).toString()}`);
  const redeem = (code: string) => asClient('/oauth/token', { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: PKCE.verifier });

  const NAMES = ['a code', 'a refresh token', 'an access token', 'an ID token', 'a client secret', 'a request_uri', 'a session cookie', 'the cookie of a form'];
  const others = (name: string) => NAMES.filter((each) => each !== name);

  it.each(others('a code'))('RFC 6749 §4.1.3: %s is no code', async (name) => {
    expectOAuthError(await redeem(values[name]), 400, 'invalid_grant');
  });

  it.each(others('a refresh token'))('RFC 6749 §6: %s is no refresh token', async (name) => {
    expectOAuthError(await asClient('/oauth/token', { grant_type: 'refresh_token', refresh_token: values[name] }), 400, 'invalid_grant');
  });

  it.each(others('an access token'))('RFC 6750 §3.1: %s is no access token', async (name) => {
    const answer = await server.driver.request('GET', '/oauth/userinfo', { headers: { authorization: `Bearer ${values[name].replaceAll(':', '')}` } });
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('error="invalid_token"')]);
  });

  it.each(others('an access token').filter((name) => name !== 'a refresh token'))('RFC 7662 §2.2: %s is nothing that can be introspected', async (name) => {
    expect((await asClient('/oauth/introspect', { token: values[name] })).text).toBe('{"active":false}');
  });

  it.each(others('a client secret'))('RFC 6749 §2.3.1: %s is no client secret', async (name) => {
    expectOAuthError(await server.driver.form('/oauth/introspect', { token: 'x', client_id: client.clientId, client_secret: values[name] }), 401, 'invalid_client');
  });

  it.each(others('a request_uri'))('RFC 9126 §4: %s is no request_uri, with and without the prefix of one', async (name) => {
    expectErrorPage(await authorizePushed(`urn:ietf:params:oauth:request_uri:${values[name]}`));
    expectRefusal(await authorizePushed(values[name]), 'request_uri_not_supported', server, { state: null });
  });

  it.each(others('a session cookie'))('RFC 6265: %s is no session', async (name) => {
    const browser = new Browser(server.url);
    browser.setCookie('mintgate_session', values[name]);
    expectPage(await browser.follow(await browser.get(authorizationUrl(client))), 'login');
  });

  it.each(others('the cookie of a form'))('RFC 6265: %s opens nobody’s form', async (name) => {
    const browser = new Browser(server.url);
    const page = await browser.get(authorizationUrl(client));
    browser.setCookie(browser.formCookie()!.name, values[name]);
    expectErrorPage(await browser.get(page.location!.href));
  });

  it('and nothing has used any of them up: code, refresh token, access token, request_uri and session are as good as before', async () => {
    expect((await redeem(values['a code'])).status).toBe(200);
    expect((await asClient('/oauth/introspect', { token: values['an access token'] })).body).toMatchObject({ active: true });
    expect((await asClient('/oauth/token', { grant_type: 'refresh_token', refresh_token: values['a refresh token'] })).status).toBe(200);
    expect(clientAnswer(await authorizePushed(values['a request_uri'])).params).toHaveProperty('code');
  });
});

/** Every text in every table. */
async function dump(server: TestServer, kind: DatabaseKind): Promise<string> {
  const dataSource = server.get(DataSource);
  const tables = await dataSource.query<{ name: string }[]>(kind === 'SQLite' ? `SELECT name FROM sqlite_master WHERE type = 'table'` : `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()`);
  const rows: string[] = [];
  for (const { name } of tables) rows.push(`${name}: ${JSON.stringify(await dataSource.query(`SELECT * FROM ${name}`))}`);
  return rows.join('\n');
}

describeOnEachDatabase('RFC 6749 §10.3 to §10.5: what is stored of the authorization code flow', (kind) => {
  it('is hashes alone: neither codes nor cookies, request_uris, tokens, verifiers or passwords are in the database or in the log', async () => {
    const server = await TestServer.start({ kind, env: { LOG_LEVEL: 'debug' } });
    try {
      const margaret = await server.driver.registerUser({ username: 'margaret' });
      const client = await register(server, { client_id: 'to-be-found-in-the-dump', skip_consent: false });
      const requestUri = await push(server, client);
      const browser = new Browser(server.url);
      const secrets = [requestUri, client.clientSecret, margaret.password, PKCE.verifier];
      const page = await browser.follow(await browser.get(`/oauth/authorize?${new URLSearchParams({ client_id: client.clientId, request_uri: requestUri }).toString()}`));
      secrets.push(browser.formCookie()!.value);
      const consent = await browser.signIn(page, margaret);
      secrets.push(browser.cookie('mintgate_session')!);
      const code = clientAnswer(await browser.submit(consent, { decision: 'allow' })).params['code'];
      const unused = clientAnswer(await browser.get(authorizationUrl(client))).params['code'];
      const form = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: PKCE.verifier, client_id: client.clientId, client_secret: client.clientSecret };
      const { access_token: accessToken, refresh_token: refreshToken } = (await server.driver.form('/oauth/token', form)).body as Record<string, string>;
      secrets.push(code, unused, accessToken, refreshToken);
      const [held, log] = [await dump(server, kind), server.logLines.join('\n')];
      expect(held).toContain('authorization_codes: [{');
      for (const table of ['sessions', 'consents', 'authorization_requests', 'pushed_authorization_requests', 'token_families']) expect(held).toMatch(new RegExp(`${table}: \\[\\{.*`));
      expect(held).toContain('to-be-found-in-the-dump');
      for (const secret of secrets) {
        // What random text has in common with anything else is not as long as this.
        const part = secret.slice(-24);
        expect([part, held.includes(part), log.includes(part)]).toEqual([part, false, false]);
      }
    } finally {
      await server.stop();
    }
  });
});
