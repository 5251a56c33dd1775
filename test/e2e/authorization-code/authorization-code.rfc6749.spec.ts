import { clientAnswer } from '../../support/authorization-answers.js';
import { authorizationUrl, CALLBACK, type ParameterChanges, PKCE } from '../../support/authorization-url.js';
import { CodeFlow, type IssuedTokens } from '../../support/code-flow.js';
import { describeOnEachDatabase } from '../../support/databases.js';
import { flipCase } from '../../support/forged-tokens.js';
import { type Credentials, decodeJwt, type RegisteredUser } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { TestServer } from '../../support/test-server.js';

const LOOPBACK = 'http://127.0.0.1/cb';
const WITH_TILDE = 'https://app.example/~cb';
const FORMATS = ['jwt', 'opaque'];

describeOnEachDatabase('Authorization codes', (kind) => {
  let server: TestServer;
  let flow: CodeFlow;
  let margaret: RegisteredUser;
  let web: Credentials;
  let app: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    margaret = await server.driver.registerUser({ username: 'margaret', roles: ['accountant'] });
    flow = await CodeFlow.signedIn(server, margaret);
    web = await register();
    app = await register({ token_endpoint_auth_method: 'none' });
  });
  afterAll(() => server.stop());

  const register = (metadata: Record<string, unknown> = {}) =>
    server.driver.registerClient({ grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [CALLBACK], scope: 'read write', skip_consent: true, ...metadata });
  const isActive = async (client: Credentials, token: string) => (await server.driver.introspect(client, token)).body['active'];
  const expectRefused = async (client: Credentials, code: string, changes: ParameterChanges = {}) => expectOAuthError(await flow.redeem(client, code, changes), 400, 'invalid_grant');
  const expectRedeemable = async (client: Credentials, code: string, changes: ParameterChanges = {}) => expect((await flow.redeem(client, code, changes)).status).toBe(200);

  async function expectAlive(client: Credentials, { access_token: accessToken, refresh_token: refreshToken }: IssuedTokens): Promise<void> {
    expect([await isActive(client, accessToken), await isActive(client, refreshToken)]).toEqual([true, true]);
  }

  async function expectDead(client: Credentials, { access_token: accessToken, refresh_token: refreshToken }: IssuedTokens): Promise<void> {
    for (const token of [accessToken, refreshToken]) expect((await server.driver.introspect(client, token)).text).toBe('{"active":false}');
    expectOAuthError(await server.driver.refresh(client, refreshToken), 400, 'invalid_grant');
  }

  const replays = async ({ clientId }: Credentials) => (await server.driver.adminRequest<{ items: object[] }>('GET', `/audit-events?type=authorization_code.replayed&client_id=${clientId}`)).body.items;

  function advance(seconds: number): void {
    server.clock.advanceSeconds(seconds);
    server.driver.renewAdminToken();
  }

  describe('RFC 6749 §4.1.3 and §4.1.4: a code', () => {
    it.each<[string, () => Credentials]>([['a confidential client', () => web], ['a public client', () => app]])('is redeemed by %s for an access token and a refresh token, which no cache keeps', async (_, client) => {
      const answer = await flow.redeem(client(), await flow.code(client()));
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({ access_token: expect.any(String) as string, token_type: 'Bearer', expires_in: 300, refresh_token: expect.stringMatching(/^mg_rt_[\w-]{86,690}$/) as string, scope: 'read write' });
      expect([answer.headers.get('cache-control'), answer.headers.get('pragma')]).toEqual(['no-store', 'no-cache']);
      const { claims } = decodeJwt(answer.body['access_token'] as string);
      expect(claims).toMatchObject({ iss: server.issuer, sub: margaret.userId, aud: server.issuer, client_id: client().clientId, scope: 'read write', roles: ['accountant'] });
    });

    it('is redeemed by client_secret_post as well, where the client is registered for that', async () => {
      const client = await register({ token_endpoint_auth_method: 'client_secret_post' });
      const form = { grant_type: 'authorization_code', code: await flow.code(client), redirect_uri: CALLBACK, code_verifier: PKCE.verifier };
      expect((await server.driver.form('/oauth/token', { ...form, client_id: client.clientId, client_secret: client.clientSecret })).status).toBe(200);
    });

    it('is 256 random bits behind a prefix that says what it is', async () => {
      const codes = [await flow.code(web), await flow.code(web), await flow.code(app)];
      expect(new Set(codes).size).toBe(3);
      for (const code of codes) expect(code).toMatch(/^mg_ac_[\w-]{43}$/);
    });

    it('is missing, or repeated: invalid_request', async () => {
      const code = await flow.code(web);
      expectOAuthError(await flow.redeem(web, '', {}), 400, 'invalid_request');
      expectOAuthError(await flow.redeem(web, code, { code: [code, code] }), 400, 'invalid_request');
      expectOAuthError(await flow.redeem(web, code, { redirect_uri: [CALLBACK, CALLBACK] }), 400, 'invalid_request');
      await expectRedeemable(web, code);
    });

    it('is not one: invalid_grant, and the right one is still good', async () => {
      const code = await flow.code(web);
      for (const other of [flipCase(code), code.slice(0, -1), `${code}A`, `${code} `, ` ${code}`, code.toLowerCase(), code.slice('mg_ac_'.length), 'x', "' OR 1=1 --", '\u0001', '🙂', 'a'.repeat(10_000)]) {
        await expectRefused(web, other);
      }
      await expectRedeemable(web, code);
    });

    it('is refused once its redirect URI is not registered any more', async () => {
      const client = await register({ redirect_uris: [CALLBACK, WITH_TILDE] });
      const [code, other] = [await flow.code(client), await flow.code(client, { redirect_uri: WITH_TILDE })];
      const path = `/clients/${client.clientId}`;
      expect((await server.driver.adminRequest('PATCH', path, { redirect_uris: [WITH_TILDE] })).status).toBe(200);
      await expectRefused(client, code);
      await expectRedeemable(client, other, { redirect_uri: WITH_TILDE });
    });

    it('is refused once its client may not use the grant any more', async () => {
      const client = await register();
      const code = await flow.code(client);
      const changes = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
      expect((await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, changes)).status).toBe(200);
      expectOAuthError(await flow.redeem(client, code), 400, 'unauthorized_client');
    });

    it('is not given to a client that may not use it: unauthorized_client at either end', async () => {
      const client = await register({ grant_types: ['client_credentials'], redirect_uris: [] });
      expectOAuthError(await flow.redeem(client, await flow.code(web)), 400, 'unauthorized_client');
    });
  });

  describe('RFC 6749 §4.1.2, §10.5: a code that is used again', () => {
    it.each(FORMATS)('is refused, what the first use gave is dead (%s), and that is audited once', async (format) => {
      const client = await register({ access_token_format: format });
      const code = await flow.code(client);
      const tokens = (await flow.redeem(client, code)).body as unknown as IssuedTokens;
      await expectAlive(client, tokens);
      await expectRefused(client, code);
      await expectDead(client, tokens);
      await expectRefused(client, code);
      expect(await replays(client)).toMatchObject([{ client_id: client.clientId, user_id: margaret.userId, actor: { client_id: client.clientId, address: '127.0.0.1' }, detail: { family_id: expect.any(String) as string } }]);
    });

    it.each(FORMATS)('kills what came of it by refreshes, too, and nothing of other sign-ins (%s)', async (format) => {
      const client = await register({ access_token_format: format });
      const other = await flow.tokens(client);
      const code = await flow.code(client);
      const first = (await flow.redeem(client, code)).body as unknown as IssuedTokens;
      const second = (await server.driver.refresh(client, first.refresh_token)).body as unknown as IssuedTokens;
      const third = (await server.driver.refresh(client, second.refresh_token)).body as unknown as IssuedTokens;
      await expectRefused(client, code);
      for (const tokens of [first, second, third]) await expectDead(client, tokens);
      await expectAlive(client, other);
    });

    it('is a replay after its own end as well', async () => {
      const client = await register();
      const code = await flow.code(client);
      const tokens = (await flow.redeem(client, code)).body as unknown as IssuedTokens;
      advance(61);
      await expectAlive(client, tokens);
      await expectRefused(client, code);
      await expectDead(client, tokens);
    });

    it.each<[string, ParameterChanges]>([
      ['without a verifier', { code_verifier: undefined }],
      ['with another verifier', { code_verifier: 'w'.repeat(43) }],
      ['without the redirect URI', { redirect_uri: undefined }],
      ['with another redirect URI', { redirect_uri: 'https://evil.example/' }],
    ])('%s is refused and revokes nothing: whoever holds the code alone cannot end the session', async (_, change) => {
      const client = await register({ token_endpoint_auth_method: 'none' });
      const code = await flow.code(client);
      const tokens = (await flow.redeem(client, code)).body as unknown as IssuedTokens;
      await expectRefused(client, code, change);
      expect((await server.driver.refresh(client, tokens.refresh_token)).status).toBe(200);
      expect(await replays(client)).toEqual([]);
    });

    it('by another client, or without authentication: refused, and nothing else happens', async () => {
      const code = await flow.code(web);
      const tokens = (await flow.redeem(web, code)).body as unknown as IssuedTokens;
      await expectRefused(app, code);
      await expectRefused(await register(), code);
      expectOAuthError(await flow.redeem({ ...web, clientSecret: 'wrong' }, code), 401, 'invalid_client');
      await expectAlive(web, tokens);
    });
  });

  describe('RFC 6749 §4.1.3: a code is bound to its client', () => {
    it('another confidential client and a public one are refused, and its own can still redeem it', async () => {
      for (const owner of [web, app]) {
        const code = await flow.code(owner);
        for (const other of [await register(), await register({ token_endpoint_auth_method: 'none' })]) await expectRefused(other, code);
        await expectRedeemable(owner, code);
      }
    });

    it('a failed client authentication is 401 and leaves it as it is: the right secret, then, is 200', async () => {
      const code = await flow.code(web);
      for (let i = 0; i < 5; i++) expectOAuthError(await flow.redeem({ ...web, clientSecret: `wrong ${i}` }, code), 401, 'invalid_client');
      expectOAuthError(await flow.redeem({ ...web, clientSecret: '' }, code), 401, 'invalid_client');
      await expectRedeemable(web, code);
    });
  });

  describe('RFC 6749 §4.1.3: the redirect_uri of the token request', () => {
    it.each<[string, string, (string | undefined)[]]>([
      ['a web address', CALLBACK, [undefined, '', 'https://app.example/CB', 'https://APP.example/cb', 'https://app.example/cb/', 'https://app.example/cb?', 'https://app.example:443/cb', 'https://app.example:8443/cb', 'http://app.example/cb', 'https://app.example/./cb', ' https://app.example/cb', WITH_TILDE]],
      ['with a tilde', WITH_TILDE, [undefined, 'https://app.example/%7Ecb', 'https://app.example/%7ecb', CALLBACK]],
      ['on loopback', 'http://127.0.0.1:51234/cb', [undefined, LOOPBACK, 'http://127.0.0.1:51235/cb', 'http://[::1]:51234/cb', 'http://localhost:51234/cb']],
    ])('%s: another one, or none, is invalid_grant; the same one is 200', async (_, sent, others) => {
      const client = await register({ token_endpoint_auth_method: 'none', redirect_uris: [CALLBACK, WITH_TILDE, LOOPBACK] });
      if (sent.startsWith('http:')) await flow.browser.authorize(authorizationUrl(client, { redirect_uri: sent }), margaret);
      const code = sent.startsWith('http:') ? await codeWithConsent(client, sent) : await flow.code(client, { redirect_uri: sent });
      for (const other of others) await expectRefused(client, code, { redirect_uri: other });
      await expectRedeemable(client, code, { redirect_uri: sent });
    });

    it('where the authorization request had none: none, or the registered one', async () => {
      for (const sent of [undefined, '', CALLBACK]) {
        const code = await flow.code(web, { redirect_uri: undefined });
        await expectRefused(web, code, { redirect_uri: 'https://evil.example/' });
        await expectRedeemable(web, code, { redirect_uri: sent });
      }
    });

    async function codeWithConsent(client: Credentials, redirectUri: string): Promise<string> {
      const answer = await flow.browser.authorize(authorizationUrl(client, { redirect_uri: redirectUri }), margaret);
      return clientAnswer(answer, redirectUri).params['code'];
    }
  });

  describe('RFC 6749 §4.1.2: a code lives for 60 seconds', () => {
    it.each([[59, 200], [60, 400], [61, 400]])('after %d: %d', async (seconds, status) => {
      const code = await flow.code(web);
      advance(seconds);
      const answer = await flow.redeem(web, code);
      expect(answer.status).toBe(status);
      if (status === 400) expectOAuthError(answer, 400, 'invalid_grant');
    });
  });
});
