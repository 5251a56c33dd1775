import { createHash } from 'node:crypto';
import { Database } from '../../../src/database/database.js';
import { clientAnswer, type ClientAnswer, expectErrorPage, expectPage, expectRefusal } from '../../support/authorization-answers.js';
import { authorizationQuery, authorizationUrl, CALLBACK, type ParameterChanges, STATE } from '../../support/authorization-url.js';
import { Browser, type PageAnswer } from '../../support/browser.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { HttpTarget } from '../../support/http-target.js';
import type { Credentials, RegisteredUser } from '../../support/oauth-driver.js';
import { rawAnswer } from '../../support/raw-http.js';
import { TestServer } from '../../support/test-server.js';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const MODES: ClientAnswer['mode'][] = ['query', 'fragment', 'form_post'];
/** Each with a value that is good, and nothing beside them but `resource` that may be repeated. */
const SINGLE_VALUED: Record<string, string> = {
  response_type: 'code', scope: 'api', state: 'x', response_mode: 'query', nonce: 'n', display: 'page', prompt: 'login', max_age: '60', ui_locales: 'en', id_token_hint: 'x', login_hint: 'x', acr_values: 'x',
  claims: '{}', request: 'x', request_uri: 'https://app.example/request', registration: '{}', code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
};

describeOnOneDatabase('requests to the authorization endpoint', (kind) => {
  let server: TestServer;
  let margaret: RegisteredUser;
  let client: Credentials;
  /** In which Margaret is signed in, and has consented to all that the client may ask for. */
  let signedIn: Browser;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    margaret = await server.driver.registerUser({ username: 'margaret' });
    await server.driver.registerResource({ identifier: 'https://one.example', scopes: [{ name: 'one' }] });
    await server.driver.registerResource({ identifier: 'https://two.example', scopes: [{ name: 'two' }] });
    await server.driver.registerResource({ identifier: 'https://three.example', scopes: [{ name: 'three' }] });
    client = await register({ scope: 'openid api one two', default_scope: 'api' });
    signedIn = new Browser(server.url);
    for (const scope of ['openid api', 'one', 'two']) await signedIn.authorize(authorizationUrl(client, { scope }), margaret);
  });
  afterAll(() => server.stop());

  const register = (metadata: Record<string, unknown> = {}) => server.driver.registerClient({ grant_types: ['authorization_code'], redirect_uris: [CALLBACK], scope: 'api', ...metadata });
  const get = (changes: ParameterChanges = {}, at: { clientId: string } = client) => new Browser(server.url).get(authorizationUrl(at, changes));
  const postText = (body: string, headers: Record<string, string> = FORM) => new Browser(server.url).request('POST', '/oauth/authorize', { headers, body });
  const post = (changes: ParameterChanges = {}) => postText(authorizationQuery(client, changes));
  const asked = async (answer: PageAnswer, browser = new Browser(server.url)) => expectPage(await browser.follow(answer), 'login');
  const isTaken = async (query: string) => {
    const browser = new Browser(server.url);
    await asked(await browser.get(`/oauth/authorize?${query}`), browser);
  };

  describe('RFC 6749 §4.1.2.1: the client is told of errors, with its state and the issuer', () => {
    it.each<[string, string, ParameterChanges]>([
      ['without a response_type', 'invalid_request', { response_type: undefined }],
      ['an empty response_type', 'invalid_request', { response_type: '' }],
      ['an unknown response_type', 'unsupported_response_type', { response_type: 'foo' }],
      ['a response_type in another case', 'unsupported_response_type', { response_type: 'Code' }],
      ['a response_type with a space too many', 'unsupported_response_type', { response_type: 'code ' }],
      ['a response_type with a part twice', 'unsupported_response_type', { response_type: 'code code' }],
      ['response_type=none', 'unsupported_response_type', { response_type: 'none' }],
      ['a scope that the client may not have', 'invalid_scope', { scope: 'api admin' }],
      ['a scope in another case', 'invalid_scope', { scope: 'API' }],
      ['a scope with two spaces', 'invalid_scope', { scope: 'api  one' }],
      ['a scope with a space before it', 'invalid_scope', { scope: ' api' }],
      ['a scope with a quote', 'invalid_scope', { scope: '"api"' }],
      ['a scope with another letter', 'invalid_scope', { scope: 'äpi' }],
      ['the scopes of two resources, without naming them', 'invalid_scope', { scope: 'one two' }],
      ['a scope of another resource than the one that is named', 'invalid_scope', { scope: 'one', resource: 'https://two.example' }],
      ['an unknown resource', 'invalid_target', { resource: 'https://nobody.example' }],
      ['a resource that the client has no scope of', 'invalid_target', { resource: 'https://three.example' }],
      ['an unknown response_mode', 'invalid_request', { response_mode: 'web_message' }],
      ['an unknown prompt', 'invalid_request', { prompt: 'create' }],
      ['a prompt in another case', 'invalid_request', { prompt: 'Login' }],
      ['prompt=none beside another', 'invalid_request', { prompt: 'none login' }],
      ['prompt=none behind another', 'invalid_request', { prompt: 'consent none' }],
      ['a max_age that is no number', 'invalid_request', { max_age: '1h' }],
      ['a negative max_age', 'invalid_request', { max_age: '-1' }],
      ['claims that are not JSON', 'invalid_request', { claims: '{' }],
      ['claims that are no object', 'invalid_request', { claims: '[]' }],
      ['a claim that is asked for by a word', 'invalid_request', { claims: '{"id_token":{"acr":"x"}}' }],
      ['a request object', 'request_not_supported', { request: 'eyJhbGciOiJub25lIn0.e30.' }],
      ['a registration', 'registration_not_supported', { registration: '{}' }],
    ])('%s: %s', async (_, error, changes) => {
      expectRefusal(await get(changes), error, server);
      expectRefusal(await post(changes), error, server);
      expectRefusal(await signedIn.get(authorizationUrl(client, changes)), error, server);
    });

    it('hybrid response types: unsupported_response_type, in the fragment, where their answers would stand', async () => {
      for (const type of ['code token', 'code id_token', 'id_token code', 'code id_token token']) expectRefusal(await get({ response_type: type }), 'unsupported_response_type', server, { mode: 'fragment' });
    });

    it('a client that may not use the authorization code grant: unauthorized_client', async () => {
      expectRefusal(await get({}, await register({ grant_types: ['client_credentials'] })), 'unauthorized_client', server);
      expectRefusal(await get({}, await register({ response_types: [] })), 'unauthorized_client', server);
    });

    it('a user whose roles allow nothing of the scope: invalid_scope, once it is known who she is', async () => {
      await server.driver.registerResource({ identifier: 'https://staff.example', scopes: [{ name: 'staff', required_roles: ['staff'] }] });
      const staff = await register({ scope: 'staff' });
      expectRefusal(await new Browser(server.url).authorize(authorizationUrl(staff), margaret), 'invalid_scope', server);
    });

    it('a user who says no: access_denied', async () => {
      const browser = new Browser(server.url);
      const consent = await browser.signIn(await browser.get(authorizationUrl(client, { prompt: 'consent' })), margaret);
      expectPage(consent, 'consent');
      expectRefusal(await browser.submit(consent, { decision: 'deny' }), 'access_denied', server);
    });

    it('a user who does not want to sign in: access_denied', async () => {
      const browser = new Browser(server.url);
      const login = await browser.follow(await browser.get(authorizationUrl(client)));
      expectRefusal(await browser.submit(login, { decision: 'cancel' }), 'access_denied', server);
    });

    it.each(['authorization_requests', 'sessions', 'authorization_codes'])('a failure of the database (%s): server_error, and the database is not named', async (table) => {
      const rename = (from: string, to: string) => server.get(Database).query(`ALTER TABLE ${from} RENAME TO ${to}`);
      await rename(table, 'lost');
      try {
        const answer = await (table === 'authorization_requests' ? get() : signedIn.get(authorizationUrl(client)));
        expectRefusal(answer, 'server_error', server);
      } finally {
        await rename('lost', table);
      }
    });

    it('nothing that was sent is repeated in the description, or logged', async () => {
      const changes = { scope: 'canary"<script>', nonce: 'canary', login_hint: 'canary', prompt: 'canary', response_mode: 'canary' };
      const { params } = clientAnswer(await get(changes));
      expect(params['error_description']).not.toContain('canary');
      expect(server.logLines.join('\n')).not.toMatch(/canary/);
    });
  });

  describe('RFC 9207 §2: iss', () => {
    it('is that of the metadata', async () => {
      expect((await server.driver.request('GET', '/.well-known/oauth-authorization-server')).body['issuer']).toBe(server.issuer);
    });

    it.each(MODES)('comes with a code and with an error, by response_mode=%s', async (mode) => {
      const success = await signedIn.get(authorizationUrl(client, { response_mode: mode }));
      expect(clientAnswer(success)).toEqual({ mode, params: { code: expect.stringMatching(/^mg_ac_[\w-]{43}$/) as string, state: STATE, iss: server.issuer } });
      expect(success.headers.get('cache-control')).toBe('no-store');
      expect(success.headers.get('referrer-policy')).toBe('no-referrer');
      expectRefusal(await get({ response_mode: mode, prompt: 'none' }), 'login_required', server, { mode });
      expectRefusal(await get({ response_mode: mode, response_type: 'foo' }), 'unsupported_response_type', server, { mode });
    });

    it('no code is written to the log', () => {
      expect(server.logLines.join('\n')).not.toContain('mg_ac_');
    });
  });

  describe('OAuth 2.0 Form Post Response Mode', () => {
    it('sends the parameters from a page that can do nothing else', async () => {
      const page = await signedIn.get(authorizationUrl(client, { response_mode: 'form_post' }));
      const [, script = ''] = /<script>(.*?)<\/script>/s.exec(page.text) ?? [];
      const policy = page.headers.get('content-security-policy')!;
      expect(policy).toContain(`script-src 'sha256-${createHash('sha256').update(script).digest('base64')}';`);
      expect(policy).toMatch(/^default-src 'none';/);
      expect(policy).toMatch(/form-action 'self' https:;/);
      expect(policy).toMatch(/frame-ancestors 'none'/);
      expect(policy).not.toMatch(/unsafe|\*/);
      expect(page.headers.get('x-frame-options')).toBe('DENY');
      expect(page.text.match(/<form|<script/g)).toEqual(['<form', '<script']);
    });

    it.each(['"><script>alert(1)</script>', "'><img src=x onerror=alert(1)>", '</form><form action=https://evil.example>', '&quot;&amp;&#x22;', '<!--', '\u2028\u202e'])('a state of %j comes to the client and not into the page', async (state) => {
      for (const page of [await signedIn.get(authorizationUrl(client, { response_mode: 'form_post', state })), await get({ response_mode: 'form_post', state, prompt: 'none' })]) {
        expect(clientAnswer(page).params['state']).toBe(state);
        // The image is the server's own mark.
        expect(page.text.match(/<form|<script|<img|<!--/g)).toEqual(['<img', '<form', '<script']);
      }
    });
  });

  describe('RFC 6749 §4.1.1: state', () => {
    it.each([
      ['2 KB', 'x'.repeat(2048)], ['characters that mean something in a URL', '&=%+"<>#?/\\ ;,%20%26'], ['emoji', '\u{1f3ab}\u{1f469}\u200d\u{1f680}'], ['other letters', 'zażółć 日本 e\u0301 é'], ['line ends and a tab', 'a\r\nb\tc'],
      ['spaces around', ' x '], ['what looks like a parameter', 'x&iss=https://evil.example&code=1'], ['a word that other languages take for nothing', 'null'],
    ])('%s: comes back as it was sent', async (_, state) => {
      for (const mode of MODES) {
        expect(clientAnswer(await signedIn.get(authorizationUrl(client, { state, response_mode: mode }))).params['state']).toBe(state);
        expectRefusal(await post({ state, response_mode: mode, prompt: 'none' }), 'login_required', server, { state, mode });
      }
    });

    it('is kept while the user is asked', async () => {
      const state = '&=%+"<> \u{1f3ab}';
      expect(clientAnswer(await new Browser(server.url).authorize(authorizationUrl(client, { state }), margaret)).params['state']).toBe(state);
    });

    it('bytes that are not escaped are no URL: 400, and nothing else is made of them', async () => {
      const target = Buffer.from(`${authorizationUrl(client, { prompt: 'none', state: undefined })}&state=\u{1f3ab}`).toString('latin1');
      const { status, headers } = await rawAnswer(server.url, 'GET', target, []);
      expect([status, headers.get('location')]).toEqual([400, null]);
    });

    it.each<[string, ParameterChanges]>([['absent', { state: undefined }], ['empty', { state: '' }]])('%s: is absent', async (_, changes) => {
      for (const mode of MODES) {
        expect(Object.keys(clientAnswer(await signedIn.get(authorizationUrl(client, { ...changes, response_mode: mode }))).params).sort()).toEqual(['code', 'iss']);
        expectRefusal(await get({ ...changes, response_mode: mode, prompt: 'none' }), 'login_required', server, { state: null, mode });
      }
    });
  });

  describe('RFC 6749 §3.1: parameters', () => {
    const repeatable = Object.entries(SINGLE_VALUED);

    it.each(repeatable)('%s twice, with the same value and with another: invalid_request', async (name, value) => {
      for (const other of [value, 'other', '']) {
        const expected = name === 'state' ? { state: null } : {};
        expectRefusal(await get({ [name]: [value, other] }), 'invalid_request', server, expected);
        expectRefusal(await signedIn.get(authorizationUrl(client, { [name]: [other, value] })), 'invalid_request', server, expected);
        expectRefusal(await post({ [name]: [value, other] }), 'invalid_request', server, expected);
      }
    });

    it('resource may be repeated (RFC 8707 §2)', async () => {
      await isTaken(authorizationQuery(client, { scope: 'one two', resource: ['https://one.example', 'https://two.example'] }));
    });

    it('unknown ones are ignored, and those of other endpoints', async () => {
      await isTaken(`${authorizationQuery(client)}&foo=1&foo=2&utm[x]=1&client_secret=x&client_secret=y&code=x&grant_type=password&username=u&password=p`);
    });

    it('empty ones are as if omitted', async () => {
      const empty = Object.fromEntries(['scope', 'response_mode', 'nonce', 'display', 'prompt', 'max_age', 'ui_locales', 'id_token_hint', 'login_hint', 'acr_values', 'claims', 'request', 'request_uri', 'registration', 'resource'].map((name) => [name, '']));
      await isTaken(authorizationQuery(client, empty));
      expect(clientAnswer(await signedIn.get(authorizationUrl(client, empty))).params['code']).toMatch(/^mg_ac_/);
    });

    it.each(['display=popup', 'display=foo', 'acr_values=urn:foo', 'ui_locales=xx', 'login_hint=nobody', `login_hint=${'x'.repeat(3000)}`, 'nonce=n'])('%s is taken', async (pair) => {
      await isTaken(`${authorizationQuery(client)}&${pair}`);
    });

    it.each(['scope[]=api', 'state[x]=1', 'claims[userinfo]=x', 'resource[]=https://one.example', 'response_type%5B%5D=code', '__proto__[scope]=a', 'constructor[prototype][state]=a'])('%s: a page, parameters are not nested', async (pair) => {
      for (const answer of [await get().then(() => new Browser(server.url).get(`${authorizationUrl(client)}&${pair}`)), await postText(`${authorizationQuery(client)}&${pair}`)]) expectErrorPage(answer);
      await isTaken(authorizationQuery(client));
    });

    it.each(['foo=%zz', 'state=%', 'foo=%ED%A0%80', 'foo=%C0%AF', 'state=a%00b', 'foo%00=1', `foo=${'%'.repeat(300)}`])('%s: a page, that is not UTF-8 in a form', async (pair) => {
      for (const text of [`${authorizationQuery(client)}&${pair}`, `${pair}&${authorizationQuery(client)}`, pair]) {
        expectErrorPage(await new Browser(server.url).get(`/oauth/authorize?${text}`));
        expectErrorPage(await postText(text));
      }
    });

    it('more than 100: a page, 413', async () => {
      const text = `${authorizationQuery(client)}${'&foo=1'.repeat(100)}`;
      for (const answer of [await new Browser(server.url).get(`/oauth/authorize?${text}`), await postText(text)]) expectErrorPage(answer, 413);
    });

    it('none at all: a page', async () => {
      for (const path of ['/oauth/authorize', '/oauth/authorize?', '/oauth/authorize?&']) expectErrorPage(await new Browser(server.url).get(path));
      expectErrorPage(await postText(''));
    });
  });

  describe('OIDC Core §3.1.2.1: by POST', () => {
    it('a form is taken as a query is', async () => {
      const browser = new Browser(server.url);
      await asked(await browser.request('POST', '/oauth/authorize', { headers: FORM, body: authorizationQuery(client) }), browser);
      const answer = await signedIn.request('POST', '/oauth/authorize', { headers: FORM, body: authorizationQuery(client) });
      expect(clientAnswer(answer)).toEqual({ mode: 'query', params: { code: expect.any(String) as string, state: STATE, iss: server.issuer } });
    });

    it('a query beside a form counts for nothing', async () => {
      const answer = await signedIn.request('POST', `/oauth/authorize?${authorizationQuery(client, { state: 'query', response_mode: 'fragment', prompt: 'none login' })}`, { headers: FORM, body: authorizationQuery(client) });
      expect(clientAnswer(answer)).toMatchObject({ mode: 'query', params: { state: STATE } });
      expectErrorPage(await signedIn.request('POST', authorizationUrl(client), { headers: FORM, body: '' }));
    });

    it.each(['application/json', 'multipart/form-data; boundary=x', 'text/plain', 'application/x-www-form-urlencoded; charset=utf-16', 'application/x-www-form-urlencoded; charset=iso-8859-1'])('a body of %s: a page', async (type) => {
      expectErrorPage(await postText(authorizationQuery(client), { 'content-type': type }));
    });

    it('a compressed body: a page, 415; a body of 40 KB: a page, 413', async () => {
      expectErrorPage(await postText(authorizationQuery(client), { ...FORM, 'content-encoding': 'gzip' }), 415);
      expectErrorPage(await post({ nonce: 'x'.repeat(40_000) }), 413);
    });

    const deep = (levels: number) => `claims={"userinfo":{"a":{"value":${'['.repeat(levels)}${']'.repeat(levels)}}}}`;
    const LONG: [string, string][] = [
      ['a nonce of characters that JSON escapes', `nonce=${'%01'.repeat(700)}`],
      ['state, nonce and claims that are too long together', `state=${'x'.repeat(1_500)}&nonce=${'x'.repeat(1_500)}&claims={"userinfo":{"${'x'.repeat(1_500)}":null}}`],
      ['claims with many values', `claims={"id_token":{"x":{"values":[${Array(5000).fill('1e20').join(',')}]}}}`],
      ['claims that are nested 13,000 deep', deep(13_000)],
    ];

    it.each([
      ['of 4,095 bytes', 'x'.repeat(4_095)],
      ['of characters that JSON escapes', '%01'.repeat(700)],
      ['of 28,000 bytes, which no client could receive', '%01'.repeat(9_300)],
    ])('a state %s: a page', async (_, state) => {
      expectErrorPage(await postText(`${authorizationQuery(client, { state: undefined })}&state=${state}`));
    });

    it.each(LONG)('%s: invalid_request', async (_, pair) => {
      const answer = await postText(`${authorizationQuery(client, { state: undefined })}&${pair}`);
      expect(clientAnswer(answer).params).toMatchObject({ error: 'invalid_request', iss: server.issuer });
    });

    it.each([
      ['a state of 4,000 bytes', `state=${'x'.repeat(4_000)}`],
      ['claims that are nested 1,500 deep', deep(1_500)],
    ])('%s: the user is asked, and 16 KiB are stored at most', async (_, pair) => {
      const browser = new Browser(server.url);
      const query = authorizationQuery(client, { state: undefined, scope: 'openid' });
      const answer = await browser.request('POST', '/oauth/authorize', { headers: FORM, body: `${query}&${pair}` });
      expectPage(await browser.follow(answer), 'login');
      const sql = 'SELECT MAX(LENGTH(request)) AS longest FROM authorization_requests';
      const [{ longest }] = await server.get(Database).query<{ longest: number | string }>(sql);
      expect(Number(longest)).toBeLessThanOrEqual(16_384);
    });
  });

  describe('other methods', () => {
    it.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s: 405', async (method) => {
      const answer = await signedIn.request(method, authorizationUrl(client));
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toBe('GET, HEAD, POST');
    });
  });

  describe('RFC 9700 §2.6: no page of another origin reads anything here', () => {
    it.each(['https://app.example', 'https://evil.example', 'null'])('Origin: %s', async (origin) => {
      const headers = { origin };
      const answers = [
        await new Browser(server.url).get(authorizationUrl(client), headers),
        await signedIn.get(authorizationUrl(client), headers),
        await new Browser(server.url).get(authorizationUrl(client, { prompt: 'none' }), headers),
        await new Browser(server.url).get('/oauth/authorize', headers),
        await postText(authorizationQuery(client), { ...FORM, ...headers }),
        await new Browser(server.url).request('OPTIONS', authorizationUrl(client), { headers: { ...headers, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' } }),
      ];
      for (const { headers: sent } of answers) expect([...sent.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
      expect(answers.at(-1)!.status).toBe(405);
    });
  });

  describe('OIDC Core §6: request and request_uri', () => {
    it('a request object is refused, signed or not, and does not change the request', async () => {
      for (const request of ['eyJhbGciOiJub25lIn0.eyJyZWRpcmVjdF91cmkiOiJodHRwczovL2V2aWwuZXhhbXBsZSJ9.', 'x']) expectRefusal(await signedIn.get(authorizationUrl(client, { request })), 'request_not_supported', server);
    });

    it('a request_uri is refused, and nobody is called', async () => {
      const target = await HttpTarget.start();
      try {
        for (const uri of [`http://${target.host}/request`, `https://${target.host}/request`, `http://${target.host}`, 'file:///etc/passwd', 'urn:example:x', 'x']) {
          expectRefusal(await get({ request_uri: uri }), 'request_uri_not_supported', server);
          expectErrorPage(await get({ request_uri: uri, redirect_uri: `http://${target.host}/cb` }));
        }
        expect(target.connections).toBe(0);
      } finally {
        await target.close();
      }
    });

    it('a request_uri that looks like one of ours: a page, whatever stands beside it', async () => {
      for (const uri of ['urn:ietf:params:oauth:request_uri:', `urn:ietf:params:oauth:request_uri:${'A'.repeat(43)}`]) expectErrorPage(await get({ request_uri: uri }));
    });
  });
});
