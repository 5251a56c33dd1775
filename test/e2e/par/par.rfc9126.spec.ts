import { Cleanup } from '../../../src/database/cleanup.js';
import { Database } from '../../../src/database/database.js';
import { clientAnswer, expectErrorPage, expectPage, expectRefusal } from '../../support/authorization-answers.js';
import { authorizationQuery, CALLBACK, type ParameterChanges, PKCE, STATE } from '../../support/authorization-url.js';
import { Browser, type PageAnswer } from '../../support/browser.js';
import { CodeFlow } from '../../support/code-flow.js';
import { describeOnEachDatabase } from '../../support/databases.js';
import { flipCase } from '../../support/forged-tokens.js';
import { type Answer, basic, type Credentials, decodeJwt, type Form, type RegisteredUser } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { TestServer } from '../../support/test-server.js';

const PREFIX = 'urn:ietf:params:oauth:request_uri:';
const OTHER_CALLBACK = 'https://app.example/other';
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
/** Of two letters each: 8,000 characters, which a client may have, and 13,000 as JSON. */
const MANY_WORDS = Array.from({ length: 2_660 }, (_, i) => LETTERS[Math.floor(i / 62)] + LETTERS[i % 62]).join(' ');

describeOnEachDatabase('Pushed authorization requests', (kind) => {
  let server: TestServer;
  let margaret: RegisteredUser;
  let flow: CodeFlow;
  let web: Credentials;
  let asking: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    margaret = await server.driver.registerUser({ username: 'margaret' });
    flow = await CodeFlow.signedIn(server, margaret);
    web = await register({ skip_consent: true });
    asking = await register();
  });
  afterAll(() => server.stop());
  afterEach(() => server.driver.renewAdminToken());

  const register = (metadata: Record<string, unknown> = {}) =>
    server.driver.registerClient({ grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [CALLBACK, OTHER_CALLBACK], scope: 'openid read write', default_scope: 'read', ...metadata });

  /** @param changes to a request with which nothing is wrong */
  function push(client: Credentials, changes: ParameterChanges = {}, headers: Record<string, string> = { authorization: basic(client) }): Promise<Answer> {
    return server.driver.request('POST', '/oauth/par', { headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers }, body: authorizationQuery(client, changes) });
  }

  async function pushed(client: Credentials, changes: ParameterChanges = {}): Promise<string> {
    const { status, text, body } = await push(client, changes, client.clientSecret === '' ? {} : undefined);
    if (status !== 201) throw new Error(`not pushed: ${status} ${text}`);
    return body['request_uri'] as string;
  }

  const urlOf = ({ clientId }: { clientId: string }, requestUri: string, beside: Record<string, string> = {}): string => `/oauth/authorize?${new URLSearchParams({ client_id: clientId, request_uri: requestUri, ...beside }).toString()}`;
  const open = async (client: { clientId: string }, requestUri: string, browser = flow.browser): Promise<PageAnswer> => browser.follow(await browser.get(urlOf(client, requestUri)));
  const expectCode = (answer: PageAnswer, redirectUri = CALLBACK) => expect(clientAnswer(answer, redirectUri).params).toEqual({ code: expect.stringMatching(/^mg_ac_/) as string, state: STATE, iss: server.issuer });
  const expectUsedUp = async (client: Credentials, requestUri: string) => {
    for (const browser of [flow.browser, new Browser(server.url)]) expectErrorPage(await open(client, requestUri, browser));
  };

  describe('OIDC Core §3.1.2.1: an id_token_hint that is pushed', () => {
    const hintOf = async (client: Credentials) => (await flow.tokens(client, { scope: 'openid' })).id_token;
    const stored = () => server.get(Database).query<{ params: string }>('SELECT params FROM pushed_authorization_requests');

    it.each(['public', 'pairwise'])('is not stored, and still says who is expected (%s)', async (subject_type) => {
      const client = await register({ skip_consent: true, subject_type });
      const [hint, somebody] = [await hintOf(client), await server.driver.registerUser({ username: `somebody-${subject_type}` })];
      const changes = { scope: 'openid', prompt: 'none', id_token_hint: hint };
      const [forOne, forOther] = [await pushed(client, changes), await pushed(client, changes)];
      expect(JSON.stringify(await stored())).not.toMatch(/eyJ|id_token_hint/);
      expectCode(await open(client, forOne));
      const { browser } = await CodeFlow.signedIn(server, somebody);
      expectRefusal(await open(client, forOther, browser), 'login_required', server);
    });

    it('that the previous version stored is checked as before', async () => {
      const client = await register({ skip_consent: true });
      const requestUri = await pushed(client, { scope: 'openid', prompt: 'none' });
      const params = JSON.stringify({ ...(JSON.parse((await stored()).at(-1)!.params) as object), id_token_hint: await hintOf(client) });
      const sql = 'UPDATE pushed_authorization_requests SET params = ? WHERE client_id = ?';
      await server.get(Database).execute(sql, [params, client.clientId]);
      const { browser } = await CodeFlow.signedIn(server, await server.driver.registerUser({ username: `late-${kind}` }));
      expectRefusal(await open(client, requestUri, browser), 'login_required', server);
    });
  });

  describe('§2.1 and §2.2: a push', () => {
    it('is answered 201 with a request_uri and how long it is good, which no cache keeps', async () => {
      const answer = await push(web);
      expect(answer.status).toBe(201);
      expect(answer.body).toEqual({ request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:[\w-]{43}$/) as string, expires_in: 90 });
      expect([answer.headers.get('cache-control'), answer.headers.get('content-type')]).toEqual(['no-store', expect.stringMatching(/^application\/json/)]);
      expect(await pushed(web)).not.toBe(answer.body['request_uri']);
    });

    it.each<[string, Record<string, unknown>, (client: Credentials) => { form: ParameterChanges; headers: Record<string, string> }]>([
      ['client_secret_basic', {}, (client) => ({ form: {}, headers: { authorization: basic(client) } })],
      ['client_secret_basic, without a client_id in the form', {}, (client) => ({ form: { client_id: undefined }, headers: { authorization: basic(client) } })],
      ['client_secret_post', { token_endpoint_auth_method: 'client_secret_post' }, ({ clientSecret }) => ({ form: { client_secret: clientSecret }, headers: {} })],
      ['none', { token_endpoint_auth_method: 'none' }, () => ({ form: {}, headers: {} })],
    ])('by a client that authenticates by %s leads to a code, and that to a token', async (_, metadata, authenticated) => {
      const client = await register({ ...metadata, skip_consent: true });
      const { form, headers } = authenticated(client);
      const { status, body } = await push(client, form, headers);
      expect(status).toBe(201);
      const { code } = clientAnswer(await open(client, body['request_uri'] as string)).params;
      const token = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: PKCE.verifier };
      const credentials: Form = metadata['token_endpoint_auth_method'] === undefined ? {} : { client_id: client.clientId, ...(client.clientSecret === '' ? {} : { client_secret: client.clientSecret }) };
      expect((await server.driver.form('/oauth/token', { ...token, ...credentials }, 'client_id' in credentials ? undefined : client)).status).toBe(200);
    });

    it('goes to the login page and the consent page like any other, and what was pushed is what is granted', async () => {
      const browser = new Browser(server.url);
      const requestUri = await pushed(asking, { scope: 'openid write', nonce: 'n-0S6_WzA2Mj', redirect_uri: OTHER_CALLBACK });
      const login = await open(asking, requestUri, browser);
      expectPage(login, 'login');
      const consent = await browser.signIn(login, margaret);
      expectPage(consent, 'consent');
      const { code } = clientAnswer(await browser.submit(consent, { decision: 'allow' }), OTHER_CALLBACK).params;
      const { status, body } = await flow.redeem(asking, code, { redirect_uri: OTHER_CALLBACK });
      expect([status, body['scope'], decodeJwt(body['id_token'] as string).claims['nonce']]).toEqual([200, 'openid write', 'n-0S6_WzA2Mj']);
    });

    it.each<[string, Record<string, string>, ParameterChanges]>([
      ['without authentication', {}, { client_id: undefined }],
      ['with a client_id alone, by a client that has a secret', {}, {}],
      ['with a wrong secret in the form', {}, { client_secret: 'wrong' }],
      ['with a wrong secret in the header', { authorization: 'Basic eDp5' }, { client_id: undefined }],
      ['with a client assertion, which this server does not take', {}, { client_assertion: 'x.y.z', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' }],
    ])('%s: 401 invalid_client', async (_, headers, changes) => {
      expectOAuthError(await push(web, changes, headers), 401, 'invalid_client');
    });

    it('with two methods of authentication, or for another client: 400 invalid_request', async () => {
      expectOAuthError(await push(web, { client_secret: web.clientSecret }), 400, 'invalid_request');
      expectOAuthError(await push(web, { client_id: asking.clientId }), 400, 'invalid_request');
    });

    it('by a disabled client: 401, and what it pushed before is void for good', async () => {
      const client = await register({ skip_consent: true });
      const requestUri = await pushed(client);
      await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { enabled: false });
      expectOAuthError(await push(client), 401, 'invalid_client');
      expectErrorPage(await open(client, requestUri));
      await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { enabled: true });
      expectErrorPage(await open(client, requestUri));
    });

    it.each<[string, ParameterChanges, string]>([
      ['a request_uri', { request_uri: `${PREFIX}${'A'.repeat(43)}` }, 'invalid_request'],
      ['a request_uri of elsewhere', { request_uri: 'https://app.example/request.jwt' }, 'invalid_request'],
      ['a request object', { request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
      ['no response_type', { response_type: undefined }, 'invalid_request'],
      ['a response_type that is unknown', { response_type: 'foo' }, 'unsupported_response_type'],
      ['a redirect_uri that is not registered', { redirect_uri: 'https://evil.example/cb' }, 'invalid_request'],
      ['a redirect_uri in another case', { redirect_uri: 'https://app.example/CB' }, 'invalid_request'],
      ['no redirect_uri, while several are registered', { redirect_uri: undefined }, 'invalid_request'],
      ['no code_challenge', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
      ['the method plain', { code_challenge_method: 'plain' }, 'invalid_request'],
      ['a scope that the client does not have', { scope: 'read admin' }, 'invalid_scope'],
      ['a scope of broken grammar', { scope: 'read  write' }, 'invalid_scope'],
      ['a resource that is unknown', { resource: 'https://unknown.example' }, 'invalid_target'],
      ['a prompt that is unknown', { prompt: 'hurry' }, 'invalid_request'],
      ['none among other prompts', { prompt: 'none login' }, 'invalid_request'],
      ['a max_age that is no number', { max_age: '-1' }, 'invalid_request'],
      ['an id_token_hint that is no ID token', { id_token_hint: 'x' }, 'invalid_request'],
      ['a response_mode that is unknown', { response_mode: 'pigeon' }, 'invalid_request'],
      ['a parameter twice', { scope: ['read', 'read'] }, 'invalid_request'],
      ['the state twice', { state: ['a', 'b'] }, 'invalid_request'],
      ['a nested parameter', { 'scope[]': 'read' }, 'invalid_request'],
    ])('with %s: told at once', async (_, changes, error) => {
      expectOAuthError(await push(web, changes), 400, error);
    });

    it('by a client that may not use the authorization endpoint: unauthorized_client', async () => {
      const client = await server.driver.registerClient({ redirect_uris: [CALLBACK] });
      expectOAuthError(await push(client), 400, 'unauthorized_client');
    });

    it.each(['GET', 'PUT', 'DELETE', 'PATCH'])('by %s: 405, with what is allowed', async (method) => {
      const answer = await server.driver.request(method, `/oauth/par?${authorizationQuery(web)}`, { headers: { authorization: basic(web) } });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
    });

    it('in any other form than a form: 400', async () => {
      for (const [type, body] of [['application/json', JSON.stringify({ response_type: 'code' })], ['text/plain', authorizationQuery(web)], ['multipart/form-data; boundary=x', '--x--']]) {
        expectOAuthError(await server.driver.request('POST', '/oauth/par', { headers: { 'content-type': type, authorization: basic(web) }, body }), 400, 'invalid_request');
      }
    });

    it.each<[string, string, number]>([
      ['33 KiB', 'a'.repeat(33 * 1024), 413],
      ['what needs more room than there is once it is written as JSON', '\u0001'.repeat(12_000), 400],
      ['a thousand line feeds', '%0A'.repeat(1000), 201],
    ])('of %s: no more than it can keep', async (_, state, status) => {
      const answer = await server.driver.request('POST', '/oauth/par', { headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: basic(web) }, body: `${authorizationQuery(web, { state: undefined })}&state=${state}` });
      expect(answer.status).toBe(status);
      if (status !== 201) expectOAuthError(answer, status, 'invalid_request');
    });

    it.each(['a&b=c%20+"<>\\', '🙂𝔘 é', 'x'.repeat(2048)])('keeps the state byte by byte: %j', async (state) => {
      expect(clientAnswer(await open(web, await pushed(web, { state }))).params['state']).toBe(state);
    });
  });

  describe('§4: the request_uri', () => {
    it('is of its client alone: with another client_id, or none, a page, and it is as good as before', async () => {
      const requestUri = await pushed(web);
      for (const other of [asking, await register({ token_endpoint_auth_method: 'none' }), { clientId: 'nobody' }]) expectErrorPage(await open(other, requestUri));
      expectErrorPage(await flow.browser.get(`/oauth/authorize?request_uri=${encodeURIComponent(requestUri)}`));
      expectCode(await open(web, requestUri));
    });

    it('is byte by byte what was given', async () => {
      const requestUri = await pushed(web);
      for (const other of [flipCase(requestUri), requestUri.slice(0, -1), `${requestUri}A`, `${requestUri} `, PREFIX, `${PREFIX}${'A'.repeat(43)}`, `${PREFIX}' OR 1=1 --`, `${PREFIX}${'A'.repeat(5000)}`]) expectErrorPage(await open(web, other));
      expectCode(await open(web, requestUri));
    });

    it('is repeated: a page', async () => {
      const requestUri = await pushed(web);
      expectErrorPage(await flow.browser.get(`${urlOf(web, requestUri)}&request_uri=${encodeURIComponent(requestUri)}`));
    });

    it('is good once', async () => {
      const requestUri = await pushed(web);
      expectCode(await open(web, requestUri));
      await expectUsedUp(web, requestUri);
    });

    it.each(['login', 'consent'])('is good once, however often the browser comes with it before it is answered at the %s page', async (page) => {
      const requestUri = await pushed(asking, { prompt: page });
      const first = await open(asking, requestUri);
      const last = await open(asking, requestUri);
      for (const answer of [first, last]) expectPage(answer, page as 'login' | 'consent');
      const end = async (answer: PageAnswer) => {
        const after = page === 'login' ? await flow.browser.signIn(answer, margaret) : answer;
        return /value="allow"/.test(after.text) ? flow.browser.submit(after, { decision: 'allow' }) : after;
      };
      expectCode(await end(last));
      await expectUsedUp(asking, requestUri);
      const late = await end(first);
      expectErrorPage(late);
    });

    it('reloading a page, going back and a wrong password use nothing up', async () => {
      const browser = new Browser(server.url);
      const requestUri = await pushed(web);
      const login = await open(web, requestUri, browser);
      const wrong = await browser.signIn(login, { ...margaret, password: 'wrong' });
      expect(wrong.status).toBe(400);
      expectPage(await open(web, requestUri, browser), 'login');
      expectCode(await browser.signIn(wrong, margaret));
      await expectUsedUp(web, requestUri);
    });

    it('is good once with prompt=none, too, whether there is a code in the answer or an error', async () => {
      const granted = await pushed(web, { prompt: 'none' });
      expectCode(await open(web, granted));
      await expectUsedUp(web, granted);
      const refused = await pushed(web, { prompt: 'none' });
      expectRefusal(await open(web, refused, new Browser(server.url)), 'login_required', server);
      await expectUsedUp(web, refused);
      const client = await register();
      const unasked = await pushed(client, { prompt: 'none' });
      expectRefusal(await open(client, unasked), 'consent_required', server);
      await expectUsedUp(client, unasked);
    });

    it('is used up by the user who does not want it: by denying, and by cancelling the sign-in', async () => {
      const client = await register();
      const denied = await pushed(client);
      expectRefusal(await flow.browser.submit(await open(client, denied), { decision: 'deny' }), 'access_denied', server);
      await expectUsedUp(client, denied);
      const cancelled = await pushed(client);
      const browser = new Browser(server.url);
      expectRefusal(await browser.submit(await open(client, cancelled, browser), { decision: 'cancel' }), 'access_denied', server);
      await expectUsedUp(client, cancelled);
    });

    it.each([[89, true], [90, false], [91, false]])('lives for 90 seconds: after %d it is good: %j', async (seconds, good) => {
      const requestUri = await pushed(web);
      server.clock.advanceSeconds(seconds);
      const answer = await open(web, requestUri);
      if (good) expectCode(answer);
      else expectErrorPage(answer);
    });

    it('has done its part once the user is asked: she may take her time', async () => {
      const browser = new Browser(server.url);
      const requestUri = await pushed(web);
      const login = await open(web, requestUri, browser);
      server.clock.advanceSeconds(10 * 60);
      expectCode(await browser.signIn(login, margaret));
    });
  });

  describe('§2.3: what is stored', () => {
    const rows = async () => {
      const table = 'pushed_authorization_requests';
      const [{ n }] = await server.get(Database).query<{ n: number | string }>(`SELECT COUNT(*) AS n FROM ${table}`);
      return Number(n);
    };
    const cleaned = async () => {
      await server.get(Cleanup).run();
      return rows();
    };

    it('goes when it is used, and else two minutes after its end', async () => {
      server.clock.advanceSeconds(7200);
      const before = await cleaned();
      const [used] = [await pushed(web), await pushed(web)];
      expectCode(await open(web, used));
      server.clock.advanceSeconds(1);
      expect(await cleaned()).toBe(before + 1);
      server.clock.advanceSeconds(90 + 121);
      expect(await cleaned()).toBe(before);
    });

    it('stays while the user is asked, and goes with the answer', async () => {
      server.clock.advanceSeconds(7200);
      const before = await cleaned();
      const browser = new Browser(server.url);
      const login = await open(web, await pushed(web), browser);
      server.clock.advanceSeconds(3_590);
      expect(await cleaned()).toBe(before + 1);
      expectCode(await browser.signIn(login, margaret));
      server.clock.advanceSeconds(1);
      expect(await cleaned()).toBe(before);
    });

    it.each<[string, ParameterChanges]>([
      ['a state of characters that JSON escapes', { state: '\u0001'.repeat(700) }],
      ['claims that are nested 2,100 deep', { claims: `{"userinfo":{"a":{"value":${'['.repeat(2_100)}${']'.repeat(2_100)}}}}` }],
      ['a scope of 2,660 words beside a long state', { scope: undefined, state: 'x'.repeat(4_000) }],
    ])('is 16 KiB at most, and 4 of texts of the client: %s', async (_, changes) => {
      const client = await register({ scope: MANY_WORDS, default_scope: null });
      expectOAuthError(await push(client, changes), 400, 'invalid_request');
      expect((await push(client, { scope: 'aa', claims: `{"userinfo":{"a":{"value":${'['.repeat(900)}${']'.repeat(900)}}}}` })).status).toBe(201);
    });
  });

  describe('§4: what stands beside the request_uri', () => {
    it('counts for nothing', async () => {
      const requestUri = await pushed(web, { scope: 'read' });
      const beside = { scope: 'write admin', redirect_uri: 'https://evil.example/cb', state: 'evil', response_type: 'token', response_mode: 'fragment', code_challenge: 'c'.repeat(43), code_challenge_method: 'plain', prompt: 'login', nonce: 'evil', resource: 'https://evil.example', request: 'x', claims: '{' };
      const answer = await flow.browser.get(urlOf(web, requestUri, beside));
      expectCode(answer);
      const { status, body } = await flow.redeem(web, clientAnswer(answer).params['code']);
      expect([status, body['scope']]).toEqual([200, 'read']);
    });

    it('counts for nothing in a form either', async () => {
      const requestUri = await pushed(web);
      expectCode(await flow.browser.post('/oauth/authorize', { client_id: web.clientId, request_uri: requestUri, scope: 'write', state: 'evil' }));
    });

    it('adds nothing that was not pushed', async () => {
      const requestUri = await pushed(web, { state: undefined, scope: undefined });
      const { params } = clientAnswer(await flow.browser.get(urlOf(web, requestUri, { state: 'added', scope: 'write' })));
      expect(params).not.toHaveProperty('state');
      expect((await flow.redeem(web, params['code'])).body).toMatchObject({ scope: 'read' });
    });
  });

  describe('§5: a client that must push', () => {
    it('cannot come without, and can with; its other grants go on as ever', async () => {
      const client = await register({ skip_consent: true, require_pushed_authorization_requests: true, grant_types: ['authorization_code', 'refresh_token', 'client_credentials'] });
      expect(client.metadata['require_pushed_authorization_requests']).toBe(true);
      expectRefusal(await flow.browser.get(`/oauth/authorize?${authorizationQuery(client)}`), 'invalid_request', server);
      expectRefusal(await flow.browser.get(`/oauth/authorize?${authorizationQuery(client, { request_uri: 'https://app.example/request.jwt' })}`), 'request_uri_not_supported', server);
      const answer = await open(client, await pushed(client));
      expectCode(answer);
      const tokens = await flow.redeem(client, clientAnswer(answer).params['code']);
      expect((await server.driver.refresh(client, tokens.body['refresh_token'] as string)).status).toBe(200);
      expect((await server.driver.token(client, { scope: 'read' })).status).toBe(200);
    });

    it('is one from the moment on at which an admin says so', async () => {
      const client = await register({ skip_consent: true });
      expectCode(await flow.browser.get(`/oauth/authorize?${authorizationQuery(client)}`));
      await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { require_pushed_authorization_requests: true });
      expectRefusal(await flow.browser.get(`/oauth/authorize?${authorizationQuery(client)}`), 'invalid_request', server);
    });
  });

  it('what an admin has taken from the client since it pushed is not granted, and the client hears of it once', async () => {
    const client = await register({ skip_consent: true });
    const [scope, redirect] = [await pushed(client, { scope: 'read write' }), await pushed(client, { redirect_uri: OTHER_CALLBACK })];
    await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { scope: 'openid read', redirect_uris: [CALLBACK] });
    expectRefusal(await open(client, scope), 'invalid_scope', server);
    await expectUsedUp(client, scope);
    expectErrorPage(await open(client, redirect));
  });
});
