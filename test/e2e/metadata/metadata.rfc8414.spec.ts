import { GRANT_TYPES } from '../../../src/clients/client-metadata.js';
import { ChangeFeed } from '../../../src/database/change-feed.js';
import { clientAnswer } from '../../support/authorization-answers.js';
import { authorizationUrl, CALLBACK, PKCE } from '../../support/authorization-url.js';
import { Browser, formAction, hiddenFields } from '../../support/browser.js';
import { describeOnEachDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { HtmlDocument } from '../../support/html-document.js';
import { type Answer, type Credentials, decodeJwt, type Form, type RegisteredUser } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';

type Metadata = Record<string, string | string[] | undefined>;

const OAUTH = '/.well-known/oauth-authorization-server';
const OPENID = '/.well-known/openid-configuration';
const JWKS = '/.well-known/jwks.json';

/** Where each endpoint is when there is one, by the name under which it is advertised. */
const ENDPOINTS: Record<string, string> = {
  token_endpoint: '/oauth/token',
  introspection_endpoint: '/oauth/introspect',
  revocation_endpoint: '/oauth/revoke',
  jwks_uri: JWKS,
  authorization_endpoint: '/oauth/authorize',
  userinfo_endpoint: '/oauth/userinfo',
  end_session_endpoint: '/oauth/logout',
  device_authorization_endpoint: '/oauth/device_authorization',
  pushed_authorization_request_endpoint: '/oauth/par',
  registration_endpoint: '/oauth/register',
  service_documentation: '/docs',
};

const OF_RFC_8414 = [
  ...Object.keys(ENDPOINTS).filter((name) => !['device_authorization_endpoint', 'registration_endpoint'].includes(name)), 'issuer', 'token_endpoint_auth_methods_supported', 'introspection_endpoint_auth_methods_supported',
  'revocation_endpoint_auth_methods_supported', 'grant_types_supported', 'response_types_supported', 'response_modes_supported', 'scopes_supported', 'code_challenge_methods_supported', 'authorization_response_iss_parameter_supported',
  'ui_locales_supported',
];
/** OpenID Connect Discovery 1.0 §3, Initiating User Registration's `prompt_values_supported`, and Back-Channel Logout 1.0 §2.1. */
const OF_OPENID_CONNECT = [
  'subject_types_supported', 'id_token_signing_alg_values_supported', 'claim_types_supported', 'claims_supported', 'claims_parameter_supported', 'request_parameter_supported', 'request_uri_parameter_supported', 'acr_values_supported',
  'prompt_values_supported', 'backchannel_logout_supported', 'backchannel_logout_session_supported',
];

const grantsAt = async (server: TestServer) => (await server.driver.request<Metadata>('GET', OAUTH)).body['grant_types_supported'];

const AUTH_METHODS = ['client_secret_basic', 'client_secret_post', 'none', 'private_key_jwt', 'client_secret_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'];

describe('RFC 8414 and OpenID Connect Discovery', () => {
  let server: TestServer;
  let metadata: Metadata;

  beforeAll(async () => {
    server = await TestServer.start({ env: { JWKS_MAX_AGE_SECONDS: '120' } });
    metadata = (await server.driver.request<Metadata>('GET', OAUTH)).body;
  });
  afterAll(() => server.stop());

  describe('§3 the documents', () => {
    it('are the same under both names', async () => {
      const [oauth, openid] = [await server.driver.request('GET', OAUTH), await server.driver.request('GET', OPENID)];
      expect([oauth.status, openid.status]).toEqual([200, 200]);
      expect(openid.text).toBe(oauth.text);
      expect(oauth.headers.get('content-type')).toBe('application/json');
    });

    it('name the issuer exactly', () => expect(metadata['issuer']).toBe(server.issuer));

    it.each([OAUTH, OPENID, JWKS])('%s may be read by any page and cached, without credentials', async (path) => {
      const answer = await server.driver.request('GET', path, { headers: { origin: 'https://spa.example' } });
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      expect(answer.headers.has('access-control-allow-credentials')).toBe(false);
      expect(answer.headers.get('cache-control')).toBe('public, max-age=118');
      expect(answer.headers.has('set-cookie')).toBe(false);
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    });

    it.each([OAUTH, OPENID, JWKS])('%s answers HEAD without a body', async (path) => {
      const answer = await server.driver.request('HEAD', path);
      expect(answer.status).toBe(200);
      expect(answer.text).toBe('');
      expect(answer.headers.get('cache-control')).toBe('public, max-age=118');
    });

    it.each([OAUTH, OPENID, JWKS])('%s refuses POST', async (path) => {
      const answer = await server.driver.form(path, { a: 'b' });
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toMatch(/\bGET\b/);
    });

    it('do not follow Host, X-Forwarded-Host, X-Forwarded-Proto or Forwarded', async () => {
      const plain = (await server.driver.request('GET', OAUTH)).text;
      const headers = ['Host: evil.example', 'X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: https', 'Forwarded: host=evil.example;proto=https', 'Connection: close'];
      const received = await server.driver.raw([`GET ${OAUTH} HTTP/1.1`, ...headers, '', ''].join('\r\n'));
      expect(received.split('\r\n\r\n')[1]).toBe(plain);
    });

    it.each([
      `${OAUTH}/`, `${OAUTH}/other`, `${OPENID}/other`, `${OAUTH}.json`, '/.well-known/', '/.well-known/webfinger', '/.well-known/OAuth-Authorization-Server', `${JWKS}/x`,
    ])('%s is 404', async (path) => {
      expect((await server.driver.request('GET', path)).status).toBe(404);
    });
  });

  describe('§2 what is advertised works, and what is not is not there', () => {
    let user: RegisteredUser;

    beforeAll(async () => {
      user = await server.driver.registerUser({ username: 'margaret' });
    });

    /** Calls an endpoint with a client that authenticates by the method. */
    async function call(path: string, method: string, form: Form): Promise<Answer> {
      const client: Credentials = await server.driver.registerClient({ token_endpoint_auth_method: method, grant_types: ['password'] });
      if (method === 'client_secret_basic') return server.driver.form(path, form, client);
      return server.driver.form(path, { ...form, client_id: client.clientId, ...(method === 'none' ? {} : { client_secret: client.clientSecret }) });
    }

    it.each(Object.entries(ENDPOINTS))('%s', async (name, path) => {
      const { status } = await server.driver.request('GET', path);
      if (metadata[name] === undefined) {
        expect(status).toBe(404);
      } else {
        expect(metadata[name]).toBe(server.issuer + path);
        expect(status).not.toBe(404);
      }
    });

    it('every URL begins with the issuer', () => {
      const urls = Object.values(metadata).flat().filter((value) => /^https?:/.test(value ?? ''));
      expect(urls.length).toBeGreaterThanOrEqual(5);
      for (const url of urls) expect(url === server.issuer || url!.startsWith(`${server.issuer}/`)).toBe(true);
    });

    // The implicit grant is not for the token endpoint: see advertised-features.oidc.spec.ts.
    it.each(GRANT_TYPES.filter((grantType) => grantType !== 'implicit'))('grant type %s is advertised if and only if the token endpoint knows it', async (grantType) => {
      const client = await server.driver.registerClient({ grant_types: [grantType], redirect_uris: ['https://app.example/cb'], scope: 'a' });
      const { status, body } = await server.driver.token(client, { grant_type: grantType });
      await eventually(async () => expect((await grantsAt(server))!.includes(grantType)).toBe(body['error'] !== 'unsupported_grant_type'));
      if (grantType === 'client_credentials') expect(status).toBe(200);
    });

    it('where no client may use a grant of yesterday, there is the code and nothing else (RFC 9700 §2.1.2, §2.4)', () => {
      expect(metadata['response_types_supported']).toEqual(['code']);
      expect([...(metadata['grant_types_supported'] as string[])].sort()).toEqual(['authorization_code', 'client_credentials', 'refresh_token']);
    });

    it('PKCE is by S256 alone (RFC 7636 §4.3), and answers name their issuer (RFC 9207 §3)', () => {
      expect(metadata).toMatchObject({ code_challenge_methods_supported: ['S256'], authorization_response_iss_parameter_supported: true });
    });

    it.each(['token', 'introspection', 'revocation'])('the %s endpoint takes each authentication method that it advertises, and no other', async (name) => {
      const advertised = metadata[`${name}_endpoint_auth_methods_supported`] as string[];
      const form: Form = name === 'token' ? { grant_type: 'password', username: user.username, password: user.password } : { token: 'unknown' };
      const registrable = ['client_secret_basic', 'client_secret_post', 'none'];
      expect(advertised.filter((method) => !registrable.includes(method))).toEqual([]);
      for (const method of registrable) {
        const { status } = await call(ENDPOINTS[`${name}_endpoint`], method, form);
        expect({ method, works: status === 200 }).toEqual({ method, works: advertised.includes(method) });
      }
    });

    it('none is no method of the introspection endpoint', () => {
      expect(metadata['token_endpoint_auth_methods_supported']).toEqual(['client_secret_basic', 'client_secret_post', 'none']);
      expect(metadata['introspection_endpoint_auth_methods_supported']).toEqual(['client_secret_basic', 'client_secret_post']);
      expect(metadata['revocation_endpoint_auth_methods_supported']).toEqual(['client_secret_basic', 'client_secret_post', 'none']);
    });

    it.each(AUTH_METHODS)('a client can be registered for %s if and only if some endpoint advertises it', async (method) => {
      const advertised = ['token', 'introspection', 'revocation'].some((name) => metadata[`${name}_endpoint_auth_methods_supported`]!.includes(method));
      const grants = { grant_types: ['authorization_code'], redirect_uris: ['https://app.example/cb'] };
      const { status } = await server.driver.adminRequest('POST', '/clients', { token_endpoint_auth_method: method, ...grants });
      expect(status).toBe(advertised ? 201 : 400);
    });

    it('nothing is said of what there is not: request objects, encrypted ID tokens, DPoP, mutual TLS, signed metadata', () => {
      expect(Object.keys(metadata).sort()).toEqual([...OF_RFC_8414, ...OF_OPENID_CONNECT].sort());
      expect(metadata).toMatchObject({ request_parameter_supported: false, request_uri_parameter_supported: false });
    });

    it('no list is empty, or names a thing twice, or what must not be: none as a signature, plain as a challenge', () => {
      const lists = Object.entries(metadata).flatMap(([name, value]) => (Array.isArray(value) ? [[name, value] as const] : []));
      for (const [name, list] of lists) expect([name, list.length > 0, new Set(list).size]).toEqual([name, true, list.length]);
      expect(metadata['id_token_signing_alg_values_supported']).not.toContain('none');
      expect(metadata['id_token_signing_alg_values_supported']).toContain('RS256');
      expect(JSON.stringify(metadata)).not.toContain('plain');
    });
  });
});

describeOnEachDatabase('RFC 9700 §2.4 the password grant is advertised while some enabled client may use it', (kind) => {
  let server: TestServer;
  let other: TestServer;

  beforeAll(async () => {
    const env = { CHANGE_FEED_INTERVAL_MS: '50' };
    server = await TestServer.start({ kind, env });
    other = await TestServer.start({ database: server.database, issuer: server.issuer, clock: server.clock, env });
  });
  afterAll(async () => {
    await other?.stop();
    await server?.stop();
  });

  const advertised = (expected: boolean) =>
    eventually(async () => {
      for (const instance of [server, other]) expect((await grantsAt(instance))!.includes('password')).toBe(expected);
    }, { withinMs: 2000 });
  /** Both have read of what happened so far. */
  const informed = async () => {
    for (const instance of [server, other]) for (let reads = 0; reads < 2; reads++) await instance.get(ChangeFeed).poll();
  };
  const register = (metadata: Record<string, unknown> = {}) => server.driver.registerClient({ grant_types: ['password', 'refresh_token'], ...metadata });

  it('not on a server where no client may, nor when it is registered but disabled', async () => {
    await advertised(false);
    await register({ enabled: false });
    await server.driver.registerClient({ grant_types: ['implicit'], redirect_uris: ['https://app.example/cb'] });
    await informed();
    await advertised(false);
  });

  it.each<[string, string, unknown]>([
    ['is disabled', 'PATCH', { enabled: false }],
    ['loses the grant', 'PATCH', { grant_types: ['implicit'] }],
    ['is replaced by one without it', 'PUT', { scope: 'a' }],
    ['is deleted', 'DELETE', undefined],
  ])('on every instance from when one is registered until the last one %s', async (_, method, body) => {
    const [first, last] = [await register(), await register({ grant_types: ['implicit', 'password'], redirect_uris: ['https://app.example/cb'] })];
    await advertised(true);
    await server.driver.adminRequest('DELETE', `/clients/${first.clientId}`);
    await informed();
    await advertised(true);
    expect((await server.driver.adminRequest(method, `/clients/${last.clientId}`, body)).status).toBeLessThan(300);
    await advertised(false);
  });

  it('again when one that was disabled is enabled', async () => {
    const { clientId } = await register({ enabled: false });
    expect((await server.driver.adminRequest('PATCH', `/clients/${clientId}`, { enabled: true })).status).toBe(200);
    await advertised(true);
  });
});

describe('RFC 8414 §3.1 an issuer with a path', () => {
  const ISSUER = 'https://id.example.com/t1';
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ env: { ISSUER } });
  });
  afterAll(() => server.stop());

  it.each([`${OAUTH}/t1`, `${OPENID}/t1`, `/t1${OPENID}`, `/t1${OAUTH}`])('%s is its document', async (path) => {
    const answer = await server.driver.request('GET', path);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ issuer: ISSUER, token_endpoint: `${ISSUER}/oauth/token`, jwks_uri: `${ISSUER}/.well-known/jwks.json` });
  });

  it.each([
    `${OAUTH}/t2`, `${OAUTH}/t1/x`, `${OAUTH}/t1/`, `${OAUTH}/T1`, `/t2${OPENID}`, `/T1${OPENID}`, `/t1/t1${OPENID}`, `/t11${OPENID}`, '/t1', '/t1/', '/t1/unknown', '/t2/oauth/token',
  ])('%s is 404', async (path) => {
    expect((await server.driver.request('GET', path)).status).toBe(404);
  });

  it('its endpoints serve under the path, and where a gateway has cut it off', async () => {
    const client = await server.driver.registerClient();
    for (const prefix of ['/t1', '']) {
      const issued = await server.driver.form<{ access_token: string }>(`${prefix}/oauth/token`, { grant_type: 'client_credentials' }, client);
      expect(issued.status).toBe(200);
      const token = issued.body.access_token;
      expect((await server.driver.form(`${prefix}/oauth/introspect`, { token }, client)).body).toMatchObject({ active: true, iss: ISSUER, aud: ISSUER });
      expect((await server.driver.form(`${prefix}/oauth/revoke`, { token }, client)).status).toBe(200);
      expect((await server.driver.request('GET', `${prefix}${JWKS}`)).status).toBe(200);
      expect((await server.driver.request('GET', `${prefix}/admin/v1/clients`)).status).toBe(401);
    }
  });

  describe('its pages', () => {
    const ORIGIN = new URL(ISSUER).origin;
    let client: Credentials;
    let user: RegisteredUser;

    beforeAll(async () => {
      client = await server.driver.registerClient({ grant_types: ['authorization_code'], redirect_uris: [CALLBACK], post_logout_redirect_uris: [CALLBACK], scope: 'openid' });
      user = await server.driver.registerUser({ username: 'margaret' });
    });

    it('stand below the path, with their forms, stylesheets and redirects, from the first request to the logout', async () => {
      const browser = new Browser(server.url, ORIGIN);
      const begun = await browser.get(`/t1${authorizationUrl(client)}`);
      expect(begun.headers.get('location')).toMatch(new RegExp(`^${ISSUER}/oauth/authorize/[\\w-]+/login$`));
      const login = await browser.follow(begun);
      const stylesheet = new HtmlDocument(login.text).all('link').map(({ attributes }) => attributes['href']).find((href) => href.endsWith('.css'))!;
      expect(stylesheet).toMatch(/^\/t1\//);
      expect((await browser.get(stylesheet)).status).toBe(200);
      expect(formAction(login)).toMatch(/^\/t1\/oauth\/authorize\//);
      const consent = await browser.signIn(login, user);
      expect(formAction(consent)).toMatch(/^\/t1\/oauth\/authorize\//);
      const { params } = clientAnswer(await browser.submit(consent, { decision: 'allow' }));
      expect(params).toMatchObject({ code: expect.any(String) as string, iss: ISSUER });
      const tokens = await server.driver.redeem(client, { code: params['code'], redirect_uri: CALLBACK, code_verifier: PKCE.verifier });
      expect(decodeJwt(tokens.body['id_token'] as string).claims).toMatchObject({ iss: ISSUER });
      expect((await browser.get('/t1/account')).text).toContain('action="/t1/account/password"');
      const query = new URLSearchParams({ id_token_hint: tokens.body['id_token'] as string, post_logout_redirect_uri: CALLBACK });
      expect((await browser.get(`/t1/oauth/logout?${query.toString()}`)).headers.get('location')).toBe(CALLBACK);
      expect(formAction(await browser.get('/t1/account'))).toBe('/t1/account/login');
    });

    it('have cookies for the whole host, as their names promise', async () => {
      const browser = new Browser(server.url, ORIGIN);
      const begun = await browser.get(`/t1${authorizationUrl(client)}`);
      expect(begun.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-mintgate_form_[\w-]{22}=.*; Path=\/; /)]);
      const page = await browser.get('/t1/account');
      expect(page.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-mintgate_form_[\w-]{22}=.*; Path=\/; /)]);
      const signedIn = await browser.post(formAction(page), { ...hiddenFields(page.text), username: user.username, password: user.password });
      expect(signedIn.headers.get('location')).toBe(`${ISSUER}/account`);
      expect(signedIn.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-mintgate_session=.*; Path=\/; /)]);
    });

    it('are the same where a gateway has cut the path off', async () => {
      const begun = await server.driver.request('GET', authorizationUrl(client));
      const location = begun.headers.get('location')!;
      expect(location).toMatch(new RegExp(`^${ISSUER}/oauth/authorize/`));
      const [cookie] = begun.headers.getSetCookie()[0].split(';');
      const login = await server.driver.request('GET', location.slice(ISSUER.length), { headers: { cookie } });
      expect(login.status).toBe(200);
      expect(formAction(login)).toBe(new URL(location).pathname);
    });
  });

  it('a method that an endpoint does not have is 405 under the path too', async () => {
    const answer = await server.driver.request('GET', '/t1/oauth/token');
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
  });
});
