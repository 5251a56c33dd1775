import { corsHeaders } from '../../support/cross-origin.js';
import { CALLBACK } from '../../support/authorization-url.js';
import { CodeFlow } from '../../support/code-flow.js';
import { createMariadb, describeOnEachDatabase, describeOnOneDatabase, mariadbPort } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { flipCase, ownKey, segment, signedJwt, withSegment } from '../../support/forged-tokens.js';
import { type Answer, basic, type Credentials, decodeJwt, type RegisteredUser } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { rawAnswer, type RawAnswer, type RawHeaders } from '../../support/raw-http.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { ADMIN, TestServer } from '../../support/test-server.js';

const PATH = '/gateway/verify';
const ORDERS = 'https://api.example.com/orders';
const STOCK = 'https://api.example.com/stock';
const FORMATS = ['jwt', 'opaque'];
const IDENTITY = ['x-auth-client-id', 'x-auth-roles', 'x-auth-scope', 'x-auth-subject', 'x-auth-token-id'];

type Any = Answer | RawAnswer;
type Query = Record<string, string | string[] | undefined>;

/** What a gateway would hand on: by name, empty ones included. */
const identityOf = ({ headers }: Any) => Object.fromEntries([...headers].filter(([name]) => name.startsWith('x-auth-')));
const challengeOf = ({ headers }: Any): string => headers.get('www-authenticate') ?? '';
const search = (query: Query): string => {
  const pairs = Object.entries(query).flatMap(([name, values]) => [values ?? []].flat().map((value): [string, string] => [name, value]));
  return pairs.length > 0 ? `${PATH}?${new URLSearchParams(pairs).toString()}` : PATH;
};

function expectYes(answer: Any, identity: Record<string, string> = {}, status = 204): void {
  expect({ status: answer.status, text: answer.text }).toEqual({ status, text: '' });
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(Object.keys(identityOf(answer)).sort()).toEqual(IDENTITY);
  expect(identityOf(answer)).toMatchObject(identity);
}

function expectNo(answer: Any, status: number, error: 'invalid_token' | 'insufficient_scope' | 'invalid_request'): void {
  expectOAuthError(answer, status, error);
  expect(identityOf(answer)).toEqual({});
  if (status !== 400) expect(challengeOf(answer)).toMatch(new RegExp(`^Bearer realm="mintgate", error="${error}"(, [a-z_]+="[\\x20-\\x21\\x23-\\x5b\\x5d-\\x7e]+")*$`));
}

