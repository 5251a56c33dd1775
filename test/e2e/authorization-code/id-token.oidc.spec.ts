import { createHash } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { authorizationUrl, CALLBACK, type ParameterChanges } from '../../support/authorization-url.js';
import { CodeFlow, type IssuedTokens } from '../../support/code-flow.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { type Credentials, decodeJwt, type Form, type RegisteredUser } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';

const ALGORITHMS: [string, string][] = [['RS256', 'sha256'], ['ES256', 'sha256'], ['PS256', 'sha256'], ['EdDSA', 'sha512']];

const leftHalf = (hash: string, text: string): string => {
  const digest = createHash(hash).update(text).digest();
  return digest.toString('base64url', 0, digest.length / 2);
};

describeOnOneDatabase('ID tokens of the authorization code flow', (kind) => {
  let server: TestServer;
  let margaret: RegisteredUser;
  let flow: CodeFlow;
  let client: Credentials;
  let signedInAt: number;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    margaret = await server.driver.registerUser({ username: 'margaret', email: 'margaret@example.com' });
    signedInAt = server.clock.nowSeconds();
    flow = await CodeFlow.signedIn(server, margaret);
    client = await register();
  });
  afterAll(() => server.stop());
  afterEach(() => server.driver.renewAdminToken());

  const register = (metadata: Record<string, unknown> = {}) =>
    server.driver.registerClient({ grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [CALLBACK], scope: 'openid email offline_access read', default_scope: 'read', skip_consent: true, ...metadata });
  const tokens = (changes: ParameterChanges = {}, by = client): Promise<IssuedTokens> => flow.tokens(by, { scope: 'openid offline_access', ...changes });
  const refreshed = async (by: Credentials, { refresh_token: token }: IssuedTokens, form: Form = {}) => (await server.driver.refresh(by, token, form)).body as unknown as IssuedTokens;
  const claimsOf = ({ id_token: token }: IssuedTokens) => decodeJwt(token).claims;

  describe('OIDC Core §2, §3.1.3.6: the ID token', () => {
    it('says who issued it to whom of whom, when she signed in and how, and nothing else', async () => {
      server.clock.advanceSeconds(30);
      const issued = await tokens({ nonce: 'n-0S6_WzA2Mj' });
      const { header, claims } = decodeJwt(issued.id_token);
      expect(header).toEqual({ alg: 'RS256', typ: 'JWT', kid: expect.any(String) as string });
      const iat = server.clock.nowSeconds();
      expect(claims).toEqual({
        iss: server.issuer, sub: margaret.userId, aud: client.clientId, azp: client.clientId, iat, exp: expect.any(Number) as number, auth_time: signedInAt, nonce: 'n-0S6_WzA2Mj',
        acr: expect.any(String) as string, amr: ['pwd'], sid: expect.stringMatching(/^[\w-]{22}$/) as string, at_hash: leftHalf('sha256', issued.access_token),
      });
      expect(claims['exp']).toBeGreaterThan(iat);
      expect(claims['sub']).toBe(decodeJwt(issued.access_token).claims['sub']);
    });

    it.each(ALGORITHMS)('is signed by the algorithm that the client registered, with the at_hash that goes with it: %s', async (alg, hash) => {
      const by = await register({ id_token_signed_response_alg: alg });
      const issued = await tokens({}, by);
      const keys = createLocalJWKSet((await server.driver.request<JSONWebKeySet>('GET', '/.well-known/jwks.json')).body);
      const { payload, protectedHeader } = await jwtVerify(issued.id_token, keys, { issuer: server.issuer, audience: by.clientId, typ: 'JWT', currentDate: new Date(server.clock.nowMs()) });
      expect(protectedHeader.alg).toBe(alg);
      expect(payload['at_hash']).toBe(leftHalf(hash, issued.access_token));
    });

    it('is of an opaque access token as well', async () => {
      const issued = await tokens({}, await register({ access_token_format: 'opaque' }));
      expect(issued.access_token).toMatch(/^mg_at_/);
      expect(claimsOf(issued)['at_hash']).toBe(leftHalf('sha256', issued.access_token));
    });

    it.each(['n', ' leading and trailing ', 'a&b=c%20+"<>\\', '\u0001\t\r\n', 'é and e\u0301', '🙂𝔘', "' OR 1=1 --", 'null', '{"a":1}', 'x'.repeat(2000)])('has the nonce byte for byte: %j', async (nonce) => {
      expect(claimsOf(await tokens({ nonce }))['nonce']).toBe(nonce);
    });

    it('has no nonce where there was none', async () => {
      expect(claimsOf(await tokens())).not.toHaveProperty('nonce');
      expect(claimsOf(await tokens({ nonce: '' }))).not.toHaveProperty('nonce');
    });

    it('has an auth_time, with max_age and without', async () => {
      for (const changes of [{}, { max_age: '86000' }]) expect(claimsOf(await tokens(changes))['auth_time']).toBe(signedInAt);
    });

    it('names the same session in all clients, and another one in another browser', async () => {
      const { sid } = claimsOf(await tokens());
      expect(claimsOf(await tokens({}, await register()))['sid']).toBe(sid);
      const elsewhere = await CodeFlow.signedIn(server, margaret);
      expect(claimsOf(await elsewhere.tokens(client, { scope: 'openid' }))['sid']).not.toBe(sid);
    });

    it('of a client with pairwise subjects has the subject that its access token and introspection have', async () => {
      const by = await register({ subject_type: 'pairwise' });
      const issued = await tokens({}, by);
      const { sub } = claimsOf(issued);
      expect(sub).toMatch(/^usr_[\w-]{22}$/);
      expect(sub).not.toBe(margaret.userId);
      expect([decodeJwt(issued.access_token).claims['sub'], (await server.driver.introspect(by, issued.access_token)).body['sub'], (await server.driver.introspect(by, issued.refresh_token)).body['sub']]).toEqual([sub, sub, sub]);
    });

    it('is not there without openid', async () => {
      expect(await tokens({ scope: 'offline_access read', nonce: 'n' })).not.toHaveProperty('id_token');
    });
  });

  describe('OIDC Core §12.2: the ID token of a refresh', () => {
    it('has the same iss, sub, aud, azp, sid and auth_time, a new iat and at_hash, and no nonce', async () => {
      const first = await tokens({ nonce: 'n-0S6_WzA2Mj' });
      let before = first;
      for (let i = 0; i < 2; i++) {
        server.clock.advanceSeconds(60);
        const next = await refreshed(client, before);
        const { nonce, ...expected } = claimsOf(first);
        expect(nonce).toBe('n-0S6_WzA2Mj');
        const iat = server.clock.nowSeconds();
        expect(claimsOf(next)).toEqual({ ...expected, iat, exp: iat + Number(expected['exp']) - Number(expected['iat']), at_hash: leftHalf('sha256', next.access_token) });
        before = next;
      }
    });

    it('keeps the auth_time of its own sign-in when the user signs in once more in that browser', async () => {
      const again = await CodeFlow.signedIn(server, margaret);
      const before = await again.tokens(client, { scope: 'openid offline_access' });
      server.clock.advanceSeconds(60);
      await again.browser.authorize(authorizationUrl(client, { prompt: 'login' }), margaret);
      const after = await again.tokens(client, { scope: 'openid offline_access' });
      const [{ auth_time: earlier, sid }, { auth_time: later }] = [claimsOf(before), claimsOf(after)];
      expect([Number(later) - Number(earlier), claimsOf(after)['sid']]).toEqual([60, sid]);
      expect(claimsOf(await refreshed(client, before))['auth_time']).toBe(earlier);
      expect(claimsOf(await refreshed(client, after))['auth_time']).toBe(later);
    });

    it('is not there when the refresh leaves openid out, and is again when the next one does not', async () => {
      const issued = await tokens({ scope: 'openid offline_access read' });
      const narrow = await refreshed(client, issued, { scope: 'read' });
      expect(narrow).toMatchObject({ scope: 'read' });
      expect(narrow).not.toHaveProperty('id_token');
      expect(await refreshed(client, narrow)).toMatchObject({ scope: 'openid offline_access read', id_token: expect.any(String) as string });
    });
  });

  describe('OIDC Core §11: a refresh token', () => {
    it.each<[scope: string, grantTypes: string[], given: boolean]>([
      ['openid', ['authorization_code', 'refresh_token'], false],
      ['openid read', ['authorization_code', 'refresh_token'], false],
      ['openid offline_access', ['authorization_code', 'refresh_token'], true],
      ['openid offline_access read', ['authorization_code'], false],
      ['read', ['authorization_code', 'refresh_token'], true],
      ['offline_access read', ['authorization_code', 'refresh_token'], true],
      ['read', ['authorization_code'], false],
    ])('with scope %j, to a client that may use %j: %j', async (scope, grantTypes, given) => {
      const issued = await tokens({ scope }, await register({ grant_types: grantTypes }));
      expect({ scope: issued.scope, given: 'refresh_token' in issued }).toEqual({ scope, given });
    });

    it('is not given for offline_access that the client does not have', async () => {
      const by = await register({ scope: 'openid read', default_scope: 'openid' });
      expect(await tokens({ scope: undefined }, by)).not.toHaveProperty('refresh_token');
    });
  });
});
