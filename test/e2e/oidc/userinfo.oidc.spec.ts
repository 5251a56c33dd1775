import { CALLBACK, type ParameterChanges } from '../../support/authorization-url.js';
import type { Browser } from '../../support/browser.js';
import { CodeFlow } from '../../support/code-flow.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { flipCase, ownKey, signedJwt, withSegment } from '../../support/forged-tokens.js';
import { type Answer, type Credentials, decodeJwt, type RegisteredUser } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { rawAnswer } from '../../support/raw-http.js';
import { TestServer } from '../../support/test-server.js';

const PATH = '/oauth/userinfo';
const PROFILE = {
  name: 'Margaret Hamilton', given_name: 'Margaret', family_name: 'Hamilton', middle_name: 'Elaine', nickname: 'Maggie', profile: 'https://margaret.example/', picture: 'https://margaret.example/me.jpg',
  website: 'https://margaret.example/blog', gender: 'female', birthdate: '1936-08-17', zoneinfo: 'America/New_York', locale: 'en-US',
};
const ADDRESS = { street_address: '1 Main Street', locality: 'Paoli', country: 'US' };
const EMAIL = { email: 'margaret@example.com', email_verified: true };
const PHONE = { phone_number: '+16175550100', phone_number_verified: false };
const ALL_SCOPES = 'openid profile email address phone offline_access';

const challengeOf = (answer: Answer): string => answer.headers.get('www-authenticate') ?? '';

/** An error of RFC 6750 §3.1, in the form of RFC 6749 §5.2. */
function expectChallenge(answer: Answer, status: number, error: 'invalid_token' | 'insufficient_scope' | 'invalid_request'): void {
  expectOAuthError(answer, status, error);
  expect(challengeOf(answer)).toMatch(new RegExp(`^Bearer realm="mintgate", error="${error}"(, [a-z_]+="[\\x20-\\x21\\x23-\\x5b\\x5d-\\x7e]+")*$`));
}

