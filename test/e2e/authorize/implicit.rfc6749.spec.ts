import { createHash } from 'node:crypto';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { ChangeFeed } from '../../../src/database/change-feed.js';
import { GrantUsage } from '../../../src/grants/usage/grant-usage.js';
import { clientAnswer, expectErrorPage, expectPage, expectRefusal } from '../../support/authorization-answers.js';
import { authorizationUrl, CALLBACK, type ParameterChanges, STATE } from '../../support/authorization-url.js';
import { Browser, type PageAnswer } from '../../support/browser.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { type Credentials, decodeJwt, type RegisteredUser } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';

const RESPONSE_TYPES = ['token', 'id_token', 'id_token token'];
const OPTED_IN = { grant_types: ['implicit', 'authorization_code', 'refresh_token'], response_types: [...RESPONSE_TYPES, 'code'], scope: 'openid email offline_access api' };
const IN_FRAGMENT = { mode: 'fragment' } as const;

interface Advice {
  items: { client_id: string; advice: string; section: string; detail: string; last_used_at: string | null }[];
  unused_scopes: string[];
}

describeOnOneDatabase('the implicit grant', (kind) => {
  let server: TestServer;
  let margaret: RegisteredUser;
  let other: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: { LAST_USED_FLUSH_SECONDS: '3600' } });
    margaret = await server.driver.registerUser({ username: 'margaret', email: 'margaret@example.com' });
    other = await register({ grant_types: ['authorization_code'], scope: 'openid api' });
  });
  afterAll(() => server.stop());

  const register = (metadata: Record<string, unknown>) => server.driver.registerClient({ redirect_uris: [CALLBACK], ...metadata });
  /** A request without what belongs to codes. */
  const urlFor = (client: Credentials, changes: ParameterChanges = {}) =>
    authorizationUrl(client, { response_type: 'token', scope: 'openid email api', nonce: 'n-0S6_WzA2Mj', code_challenge: undefined, code_challenge_method: undefined, ...changes });
  const get = (client: Credentials, changes: ParameterChanges = {}) => new Browser(server.url).get(urlFor(client, changes));
  const authorize = (client: Credentials, changes: ParameterChanges = {}) => new Browser(server.url).authorize(urlFor(client, changes), margaret);
  const followChanges = async () => {
    for (let reads = 0; reads < 2; reads++) await server.get(ChangeFeed).poll();
  };
  const metadata = async () => (await server.driver.request('GET', '/.well-known/openid-configuration')).body;

  describe('RFC 9700 §2.1.2: while no client is opted in', () => {
    it.each([...RESPONSE_TYPES, 'token id_token'])('response_type=%s: unsupported_response_type, in the fragment', async (type) => {
      expectRefusal(await get(other, { response_type: type, scope: 'openid api' }), 'unsupported_response_type', server, IN_FRAGMENT);
    });

    it('a disabled client does not count', async () => {
      await register({ ...OPTED_IN, enabled: false });
      await followChanges();
      expectRefusal(await get(other), 'unsupported_response_type', server, IN_FRAGMENT);
    });

    it('the metadata do not name it', async () => {
      const { grant_types_supported: grantTypes, response_types_supported: responseTypes } = await metadata();
      expect(grantTypes).not.toContain('implicit');
      expect(responseTypes).toEqual(['code']);
    });
  });

  describe('once an admin has opted a client in', () => {
    let client: Credentials;
    /** In which Margaret is signed in, and has consented. */
    let signedIn: Browser;

    beforeAll(async () => {
      client = await register(OPTED_IN);
      // At once for the client itself; for what is told to others the server looks again.
      expectRefusal(await get(client, { prompt: 'none' }), 'login_required', server, IN_FRAGMENT);
      await followChanges();
      signedIn = new Browser(server.url);
      await signedIn.authorize(urlFor(client, { scope: 'openid email offline_access api' }), margaret);
    });

    const silently = (changes: ParameterChanges = {}): Promise<PageAnswer> => signedIn.get(urlFor(client, changes));
    const fragmentOf = (answer: PageAnswer) => {
      const { mode, params } = clientAnswer(answer);
      expect(mode).toBe('fragment');
      return params;
    };

    it('the metadata name it', async () => {
      const { grant_types_supported: grantTypes, response_types_supported: responseTypes } = await metadata();
      expect(grantTypes).toContain('implicit');
      expect(responseTypes).toEqual(expect.arrayContaining(['code', ...RESPONSE_TYPES]));
    });

    it('others are told unauthorized_client', async () => {
      for (const type of RESPONSE_TYPES) expectRefusal(await get(other, { response_type: type, scope: 'openid api' }), 'unauthorized_client', server, IN_FRAGMENT);
    });

    it('a client may use the response types that it is registered for', async () => {
      const tokenAlone = await register({ ...OPTED_IN, response_types: ['token'] });
      for (const type of ['id_token', 'id_token token']) expectRefusal(await get(tokenAlone, { response_type: type }), 'unauthorized_client', server, IN_FRAGMENT);
      expectRefusal(await get(tokenAlone, { response_type: 'code' }), 'unauthorized_client', server);
      expect((await get(tokenAlone)).location?.pathname).toMatch(/\/login$/);
    });

    describe('RFC 6749 §4.2.2: token', () => {
      it('answers with an access token in the fragment, and with no refresh token', async () => {
        const answer = await authorize(client, { scope: 'openid offline_access api' });
        expect(answer.headers.get('cache-control')).toBe('no-store');
        const params = fragmentOf(answer);
        expect(params).toEqual({ access_token: expect.any(String) as string, token_type: 'Bearer', expires_in: '300', scope: 'openid offline_access api', state: STATE, iss: server.issuer });
        expect((await server.driver.introspect(client, params['access_token'])).body).toMatchObject({ active: true, sub: margaret.userId, client_id: client.clientId, scope: 'openid offline_access api' });
      });

      it('needs neither openid nor a nonce', async () => {
        const params = fragmentOf(await silently({ scope: 'api', nonce: undefined }));
        expect(decodeJwt(params['access_token']).claims).toMatchObject({ iss: server.issuer, aud: server.issuer, sub: margaret.userId, client_id: client.clientId, scope: 'api' });
        expect(Object.keys(params).sort()).toEqual(['access_token', 'expires_in', 'iss', 'scope', 'state', 'token_type']);
      });

      it('gives an opaque token to a client that has those', async () => {
        const opaque = await register({ ...OPTED_IN, access_token_format: 'opaque' });
        const { access_token: token } = fragmentOf(await authorize(opaque));
        expect(token).toMatch(/^mg_at_/);
        expect((await server.driver.introspect(opaque, token)).body['active']).toBe(true);
      });

      it('ends with all that the client holds', async () => {
        const ending = await register(OPTED_IN);
        const { access_token: token } = fragmentOf(await authorize(ending));
        await server.driver.adminRequest('DELETE', `/clients/${ending.clientId}/tokens`);
        expect((await server.driver.introspect(ending, token)).body).toEqual({ active: false });
      });

      it('asks for consent as any grant does', async () => {
        const browser = new Browser(server.url);
        const consent = await browser.signIn(await browser.get(urlFor(await register(OPTED_IN))), margaret);
        expectPage(consent, 'consent');
        expectRefusal(await browser.submit(consent, { decision: 'deny' }), 'access_denied', server, IN_FRAGMENT);
      });

      it('is no grant of the token endpoint', async () => {
        expectOAuthError(await server.driver.token(client, { grant_type: 'implicit' }), 400, 'unsupported_grant_type');
      });
    });

    describe('OIDC Core §3.2.2.5: id_token', () => {
      it('answers with an ID token alone, which holds the claims of the scope, since there is no token to ask for them with (§5.4)', async () => {
        const params = fragmentOf(await silently({ response_type: 'id_token' }));
        expect(Object.keys(params).sort()).toEqual(['id_token', 'iss', 'state']);
        const { claims } = decodeJwt(params['id_token']);
        expect(claims).toMatchObject({ iss: server.issuer, aud: client.clientId, sub: margaret.userId, nonce: 'n-0S6_WzA2Mj', email: 'margaret@example.com', email_verified: false });
        expect(claims).not.toHaveProperty('at_hash');
        expect(claims).not.toHaveProperty('name');
      });

      it('is signed by a key that is published', async () => {
        const { id_token: idToken } = fragmentOf(await silently({ response_type: 'id_token' }));
        const { payload } = await jwtVerify(idToken, createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`)), { issuer: server.issuer, audience: client.clientId, typ: 'JWT', currentDate: new Date(server.clock.nowMs()) });
        expect(payload['nonce']).toBe('n-0S6_WzA2Mj');
      });
    });

    describe('OIDC Core §3.2.2.5: id_token token', () => {
      it.each(['id_token token', 'token id_token'])('%s: answers with both, and claims are to be asked for', async (type) => {
        const params = fragmentOf(await silently({ response_type: type }));
        expect(params).toEqual({ access_token: expect.any(String) as string, token_type: 'Bearer', expires_in: '300', scope: 'openid email api', id_token: expect.any(String) as string, state: STATE, iss: server.issuer });
        const { claims } = decodeJwt(params['id_token']);
        expect(claims).toMatchObject({ nonce: 'n-0S6_WzA2Mj', sub: margaret.userId });
        expect(claims).not.toHaveProperty('email');
      });

      it.each<[string, string, number]>([['RS256', 'sha256', 16], ['ES256', 'sha256', 16], ['EdDSA', 'sha512', 32]])('%s: at_hash is the left half of %s of the access token (§3.2.2.9)', async (alg, hash, bytes) => {
        const signedBy = await register({ ...OPTED_IN, id_token_signed_response_alg: alg });
        const { access_token: token, id_token: idToken } = fragmentOf(await authorize(signedBy, { response_type: 'id_token token' }));
        const { header, claims } = decodeJwt(idToken);
        expect(header['alg']).toBe(alg);
        expect(claims['at_hash']).toBe(createHash(hash).update(token).digest().subarray(0, bytes).toString('base64url'));
      });
    });

    describe('OIDC Core §3.2.2.1: an ID token', () => {
      it.each(['id_token', 'id_token token'])('%s needs a nonce: invalid_request', async (type) => {
        for (const nonce of [undefined, '']) expectRefusal(await silently({ response_type: type, nonce }), 'invalid_request', server, IN_FRAGMENT);
      });

      it.each(['id_token', 'id_token token'])('%s needs openid in the scope: invalid_request', async (type) => {
        expectRefusal(await silently({ response_type: type, scope: 'email api' }), 'invalid_request', server, IN_FRAGMENT);
      });

      it('holds the nonce byte for byte', async () => {
        const nonce = ' "\\é\u{1f3ab}\u2028%20+';
        expect(decodeJwt(fragmentOf(await silently({ response_type: 'id_token', nonce }))['id_token']).claims['nonce']).toBe(nonce);
      });
    });

    describe('OAuth 2.0 Multiple Response Types §3 and §5: the response mode', () => {
      it.each(RESPONSE_TYPES)('%s is never put into a query: invalid_request, in the fragment', async (type) => {
        expectRefusal(await silently({ response_type: type, response_mode: 'query' }), 'invalid_request', server, IN_FRAGMENT);
      });

      it.each(RESPONSE_TYPES)('%s comes by form_post, and so do its errors', async (type) => {
        const { mode, params } = clientAnswer(await silently({ response_type: type, response_mode: 'form_post' }));
        expect(mode).toBe('form_post');
        expect(params).toMatchObject({ state: STATE, iss: server.issuer });
        expect(Object.keys(params)).toEqual(expect.arrayContaining(type.split(' ').map((part) => (part === 'token' ? 'access_token' : part))));
        expectRefusal(await get(client, { response_type: type, response_mode: 'form_post', prompt: 'none' }), 'login_required', server, { mode: 'form_post' });
      });

      it.each(RESPONSE_TYPES)('%s: errors stand in the fragment too', async (type) => {
        expectRefusal(await get(client, { response_type: type, prompt: 'none' }), 'login_required', server, IN_FRAGMENT);
        expectRefusal(await silently({ response_type: type, scope: 'openid admin' }), 'invalid_scope', server, IN_FRAGMENT);
        expectRefusal(await silently({ response_type: type, response_mode: 'fragment', prompt: 'x' }), 'invalid_request', server, IN_FRAGMENT);
      });
    });

    it('no token is written to the log', () => {
      expect(server.logLines.join('\n')).not.toMatch(/eyJ|mg_at_/);
    });

    it.each<[string, Record<string, unknown>]>([
      ['the grant', { grant_types: ['authorization_code'], response_types: ['code'] }], ['the response type', { response_types: ['id_token', 'code'] }], ['the redirect URI', { redirect_uris: ['https://other.example/cb'] }],
    ])('a client that loses %s while its user signs in gets nothing any more (CVE-2026-7571)', async (_, change) => {
      const losing = await register(OPTED_IN);
      const browser = new Browser(server.url);
      const login = await browser.follow(await browser.get(urlFor(losing)));
      expect((await server.driver.adminRequest('PATCH', `/clients/${losing.clientId}`, change)).status).toBe(200);
      expectErrorPage(await browser.signIn(login, margaret));
    });

    describe('advice by RFC 9700 §2.1.2', () => {
      const adviceFor = async ({ clientId }: Credentials) => (await server.driver.adminRequest<Advice>('GET', `/clients/${clientId}/advice`)).body;
      const listed = async ({ clientId }: Credentials) => (await server.driver.adminRequest<Advice>('GET', '/advice?limit=200')).body.items.filter(({ client_id: id }) => id === clientId);
      const flush = () => server.get(GrantUsage).flush();

      it('names each client that may use it, when it last did, and what to do instead', async () => {
        const used = await register({ ...OPTED_IN, scope: 'openid email api' });
        const item = (lastUsedAt: string | null) => ({ client_id: used.clientId, advice: 'implicit_grant', section: 'RFC 9700 section 2.1.2', detail: expect.stringMatching(/authorization code grant with PKCE/) as string, last_used_at: lastUsedAt });
        expect(await listed(used)).toEqual([item(null)]);

        server.clock.advanceSeconds(10);
        server.driver.renewAdminToken();
        await authorize(used, { scope: 'api' });
        await flush();
        const lastUsedAt = new Date(server.clock.nowMs()).toISOString();
        expect(await listed(used)).toEqual([item(lastUsedAt)]);
        expect(await adviceFor(used)).toMatchObject({ items: [item(lastUsedAt)], unused_scopes: ['openid', 'email'] });
      });

      it('an ID token alone is a use of it; a refusal, a code and what another client does are not', async () => {
        const [used, unused] = [await register(OPTED_IN), await register(OPTED_IN)];
        expectRefusal(await get(unused, { prompt: 'none' }), 'login_required', server, IN_FRAGMENT);
        const browser = new Browser(server.url);
        const code = authorizationUrl(unused, { scope: 'openid api' });
        expect(clientAnswer(await browser.authorize(code, margaret)).params['code']).toMatch(/^mg_ac_/);
        await browser.authorize(urlFor(used, { response_type: 'id_token' }), margaret);
        await flush();
        expect((await listed(used))[0].last_used_at).toBe(new Date(server.clock.nowMs()).toISOString());
        expect((await listed(unused))[0].last_used_at).toBeNull();
      });

      it('ends when the client is opted out', async () => {
        const leaving = await register(OPTED_IN);
        expect(await listed(leaving)).toHaveLength(1);
        await server.driver.adminRequest('PATCH', `/clients/${leaving.clientId}`, { grant_types: ['authorization_code'], response_types: ['code'] });
        expect(await listed(leaving)).toEqual([]);
        expectRefusal(await get(leaving), 'unauthorized_client', server, IN_FRAGMENT);
      });
    });
  });
});