describeOnOneDatabase('/gateway/verify', (kind) => {
  let server: TestServer;
  let margaret: RegisteredUser;
  let flow: CodeFlow;
  let orders: Credentials;
  let quick: Credentials;
  let web: Credentials;
  let own: string;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    const { driver } = server;
    await driver.registerResource({ identifier: ORDERS, scopes: [{ name: 'orders:read' }, { name: 'orders:write', required_roles: ['clerk'] }] });
    await driver.registerResource({ identifier: STOCK, scopes: [{ name: 'stock:read' }] });
    margaret = await driver.registerUser({ username: 'margaret', roles: ['clerk', 'night-shift,"x"'] });
    flow = await CodeFlow.signedIn(server, margaret);
    orders = await driver.registerClient({ client_id: 'orders-cron', scope: 'orders:read orders:write stock:read free', default_scope: 'orders:read' });
    quick = await driver.registerClient({ client_id: 'quick', scope: 'free other' });
    web = await driver.registerClient({ grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [CALLBACK], scope: 'openid offline_access orders:read orders:write free', skip_consent: true });
    own = await driver.accessToken(orders);
  });
  afterAll(() => server.stop());

  const ask = (token: string | undefined, query: Query = {}, headers: Record<string, string> = {}): Promise<Answer> =>
    server.driver.request('GET', search(query), { headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers } });
  const raw = (target: string, headers: RawHeaders, method = 'GET') => rawAnswer(server.url, method, target, headers);
  const userToken = async (scope = 'orders:read') => (await flow.tokens(web, { scope })).access_token;
  const register = (metadata: Record<string, unknown> = {}) => server.driver.registerClient({ scope: 'orders:read', ...metadata });
  const SCOPE = { scope: 'orders:read' };

  describe('204: the identity, for the gateway to hand on', () => {
    it("of a client's token: sub is the client, there are no roles, and the empty header is there too", async () => {
      const { claims } = decodeJwt(own);
      expectYes(await ask(own, SCOPE), { 'x-auth-client-id': 'orders-cron', 'x-auth-subject': 'orders-cron', 'x-auth-scope': 'orders:read', 'x-auth-roles': '', 'x-auth-token-id': claims['jti'] as string });
    });

    it("of a user's token: sub, scope and her roles, separated by spaces", async () => {
      expectYes(await ask(await userToken('orders:read orders:write'), SCOPE), { 'x-auth-client-id': web.clientId, 'x-auth-subject': margaret.userId, 'x-auth-scope': 'orders:read orders:write', 'x-auth-roles': 'clerk night-shift,"x"' });
    });

    it('of a token without scope: an empty scope', async () => {
      const token = await server.driver.accessToken(await server.driver.registerClient({ scope: '' }));
      expectYes(await ask(token), { 'x-auth-scope': '', 'x-auth-roles': '' });
    });

    it('of an opaque token: an id that is stable, and neither the token nor a part of it', async () => {
      const token = await server.driver.accessToken(await register({ access_token_format: 'opaque' }));
      const id = identityOf(await ask(token, SCOPE))['x-auth-token-id'];
      expect(id).toMatch(/^[0-9a-f]{64}$/);
      expect(identityOf(await ask(token, SCOPE))['x-auth-token-id']).toBe(id);
      for (const part of [token, token.slice(6)]) expect(id).not.toContain(part);
      expectNo(await ask(id, SCOPE), 401, 'invalid_token');
      expectNo(await ask(`mg_at_${id}`, SCOPE), 401, 'invalid_token');
    });

    it('of a pairwise subject: as the token has it', async () => {
      const client = await server.driver.registerClient({ grant_types: ['authorization_code'], redirect_uris: [CALLBACK], scope: 'orders:read', subject_type: 'pairwise', skip_consent: true });
      const token = (await flow.tokens(client, SCOPE)).access_token;
      const subject = decodeJwt(token).claims['sub'] as string;
      expect(subject).not.toBe(margaret.userId);
      expectYes(await ask(token, SCOPE), { 'x-auth-subject': subject });
    });

    it('HEAD is answered like GET', async () => {
      const answer = await server.driver.request('HEAD', search(SCOPE), { headers: { authorization: `Bearer ${own}` } });
      expectYes(answer, { 'x-auth-client-id': 'orders-cron' });
      expect((await server.driver.request('HEAD', search(SCOPE))).status).toBe(401);
    });

    it('is of one line a header, whatever the longest client id and a hundred roles hold', async () => {
      const roles = Array.from({ length: 95 }, (_, index) => `${'~!#$%&\'()*+,/:;<=>?@[\\]^_`{|}"'.repeat(3)}${index}`);
      const user = await server.driver.registerUser({ username: 'roles', roles });
      const client = await server.driver.registerClient({ client_id: `c${'-'.repeat(127)}`, grant_types: ['password'], scope: 'orders:read', access_token_format: 'opaque' });
      const { accessToken } = await server.driver.signIn(client, user, SCOPE);
      const answer = await raw(search(SCOPE), [['Authorization', `Bearer ${accessToken}`]]);
      expectYes(answer, { 'x-auth-client-id': client.clientId, 'x-auth-roles': roles.join(' ') });
    });

    it('is open to no page of another origin: no CORS header, and a preflight is no request of the gateway', async () => {
      const allowed = await ask(own, SCOPE, { origin: 'https://app.example' });
      expectYes(allowed);
      expect(corsHeaders(allowed)).toEqual({});
      const preflight = await raw(search(SCOPE), [['Origin', 'https://app.example'], ['Access-Control-Request-Method', 'GET']], 'OPTIONS');
      expect([preflight.status, corsHeaders(preflight as never)]).toEqual([405, {}]);
    });
  });

  describe('RFC 6750 §3: the challenge', () => {
    it('without a token: 401 that names no error', async () => {
      for (const answer of [await ask(undefined), await ask(undefined, {}, { authorization: basic(orders) }), await ask(undefined, {}, { authorization: 'Digest x' })]) {
        expect([answer.status, challengeOf(answer)]).toEqual([401, 'Bearer realm="mintgate"']);
        expect(answer.headers.get('cache-control')).toBe('no-store');
        expect(identityOf(answer)).toEqual({});
      }
    });

    it('a token in the query, in a form, in a cookie or in another header is none', async () => {
      expectNo(await ask(undefined, { access_token: own }), 400, 'invalid_request');
      for (const headers of [{ cookie: `access_token=${own}` }, { 'x-forwarded-authorization': `Bearer ${own}` }, { 'proxy-authorization': `Bearer ${own}` }, { 'x-auth-token': own }] as Record<string, string>[]) expect((await ask(undefined, SCOPE, headers)).status).toBe(401);
      const inForm = await rawAnswer(server.url, 'GET', search(SCOPE), [['Content-Type', 'application/x-www-form-urlencoded']], `access_token=${own}`);
      expect([inForm.status, challengeOf(inForm)]).toEqual([401, 'Bearer realm="mintgate"']);
    });

    it.each(['Bearer', 'Bearer ', 'Bearer a b', 'Bearer a,b', 'Bearer "a"', 'Bearer\ta'])('a malformed header is 401 invalid_token: %j', async (authorization) => {
      expectNo(await raw(search(SCOPE), [['Authorization', authorization]]), 401, 'invalid_token');
    });

    it.each<[string, (token: string) => RawHeaders]>([
      ['the same twice', (token) => [['Authorization', `Bearer ${token}`], ['Authorization', `Bearer ${token}`]]],
      ['a good one and a bad one', (token) => [['Authorization', `Bearer ${token}`], ['authorization', 'Bearer x']]],
      ['Basic and Bearer', (token) => [['Authorization', basic(ADMIN)], ['Authorization', `Bearer ${token}`]]],
    ])('a repeated Authorization header is 400 invalid_request: %s', async (_, headers) => {
      const answer = await raw(search(SCOPE), headers(own));
      expectNo(answer, 400, 'invalid_request');
      expect(challengeOf(answer)).toBe('Bearer realm="mintgate", error="invalid_request"');
    });

    it('a token that lacks a scope is 403 insufficient_scope, and told all that is needed', async () => {
      for (const scope of ['orders:write', 'orders:read orders:write', 'ORDERS:READ', 'orders:rea', 'orders:read ord']) {
        const answer = await ask(own, { scope, audience: ORDERS });
        expectNo(answer, 403, 'insufficient_scope');
        expect(challengeOf(answer)).toContain(`scope="${scope}"`);
      }
      const both = await server.driver.accessToken(orders, { scope: 'orders:read orders:write free', resource: ORDERS });
      for (const scope of ['orders:write', 'free orders:read', 'orders:write orders:read']) expectYes(await ask(both, { scope }));
    });

    it('a description never repeats what was sent', async () => {
      for (const answer of [await ask('canary-token', SCOPE), await ask(own, { scope: 'orders:read', canary: '1' }), await ask(own, { scope: 'can"ary' }), await ask(own, { subject: 'canary' })]) {
        expect([...answer.headers].flat().join() + answer.text).not.toMatch(/can"?ary/);
      }
    });
  });

  describe('a token of the wrong kind is 401 invalid_token', () => {
    it.each<[string, () => Promise<string> | string]>([
      ['an ID token', async () => (await flow.tokens(web, { scope: 'openid' })).id_token],
      ['a refresh token', async () => (await flow.tokens(web, { scope: 'openid offline_access orders:read' })).refresh_token],
      ['an authorization code', () => flow.code(web, { scope: 'orders:read' })],
      ['a client secret', () => orders.clientSecret],
      ['an admin token', () => server.driver.accessToken(ADMIN)],
      ['a random opaque token', () => `mg_at_${'A'.repeat(43)}`],
      ['an altered one', () => withSegment(own, 2, flipCase)],
      ['one without a signature, alg none', () => `${segment({ ...decodeJwt(own).header, alg: 'none' })}.${own.split('.')[1]}.`],
      ['one with the typ of another JWT', () => signedJwt({ ...decodeJwt(own).header, typ: 'JWT' }, decodeJwt(own).claims, ownKey(server).privateKey)],
      ['one of another issuer, signed by our key', () => signedJwt(decodeJwt(own).header, { ...decodeJwt(own).claims, iss: 'https://evil.example' }, ownKey(server).privateKey)],
      ['one that has expired, signed by our key', () => signedJwt(decodeJwt(own).header, { ...decodeJwt(own).claims, exp: 1 }, ownKey(server).privateKey)],
      ['one of 11 KB', () => `${own}${'A'.repeat(11_000)}`],
    ])('%s', async (_, token) => {
      const value = await token();
      for (const query of [{}, SCOPE, { audience: [ORDERS, server.issuer] }]) expectNo(await ask(value, query), 401, 'invalid_token');
      expect(server.logLines.join('\n')).not.toContain(value);
    });

    it('the tools of this suite make a good one when nothing is wrong with it', async () => {
      expectYes(await ask(signedJwt(decodeJwt(own).header, decodeJwt(own).claims, ownKey(server).privateKey), SCOPE));
    });

    it.each(FORMATS)('one that has run out (%s)', async (format) => {
      const token = await server.driver.accessToken(await register({ access_token_format: format, access_token_lifetime: 10 }));
      server.clock.advanceSeconds(9);
      expectYes(await ask(token, SCOPE));
      server.clock.advanceSeconds(1);
      expectNo(await ask(token, SCOPE), 401, 'invalid_token');
    });

    it.each<[string, (client: Credentials, token: string) => Promise<unknown>]>([
      ['revoked', (client, token) => server.driver.revoke(client, token)],
      ['its client disabled', ({ clientId }) => server.driver.adminRequest('PATCH', `/clients/${clientId}`, { enabled: false })],
      ['its client deleted', ({ clientId }) => server.driver.adminRequest('DELETE', `/clients/${clientId}`)],
      ['all tokens of its client revoked', ({ clientId }) => server.driver.adminRequest('DELETE', `/clients/${clientId}/tokens`)],
    ])('one that has ended is seen at once: %s', async (_, end) => {
      for (const format of FORMATS) {
        const client = await register({ access_token_format: format });
        const token = await server.driver.accessToken(client);
        expectYes(await ask(token, SCOPE));
        await end(client, token);
        expectNo(await ask(token, SCOPE), 401, 'invalid_token');
      }
    });

    it.each<[string, (user: RegisteredUser) => Promise<unknown>]>([
      ['disabled', ({ userId }) => server.driver.adminRequest('PATCH', `/users/${userId}`, { enabled: false })],
      ['deleted', ({ userId }) => server.driver.adminRequest('DELETE', `/users/${userId}`)],
      ['signed out everywhere', ({ userId }) => server.driver.adminRequest('DELETE', `/users/${userId}/tokens`)],
    ])('one of a user who was %s', async (outcome, end) => {
      const client = await server.driver.registerClient({ grant_types: ['password'], scope: 'orders:read' });
      const user = await server.driver.registerUser({ username: outcome });
      const { accessToken } = await server.driver.signIn(client, user);
      expectYes(await ask(accessToken, SCOPE));
      await end(user);
      expectNo(await ask(accessToken, SCOPE), 401, 'invalid_token');
    });
  });

  describe('RFC 9068 §4: the audience', () => {
    const tokenFor = (form: Record<string, string | string[]>) => server.driver.accessToken(orders, form);

    it('that the gateway names must be in the token; of several, one', async () => {
      for (const audience of [ORDERS, [ORDERS], [STOCK, ORDERS]]) expectYes(await ask(own, { audience }));
      for (const audience of [STOCK, server.issuer, `${ORDERS}/`, ORDERS.toUpperCase(), ORDERS.slice(0, -1), [STOCK, server.issuer]]) expectNo(await ask(own, { ...SCOPE, audience }), 401, 'invalid_token');
      const both = await tokenFor({ scope: 'orders:read stock:read', resource: [ORDERS, STOCK] });
      for (const audience of [ORDERS, STOCK]) expectYes(await ask(both, { audience }));
    });

    it('is, for a gateway that names none, the owner of the scope that it demands', async () => {
      expectYes(await ask(own, SCOPE));
      expectYes(await ask(await tokenFor({ scope: 'stock:read' }), { scope: 'stock:read' }));
      const both = await tokenFor({ scope: 'orders:read stock:read', resource: [ORDERS, STOCK] });
      expectYes(await ask(both, { scope: 'stock:read orders:read' }));
      expectNo(await ask(own, { scope: 'stock:read orders:read' }), 401, 'invalid_token');
    });

    it('is the issuer where nobody owns that scope, or none is demanded: a token for an API does not open another one', async () => {
      const token = await server.driver.accessToken(quick);
      for (const query of [{}, { scope: 'free' }, { scope: 'free other' }]) expectYes(await ask(token, query));
      for (const query of [{}, { scope: 'free' }]) expectNo(await ask(await tokenFor({ scope: 'free orders:read' }), query), 401, 'invalid_token');
      expectNo(await ask(own), 401, 'invalid_token');
    });

    it('is never the admin API by accident', async () => {
      const admin = await server.driver.accessToken(ADMIN);
      for (const query of [{}, { scope: 'free' }, { audience: ORDERS }]) expectNo(await ask(admin, query), 401, 'invalid_token');
      expectYes(await ask(admin, { audience: `${server.issuer}/admin` }));
    });

    it('follows when a resource is registered for the scope', async () => {
      const client = await server.driver.registerClient({ scope: 'late:read' });
      const early = await server.driver.accessToken(client);
      expectYes(await ask(early, { scope: 'late:read' }));
      await server.driver.registerResource({ identifier: 'https://late.example', scopes: [{ name: 'late:read' }] });
      expectNo(await ask(early, { scope: 'late:read' }), 401, 'invalid_token');
      expectYes(await ask(early, { scope: 'late:read', audience: [server.issuer, 'https://late.example'] }));
      expectYes(await ask(await server.driver.accessToken(client), { scope: 'late:read' }));
    });
  });

  describe('whom the token must speak of', () => {
    it('a user: 204 for hers, 403 for that of a client', async () => {
      expectYes(await ask(await userToken(), { ...SCOPE, subject: 'user' }));
      expectNo(await ask(own, { ...SCOPE, subject: 'user' }), 403, 'insufficient_scope');
    });

    it('a client: 204 for its own, 403 for that of a user', async () => {
      expectYes(await ask(own, { ...SCOPE, subject: 'client' }));
      expectNo(await ask(await userToken(), { ...SCOPE, subject: 'client' }), 403, 'insufficient_scope');
    });
  });

  describe("a mistake in the gateway's own configuration is 400 invalid_request, good token or not", () => {
    it.each([
      'scope=', 'scope', 'scope=%20', 'scope=a%20%20b', 'scope=a%0Ab', 'scope=%C3%A4', 'scope=a&scope=b', 'scope=a%22', 'audience=', 'audience', 'audience=%FF', 'subject=', 'subject=robot', 'subject=User', 'subject=user&subject=client', 'subject=user&subject=user',
      'aud=x', 'Scope=orders:read', 'scope[]=orders:read', 'scope%5B%5D=orders:read', 'scop%65=orders:read', 'access_token=x', 'role=clerk', '__proto__=x', 'x', '=', '&', 'scope=orders:read&', 'scope=%', '?scope=orders:read',
    ])('?%s', async (query) => {
      for (const headers of [[['Authorization', `Bearer ${own}`]], []] as RawHeaders[]) {
        const answer = await raw(`${PATH}?${query}`, headers);
        expectNo(answer, 400, 'invalid_request');
        expect(challengeOf(answer)).toBe('');
      }
    });

    it('what is only spelt otherwise is none: %20 or + for the space, escapes in values', async () => {
      const token = await server.driver.accessToken(orders, { scope: 'orders:read orders:write', resource: ORDERS });
      for (const query of ['', 'scope=orders:read+orders:write', 'scope=orders%3Aread%20orders%3Awrite', `audience=${ORDERS}&audience=${encodeURIComponent(STOCK)}`, `subject=client&audience=${encodeURIComponent(ORDERS)}`]) {
        const answer = await raw(`${PATH}?${query}`, [['Authorization', `Bearer ${token}`]]);
        expect({ query, status: answer.status }).toEqual({ query, status: query === '' ? 401 : 204 });
      }
    });
  });

  describe('nothing that the caller can send counts', () => {
    const SMUGGLED: RawHeaders = [
      ['X-Original-URI', `${PATH}?scope=free`], ['X-Original-URL', '/gateway/verify'], ['X-Rewrite-URL', `${PATH}`], ['X-Forwarded-Uri', `${PATH}?audience=${STOCK}`], ['X-Original-Method', 'OPTIONS'], ['X-Forwarded-Method', 'OPTIONS'],
      ['X-HTTP-Method-Override', 'OPTIONS'], ['X-Forwarded-Host', 'evil.example'], ['X-Forwarded-Proto', 'http'], ['X-Forwarded-Prefix', '/evil'], ['X-Forwarded-For', '203.0.113.9'], ['Forwarded', 'for=203.0.113.9;host=evil.example'],
      ['X-Auth-Client-Id', 'root'], ['X-Auth-Subject', 'root'], ['X-Auth-Scope', 'orders:write'], ['X-Auth-Roles', 'root'], ['X-Auth-Token-Id', 'root'], ['X-Auth-Extra', 'root'], ['Host', 'evil.example'], ['X-Envoy-Original-Path', '/'],
    ];

    it('a yes stays the same yes', async () => {
      const [plain, smuggled] = [await raw(search(SCOPE), [['Authorization', `Bearer ${own}`]]), await raw(search(SCOPE), [...SMUGGLED, ['Authorization', `Bearer ${own}`]])];
      expectYes(smuggled);
      expect(identityOf(smuggled)).toEqual(identityOf(plain));
    });

    it('a no stays the same no', async () => {
      for (const [query, headers] of [[SCOPE, []], [{ scope: 'orders:write' }, [['Authorization', `Bearer ${own}`]]], [{ audience: STOCK }, [['Authorization', `Bearer ${own}`]]], [{ nonsense: 'x' }, [['Authorization', `Bearer ${own}`]]]] as [Record<string, string>, RawHeaders][]) {
        const [plain, smuggled] = [await raw(search(query), headers), await raw(search(query), [...SMUGGLED, ...headers])];
        expect([smuggled.status, smuggled.text, challengeOf(smuggled)]).toEqual([plain.status, plain.text, challengeOf(plain)]);
        expect([400, 401, 403]).toContain(smuggled.status);
      }
    });

    it('no byte of the request splits a header of the answer', async () => {
      for (const value of ['x\r\nX-Auth-Subject: root', 'x\nX-Auth-Subject: root', 'x\rX-Auth-Subject: root']) {
        const answer = await server.driver.raw(`GET ${search(SCOPE)} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${value}\r\nConnection: close\r\n\r\n`);
        expect(answer).toMatch(/^HTTP\/1\.1 40[01] /);
        expect(answer).not.toMatch(/root/);
      }
    });
  });

  describe('G17: path and method', () => {
    it.each(['//gateway/verify', '/gateway//verify', '/GATEWAY/verify', '/gateway/Verify', '/gateway%2fverify', '/gateway/verify/', '/gateway/verify/..', '/gateway/./verify', '/gateway/verify;x', '/gateway/verify%00', '/gateway/verify.json', '/gateway/verify/x', '/gateway', '/gateway/', '/x/../gateway/verify'])(
      '%s is not this endpoint',
      async (path) => {
        const answer = await raw(path, [['Authorization', `Bearer ${await server.driver.accessToken(quick)}`]]);
        expect([400, 404]).toContain(answer.status);
        expect(identityOf(answer)).toEqual({});
      },
    );

    it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])('%s is 405, also with an override', async (method) => {
      for (const more of [[], [['X-HTTP-Method-Override', 'GET']]] as RawHeaders[]) {
        const answer = await raw(search(SCOPE), [['Authorization', `Bearer ${own}`], ...more], method);
        expectOAuthError(answer, 405, 'invalid_request');
        expect([answer.headers.get('allow'), identityOf(answer)]).toEqual(['GET, HEAD', {}]);
      }
    });
  });

  describe('Envoy, which appends path and query of its caller and keeps the method', () => {
    const envoy = (configured: string, appended: string, method = 'GET', token: string | null = own) => raw(`${PATH}?${configured}${appended}`, token === null ? [] : [['Authorization', `Bearer ${token}`]], method);
    const CONFIGURED = `scope=orders:read&audience=${ORDERS}&envoy=`;

    it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('hears 200 for a yes, by %s', async (method) => {
      const answer = await envoy(CONFIGURED, '/orders/7?x=y', method);
      expectYes(answer, { 'x-auth-client-id': 'orders-cron' }, 200);
      expect((await envoy(CONFIGURED, '/orders/7', method, null)).status).toBe(401);
    });

    it('is not talked out of its conditions by what its caller appends', async () => {
      for (const appended of ['/', '/?scope=free', '/&scope=free', `/x&audience=${STOCK}`, '/?a&subject=user', '/&nonsense', '/%FF', '/?envoy=', `/x?${'a'.repeat(6000)}`]) {
        expectYes(await envoy(CONFIGURED, appended), {}, 200);
        expectNo(await envoy(`scope=orders:write&envoy=`, appended), 403, 'insufficient_scope');
        expectNo(await envoy(`audience=${STOCK}&envoy=`, appended), 401, 'invalid_token');
        expectNo(await envoy(`scope=orders:read&subject=user&envoy=`, appended), 403, 'insufficient_scope');
      }
    });

    it('is told of a mistake in its conditions, whatever follows', async () => {
      for (const configured of ['scope=&envoy=', 'nonsense&envoy=', 'scope=orders:read&subject=x&envoy=', '&&envoy=']) expectNo(await envoy(configured, '/orders'), 400, 'invalid_request');
    });

    it('gets no yes when the mark is missing or spelt otherwise, but an error that shows', async () => {
      for (const configured of ['scope=orders:read', 'scope=orders:read&', 'scope=orders:read&ENVOY=', 'scope=orders:read&%65nvoy=', 'subject=client']) {
        expect([400, 401, 403]).toContain((await envoy(configured, '/orders')).status);
        expect((await envoy(configured, '/orders', 'POST')).status).toBeGreaterThanOrEqual(400);
      }
    });
  });

  it('after all of this the token is still good, and nothing has failed inside', async () => {
    expectYes(await ask(await server.driver.accessToken(orders), SCOPE));
    expect(server.logLines.filter((line) => /"level":"(error|fatal|warn)"/.test(line))).toEqual([]);
  });
});