describeOnOneDatabase('OIDC Core §5.3: the userinfo endpoint', (kind) => {
  let server: TestServer;
  let sibling: TestServer;
  let margaret: RegisteredUser;
  let flow: CodeFlow;
  let web: Credentials;
  let serial = 0;

  beforeAll(async () => {
    const env = { CHANGE_FEED_INTERVAL_MS: '100' };
    server = await TestServer.start({ kind, env });
    sibling = await TestServer.start({ database: server.database, issuer: server.issuer, clock: server.clock, env });
    margaret = await server.driver.registerUser({ username: 'margaret', ...EMAIL, ...PROFILE, ...PHONE, address: ADDRESS, roles: ['accountant'] });
    flow = await CodeFlow.signedIn(server, margaret);
    web = await register();
  });
  afterAll(async () => {
    await sibling?.stop();
    await server?.stop();
  });

  const register = (metadata: Record<string, unknown> = {}) =>
    server.driver.registerClient({ grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [CALLBACK], scope: ALL_SCOPES, skip_consent: true, ...metadata });
  const tokenFor = async (client: Credentials, changes: ParameterChanges = {}) => (await flow.tokens(client, { scope: 'openid', ...changes })).access_token;
  const get = (token: string, at = server) => at.driver.request('GET', PATH, { headers: { authorization: `Bearer ${token}` } });
  const post = (form: Record<string, string | string[]>, headers: Record<string, string> = {}) => server.driver.form(PATH, form, undefined, headers);

  describe('§5.3.2: the claims', () => {
    it('of openid alone are the subject and nothing else', async () => {
      const answer = await get(await tokenFor(web));
      expect(answer).toMatchObject({ status: 200, body: { sub: margaret.userId } });
      expect(Object.keys(answer.body)).toEqual(['sub']);
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    });

    it.each<[scope: string, claims: object]>([
      ['profile', { ...PROFILE, preferred_username: 'margaret', updated_at: Math.floor(Date.parse('2026-11-23T12:00:00Z') / 1000) }],
      ['email', EMAIL],
      ['address', { address: ADDRESS }],
      ['phone', PHONE],
      ['offline_access', {}],
      ['email phone', { ...EMAIL, ...PHONE }],
    ])('of %s are those of OIDC Core §5.4', async (scope, claims) => {
      expect((await get(await tokenFor(web, { scope: `openid ${scope}` }))).body).toEqual({ sub: margaret.userId, ...claims });
    });

    it('that the user does not have are left out, not null', async () => {
      const flowOfGrace = await CodeFlow.signedIn(server, await server.driver.registerUser({ username: 'grace' }));
      const { access_token: token } = await flowOfGrace.tokens(web, { scope: ALL_SCOPES });
      const { sub, ...claims } = (await get(token)).body;
      expect(sub).toMatch(/^usr_/);
      expect(Object.keys(claims).sort()).toEqual(['preferred_username', 'updated_at']);
    });

    it('are those of now, not of when the token was issued', async () => {
      const user = await server.driver.registerUser({ username: `user-${++serial}`, email: 'before@example.com' });
      const { access_token: token } = await (await CodeFlow.signedIn(server, user)).tokens(web, { scope: 'openid email' });
      await server.driver.adminRequest('PATCH', `/users/${user.userId}`, { email: 'after@example.com', email_verified: true });
      for (const at of [server, sibling]) expect((await get(token, at)).body).toMatchObject({ email: 'after@example.com', email_verified: true });
    });

    it('of a narrowed token are fewer: what counts is its own scope', async () => {
      const { refresh_token: refreshToken } = await flow.tokens(web, { scope: 'openid email profile offline_access' });
      const { accessToken } = await server.driver.refreshed(web, refreshToken, { scope: 'openid email' });
      expect((await get(accessToken)).body).toEqual({ sub: margaret.userId, ...EMAIL });
    });

    it('come for an opaque token, and for one that is for a protected resource as well (RFC 8707)', async () => {
      await server.driver.registerResource({ identifier: 'https://ledger.example.com', scopes: [{ name: 'ledger:read' }] });
      const opaque = await tokenFor(await register({ access_token_format: 'opaque' }), { scope: 'openid email' });
      const shared = await tokenFor(await register({ scope: 'openid email ledger:read' }), { scope: 'openid email ledger:read' });
      expect(opaque).toMatch(/^mg_at_/);
      expect(decodeJwt(shared).claims['aud']).toEqual(['https://ledger.example.com', server.issuer]);
      for (const token of [opaque, shared]) expect((await get(token)).body).toEqual({ sub: margaret.userId, ...EMAIL });
    });

    it('come for a token of the implicit grant', async () => {
      const client = await register({ grant_types: ['implicit'], response_types: ['token'] });
      const answer = await flow.browser.get(`/oauth/authorize?${new URLSearchParams({ response_type: 'token', client_id: client.clientId, redirect_uri: CALLBACK, scope: 'openid email' }).toString()}`);
      const token = new URLSearchParams(answer.location!.hash.slice(1)).get('access_token')!;
      expect((await get(token)).body).toEqual({ sub: margaret.userId, ...EMAIL });
    });
  });

  describe('RFC 6750 §2: the token', () => {
    let token: string;

    beforeAll(async () => {
      token = await tokenFor(web);
    });

    it('may come by GET or POST in the header, or by POST in a form', async () => {
      const byHeader = { authorization: `Bearer ${token}` };
      const answers = [
        await get(token),
        await server.driver.request('POST', PATH, { headers: byHeader }),
        await post({}, byHeader),
        await post({ access_token: token }),
        await post({ access_token: token, other: 'x' }),
        await post({ access_token: token }, { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' }),
        await post({ access_token: '' }, byHeader),
      ];
      for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: { sub: margaret.userId } });
    });

    it.each(['Bearer', 'bearer', 'BEARER', 'bEaReR'])('may be announced as %s: the name of the scheme has no case (RFC 9110 §11.1)', async (scheme) => {
      expect((await server.driver.request('GET', PATH, { headers: { authorization: `${scheme} ${token}` } })).status).toBe(200);
    });

    it('in the query is none: 401, as without any (OAuth 2.1 §5.1)', async () => {
      for (const answer of [await server.driver.request('GET', `${PATH}?access_token=${token}`), await server.driver.form(`${PATH}?access_token=${token}`, {}), await server.driver.request('POST', `${PATH}?access_token=${token}`)]) {
        expectOAuthError(answer, 401, 'invalid_token');
        expect(challengeOf(answer)).toBe('Bearer realm="mintgate"');
      }
      expect((await server.driver.request('GET', `${PATH}?access_token=x`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
      expect(server.logLines.join('\n')).not.toContain(token);
    });

    it('in the body of a GET is none', async () => {
      const body = `access_token=${token}`;
      const answer = await rawAnswer(server.url, 'GET', PATH, [['Content-Type', 'application/x-www-form-urlencoded']], body);
      expectOAuthError(answer, 401, 'invalid_token');
    });

    it('sent in two ways, or twice in one, is 400 invalid_request', async () => {
      expectChallenge(await post({ access_token: token }, { authorization: `Bearer ${token}` }), 400, 'invalid_request');
      expectOAuthError(await post({ access_token: [token, token] }), 400, 'invalid_request');
      const twice = await rawAnswer(server.url, 'GET', PATH, [['Authorization', `Bearer ${token}`], ['Authorization', `Bearer ${token}`]]);
      expectOAuthError(twice, 400, 'invalid_request');
      expect(twice.headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_request"/);
    });

    it.each(['application/json', 'multipart/form-data; boundary=x', 'text/plain'])('in a body of %s is 400', async (type) => {
      expectOAuthError(await server.driver.request('POST', PATH, { headers: { 'content-type': type }, body: JSON.stringify({ access_token: token }) }), 400, 'invalid_request');
    });

    it.each(['PUT', 'DELETE', 'PATCH'])('%s is 405', async (method) => {
      const answer = await server.driver.request(method, PATH, { headers: { authorization: `Bearer ${token}` } });
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')!.split(', ').sort()).toEqual(['GET', 'HEAD', 'POST']);
    });
  });

  describe('RFC 6750 §3.1: without a good token', () => {
    it('without any: 401 with a challenge that names no error', async () => {
      for (const answer of [await server.driver.request('GET', PATH), await server.driver.request('POST', PATH), await post({}), await server.driver.request('GET', PATH, { headers: { authorization: 'Basic eDp5' } })]) {
        expectOAuthError(answer, 401, 'invalid_token');
        expect(challengeOf(answer)).toBe('Bearer realm="mintgate"');
      }
    });

    it.each(['Bearer', 'Bearer ', 'Bearer a b', 'Bearer a,b', 'Bearer "x"', 'Bearer token=x', 'Bearer x', 'Bearer e30.e30.e30', `Bearer mg_at_${'x'.repeat(43)}`, `Bearer ${'x'.repeat(9000)}`])('with %j: 401 invalid_token', async (authorization) => {
      expectChallenge(await server.driver.request('GET', PATH, { headers: { authorization } }), 401, 'invalid_token');
    });

    it('with one that is forged, truncated, or for nobody: 401 invalid_token', async () => {
      const token = await tokenFor(web);
      const { header, claims } = decodeJwt(token);
      const key = ownKey(server).privateKey;
      const forged = {
        truncated: token.slice(0, -1),
        'of another case': withSegment(token, 1, flipCase),
        'without a signature': withSegment(token, 2, () => ''),
        'of another issuer': signedJwt(header, { ...claims, iss: `${server.issuer}/` }, key),
        'without an end': signedJwt(header, { ...claims, exp: undefined }, key),
        'of another user': signedJwt(header, { ...claims, sub: `usr_${'A'.repeat(22)}` }, key),
        'of a client that is not there': signedJwt(header, { ...claims, client_id: 'nobody' }, key),
        'for an audience that only begins like this one': signedJwt(header, { ...claims, aud: `${server.issuer}/x` }, key),
      };
      for (const [name, each] of Object.entries(forged)) {
        const answer = await get(each);
        expect({ name, status: answer.status }).toEqual({ name, status: 401 });
        expectChallenge(answer, 401, 'invalid_token');
      }
      expect((await get(token)).status).toBe(200);
    });

    it('with a token of another kind: an ID token, a refresh token, a code, a session: 401 invalid_token', async () => {
      const { id_token: idToken, refresh_token: refreshToken } = await flow.tokens(web, { scope: 'openid offline_access' });
      const code = await flow.code(web, { scope: 'openid' });
      for (const token of [idToken, refreshToken, code, flow.browser.cookie('mintgate_session')!]) expectChallenge(await get(token), 401, 'invalid_token');
      expectChallenge(await post({ access_token: idToken }), 401, 'invalid_token');
      expect((await flow.redeem(web, code)).status).toBe(200);
    });

    it('with an expired one: 401 invalid_token', async () => {
      const token = await tokenFor(await register({ access_token_lifetime: 60 }));
      server.clock.advanceSeconds(59);
      expect((await get(token)).status).toBe(200);
      server.clock.advanceSeconds(1);
      expectChallenge(await get(token), 401, 'invalid_token');
      server.driver.renewAdminToken();
    });

    it('with one without openid, or of a client that acts for itself: 403 insufficient_scope, which names openid', async () => {
      const service = await register({ grant_types: ['client_credentials'], scope: 'openid read' });
      const password = await register({ grant_types: ['password'], scope: 'openid email' });
      const tokens = [await tokenFor(web, { scope: 'email' }), await server.driver.accessToken(service, { scope: 'read' }), (await server.driver.signIn(password, margaret)).accessToken];
      for (const token of tokens) {
        const answer = await get(token);
        expectChallenge(answer, 403, 'insufficient_scope');
        expect(challengeOf(answer)).toContain('scope="openid"');
      }
    });

    it('with a client’s own token that says openid all the same: 403', async () => {
      const token = await server.driver.accessToken(await register({ grant_types: ['client_credentials'], scope: 'read' }));
      const { header, claims } = decodeJwt(token);
      expectChallenge(await get(signedJwt(header, { ...claims, scope: 'openid' }, ownKey(server).privateKey)), 403, 'insufficient_scope');
    });

    it('with one for another resource: 401 invalid_token', async () => {
      await server.driver.registerResource({ identifier: 'https://orders.example.com', scopes: [{ name: 'orders:read' }] });
      const client = await register({ scope: 'openid orders:read', grant_types: ['authorization_code', 'client_credentials'] });
      const tokens = [await tokenFor(client, { scope: 'orders:read' }), await server.driver.accessToken(client, { scope: 'orders:read' })];
      for (const token of tokens) expectChallenge(await get(token), 401, 'invalid_token');
    });
  });

  describe.each(['jwt', 'opaque'])('a token that has come to its end is 401, here at once and on another instance within a second (%s)', (access_token_format) => {
    it.each<[string, (of: { user: RegisteredUser; client: Credentials; token: string; browser: Browser }) => Promise<{ status: number }>]>([
      ['revoked', ({ client, token }) => server.driver.revoke(client, token)],
      ['its user is disabled', ({ user }) => server.driver.adminRequest('PATCH', `/users/${user.userId}`, { enabled: false })],
      ['its user is deleted', ({ user }) => server.driver.adminRequest('DELETE', `/users/${user.userId}`)],
      ['its user is signed out everywhere', ({ user }) => server.driver.adminRequest('DELETE', `/users/${user.userId}/tokens`)],
      ['its user has another password', ({ user }) => server.driver.adminRequest('PUT', `/users/${user.userId}/password`, { password: `${user.password} 2` })],
      ['its client is disabled', ({ client }) => server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { enabled: false })],
      ['its client is deleted', ({ client }) => server.driver.adminRequest('DELETE', `/clients/${client.clientId}`)],
      ['its client is told to let go of all tokens', ({ client }) => server.driver.adminRequest('DELETE', `/clients/${client.clientId}/tokens`)],
      ['the consent is withdrawn', async ({ browser, client }) => browser.submit(await browser.get('/account'), { client_id: client.clientId }, '/account/consents/revoke')],
      ['the session is ended', async ({ browser }) => browser.submit(await browser.get('/account'), {}, '/account/logout')],
    ])('%s', async (_, act) => {
      const user = await server.driver.registerUser({ username: `user-${++serial}` });
      const own = await CodeFlow.signedIn(server, user);
      const client = await register({ access_token_format });
      const { access_token: token } = await own.tokens(client, { scope: 'openid' });
      for (const at of [server, sibling]) expect((await get(token, at)).status).toBe(200);
      expect((await act({ user, client, token, browser: own.browser })).status).toBeLessThan(300);
      expectChallenge(await get(token), 401, 'invalid_token');
      await eventually(async () => expectChallenge(await get(token, sibling), 401, 'invalid_token'), { withinMs: 1000 });
    });
  });
});
