import { expectRefusal } from '../../support/authorization-answers.js';
import { authorizationUrl, CALLBACK, type ParameterChanges } from '../../support/authorization-url.js';
import { CodeFlow, type IssuedTokens } from '../../support/code-flow.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { type Credentials, decodeJwt, type Form } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { TestServer } from '../../support/test-server.js';

const LEDGER = 'https://ledger.example.com';
const ARCHIVE = 'https://archive.example.com';
const VAULT = 'https://vault.example.com';
const FOREIGN = 'https://foreign.example.com';
const BOTH = { scope: 'ledger:read archive:read', resource: [LEDGER, ARCHIVE] };

describeOnOneDatabase('Resources of an authorization', (kind) => {
  let server: TestServer;
  let flow: CodeFlow;
  let client: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    await server.driver.registerResource({ identifier: LEDGER, scopes: [{ name: 'ledger:read' }, { name: 'ledger:write' }] });
    await server.driver.registerResource({ identifier: ARCHIVE, scopes: [{ name: 'archive:read' }] });
    await server.driver.registerResource({ identifier: VAULT, scopes: [{ name: 'vault:read' }], access_token_format: 'opaque', access_token_lifetime: 20 });
    await server.driver.registerResource({ identifier: FOREIGN, scopes: [{ name: 'foreign:read' }] });
    flow = await CodeFlow.signedIn(server, await server.driver.registerUser({ username: 'margaret' }));
    client = await server.driver.registerClient({
      grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [CALLBACK], skip_consent: true, default_scope: 'ledger:read',
      scope: 'openid email offline_access ledger:read ledger:write archive:read vault:read common',
    });
  });
  afterAll(() => server.stop());

  const audienceOf = ({ access_token: token }: IssuedTokens) => decodeJwt(token).claims['aud'];
  const tokens = (changes: ParameterChanges, redemption: ParameterChanges = {}) => flow.tokens(client, changes, redemption);
  const refresh = (issued: IssuedTokens, form: Form = {}) => server.driver.refresh(client, issued.refresh_token, form);
  const refreshed = async (issued: IssuedTokens, form: Form = {}): Promise<IssuedTokens> => {
    const answer = await refresh(issued, form);
    expect(answer.status).toBe(200);
    return answer.body as unknown as IssuedTokens;
  };

  describe('RFC 8707 §2.1: named in the authorization request', () => {
    it.each<[string, ParameterChanges, string, string | string[]]>([
      ['none: the owner of the scope', { scope: 'ledger:read ledger:write' }, 'ledger:read ledger:write', LEDGER],
      ['none, and no scope either: the owner of the default scope', {}, 'ledger:read', LEDGER],
      ['one', { scope: 'ledger:read', resource: LEDGER }, 'ledger:read', LEDGER],
      ['two', BOTH, 'ledger:read archive:read', [LEDGER, ARCHIVE]],
      ['one twice', { scope: 'ledger:read', resource: [LEDGER, LEDGER] }, 'ledger:read', LEDGER],
    ])('%s', async (_, changes, scope, audience) => {
      const issued = await tokens(changes);
      expect([issued.scope, audienceOf(issued)]).toEqual([scope, audience]);
    });

    it('with openid the token is good at the userinfo endpoint, too', async () => {
      const issued = await tokens({ scope: 'openid email ledger:read', resource: LEDGER });
      expect(audienceOf(issued)).toEqual([LEDGER, server.issuer]);
      expect((await server.driver.request('GET', '/oauth/userinfo', { headers: { authorization: `Bearer ${issued.access_token}` } })).status).toBe(200);
    });

    it('with openid and no resource it is for that alone', async () => {
      expect(audienceOf(await tokens({ scope: 'openid' }))).toBe(server.issuer);
    });

    it.each<[string, ParameterChanges, string]>([
      ['an unknown one', { resource: 'https://unknown.example.com' }, 'invalid_target'],
      ['one that the client has no scope of', { resource: FOREIGN }, 'invalid_target'],
      ['one that only looks the same', { resource: `${LEDGER}/` }, 'invalid_target'],
      ['the issuer', { resource: 'http://127.0.0.1' }, 'invalid_target'],
      ['one, with the scope of another', { resource: LEDGER, scope: 'archive:read' }, 'invalid_scope'],
      ['none, with the scope of two', { scope: 'ledger:read archive:read' }, 'invalid_scope'],
    ])('%s: the client is told, and the user is not asked', async (_, changes, error) => {
      expectRefusal(await flow.browser.get(authorizationUrl(client, changes)), error, server);
    });
  });

  describe('RFC 8707 §2.2: named in the token request', () => {
    it.each([[LEDGER, 'ledger:read'], [ARCHIVE, 'archive:read']])('one of the two that were granted, %s: the token is for that, with the scope that goes with it', async (resource, scope) => {
      const issued = await tokens(BOTH, { resource });
      expect([issued.scope, audienceOf(issued)]).toEqual([scope, resource]);
    });

    it('what belongs to no resource stays in the scope, and so do openid and the userinfo endpoint', async () => {
      const issued = await tokens({ scope: 'openid offline_access common ledger:read archive:read', resource: [LEDGER, ARCHIVE] }, { resource: ARCHIVE });
      expect([issued.scope, audienceOf(issued)]).toEqual(['openid offline_access common archive:read', [ARCHIVE, server.issuer]]);
      expect(issued).toHaveProperty('id_token');
    });

    it('a token for one decides its form and lifetime; of both, the shorter one and opaque', async () => {
      const changes = { scope: 'ledger:read vault:read', resource: [LEDGER, VAULT] };
      expect(await tokens(changes, { resource: LEDGER })).toMatchObject({ access_token: expect.stringMatching(/^ey/) as string, expires_in: 300 });
      for (const redemption of [{}, { resource: VAULT }]) expect(await tokens(changes, redemption)).toMatchObject({ access_token: expect.stringMatching(/^mg_at_/) as string, expires_in: 20 });
    });

    it.each([ARCHIVE, FOREIGN, 'https://unknown.example.com', `${LEDGER}/`])('%s, which was not granted: invalid_target, and the code is as good as before', async (resource) => {
      const code = await flow.code(client, { scope: 'ledger:read', resource: LEDGER });
      expectOAuthError(await flow.redeem(client, code, { resource }), 400, 'invalid_target');
      expectOAuthError(await flow.redeem(client, code, { resource: [LEDGER, resource] }), 400, 'invalid_target');
      expect((await flow.redeem(client, code)).status).toBe(200);
    });
  });

  describe('RFC 8707 §2.2: an API that is registered after the grant and owns its scope', () => {
    const late = async (name: string) => {
      const owned = await server.driver.registerClient({
        grant_types: ['authorization_code', 'refresh_token', 'password'],
        redirect_uris: [CALLBACK],
        skip_consent: true,
        scope: `offline_access ${name}`,
        default_scope: name,
      });
      const registerApi = () => server.driver.registerResource({ identifier: `https://${name}.example.com`, scopes: [{ name }] });
      return { owned, registerApi, identifier: `https://${name}.example.com` };
    };

    it('is no audience of a refresh: it stays the issuer, with the scope that was granted', async () => {
      const { owned, registerApi, identifier } = await late('late-refresh');
      const first = await flow.tokens(owned);
      await registerApi();
      expectOAuthError(await server.driver.refresh(owned, first.refresh_token, { resource: identifier }), 400, 'invalid_target');
      const { body } = await server.driver.refresh(owned, first.refresh_token);
      const second = body as unknown as IssuedTokens;
      expect([audienceOf(second), second.scope ?? 'late-refresh']).toEqual([server.issuer, 'late-refresh']);
      const { body: third } = await server.driver.refresh(owned, second.refresh_token, { scope: 'late-refresh' });
      expect(audienceOf(third as unknown as IssuedTokens)).toBe(server.issuer);
    });

    it('is no audience of a code that was given before', async () => {
      const { owned, registerApi } = await late('late-code');
      const code = await flow.code(owned);
      await registerApi();
      expect(audienceOf((await flow.redeem(owned, code)).body as unknown as IssuedTokens)).toBe(server.issuer);
    });

    it('is the audience of the next grant', async () => {
      const { owned, registerApi, identifier } = await late('late-grant');
      await flow.tokens(owned);
      await registerApi();
      expect(audienceOf(await flow.tokens(owned))).toBe(identifier);
    });
  });

  describe('RFC 8707 §2.2: named in a refresh', () => {
    it('one at a time, whichever the code was redeemed for, and all without naming any', async () => {
      const first = await tokens(BOTH, { resource: LEDGER });
      const second = await refreshed(first, { resource: ARCHIVE });
      const third = await refreshed(second);
      const fourth = await refreshed(third, { resource: LEDGER, scope: 'ledger:read' });
      expect([first, second, third, fourth].map((each) => [each.scope, audienceOf(each)])).toEqual([['ledger:read', LEDGER], ['archive:read', ARCHIVE], ['ledger:read archive:read', [LEDGER, ARCHIVE]], ['ledger:read', LEDGER]]);
    });

    it('one that was not granted: invalid_target, and the refresh token is not used up', async () => {
      const issued = await tokens({ scope: 'ledger:read', resource: LEDGER });
      for (const resource of [ARCHIVE, FOREIGN]) expectOAuthError(await refresh(issued, { resource }), 400, 'invalid_target');
      expect(audienceOf(await refreshed(issued))).toBe(LEDGER);
    });

    it('a scope that was not granted: invalid_scope, though the client has it', async () => {
      const issued = await tokens({ scope: 'ledger:read', resource: LEDGER });
      expectOAuthError(await refresh(issued, { scope: 'ledger:read ledger:write' }), 400, 'invalid_scope');
      expect(audienceOf(await refreshed(issued))).toBe(LEDGER);
    });
  });
});