describeOnEachDatabase('/gateway/verify on two instances', (kind) => {
  let here: TestServer;
  let there: TestServer;

  beforeAll(async () => {
    here = await TestServer.start({ kind });
    there = await TestServer.start({ database: here.database, issuer: here.issuer, clock: here.clock });
  });
  afterAll(async () => {
    await there?.stop();
    await here?.stop();
  });

  const status = async (token: string, at: TestServer) => (await at.driver.request('GET', PATH, { headers: { authorization: `Bearer ${token}` } })).status;

  it.each<[string, string, (client: Credentials, token: string) => Promise<unknown>]>(
    FORMATS.flatMap((format): [string, string, (client: Credentials, token: string) => Promise<unknown>][] => [
      ['a revoked token', format, (client, token) => here.driver.revoke(client, token)],
      ['a token of a disabled client', format, ({ clientId }) => here.driver.adminRequest('PATCH', `/clients/${clientId}`, { enabled: false })],
      ['a token of a client of which all were revoked', format, ({ clientId }) => here.driver.adminRequest('DELETE', `/clients/${clientId}/tokens`)],
    ]),
  )('%s (%s) is 401 at once on the one, and within a second on the other', async (_, format, end) => {
    const client = await here.driver.registerClient({ scope: 'free', access_token_format: format });
    const token = await here.driver.accessToken(client);
    await eventually(async () => expect(await status(token, there)).toBe(204), { withinMs: 1000 });
    await end(client, token);
    expect(await status(token, here)).toBe(401);
    await eventually(async () => expect(await status(token, there)).toBe(401), { withinMs: 1000 });
  });
});

if (mariadbPort() !== undefined) {
  describe('G19: /gateway/verify while the database is away (MariaDB)', () => {
    it('is 503 with Retry-After for a good token and a bad one: never a verdict. A bad configuration is 400 all the same', async () => {
      const database = await createMariadb();
      const proxy = await TcpProxy.to(mariadbPort()!);
      const server = await TestServer.start({ database: { ...database, url: database.url.replace(`:${mariadbPort()}/`, `:${proxy.port}/`) } });
      try {
        const client = await server.driver.registerClient({ scope: 'free' });
        const opaque = await server.driver.registerClient({ scope: 'free', access_token_format: 'opaque' });
        const tokens = [await server.driver.accessToken(client), await server.driver.accessToken(opaque), `mg_at_${'A'.repeat(43)}`];
        const ask = (token: string, query = '') => server.driver.request('GET', PATH + query, { headers: { authorization: `Bearer ${token}` } });
        expect(await Promise.all(tokens.map(async (token) => (await ask(token)).status))).toEqual([204, 204, 401]);
        await proxy.close();
        await eventually(async () => expect((await ask(tokens[0])).status).toBe(503));
        for (const token of tokens) {
          const answer = await ask(token);
          expectOAuthError(answer, 503, 'temporarily_unavailable');
          expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
          expect([challengeOf(answer), identityOf(answer)]).toEqual(['', {}]);
        }
        expect((await ask(tokens[0], '?nonsense')).status).toBe(400);
      } finally {
        await server.stop();
        await database.drop();
      }
    });
  });
}
