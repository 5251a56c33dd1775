import { CALLBACK } from '../../support/authorization-url.js';
import { CodeFlow, type IssuedTokens } from '../../support/code-flow.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { type Credentials, decodeJwt, type Form, PASSWORD, type RegisteredUser } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { TestServer } from '../../support/test-server.js';

const LEDGER = 'https://ledger.example.com';

describeOnOneDatabase('What a code hangs on', (kind) => {
  let server: TestServer;
  let serial = 0;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    await server.driver.registerResource({ identifier: LEDGER, scopes: [{ name: 'ledger:read' }, { name: 'ledger:write', required_roles: ['accountant'] }] });
  });
  afterAll(() => server.stop());

  const register = (metadata: Record<string, unknown> = {}) =>
    server.driver.registerClient({ grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [CALLBACK], scope: 'openid ledger:read ledger:write', default_scope: 'ledger:read ledger:write', skip_consent: true, ...metadata });

  async function admin(method: string, path: string, body?: unknown): Promise<void> {
    const { status, text } = await server.driver.adminRequest(method, path, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
  }

  interface Setting {
    user: RegisteredUser;
    client: Credentials;
    flow: CodeFlow;
    code: string;
  }

  async function begin(metadata: Record<string, unknown> = {}): Promise<Setting> {
    const user = await server.driver.registerUser({ username: `user-${++serial}`, roles: ['accountant'] });
    const [client, flow] = [await register(metadata), await CodeFlow.signedIn(server, user)];
    return { user, client, flow, code: await flow.code(client) };
  }

  describe('RFC 9700 §4.14.2, RFC 6749 §10.5: the user', () => {
    it.each<[string, (setting: Setting) => Promise<void>]>([
      ['is disabled', ({ user }) => admin('PATCH', `/users/${user.userId}`, { enabled: false })],
      ['is disabled and enabled again', async ({ user }) => {
        await admin('PATCH', `/users/${user.userId}`, { enabled: false });
        await admin('PATCH', `/users/${user.userId}`, { enabled: true });
      }],
      ['is deleted', ({ user }) => admin('DELETE', `/users/${user.userId}`)],
      ['is given a password, be it the same', ({ user }) => admin('PUT', `/users/${user.userId}/password`, { password: PASSWORD })],
      ['is signed out everywhere', ({ user }) => admin('DELETE', `/users/${user.userId}/sessions`)],
      ['has all tokens revoked', ({ user }) => admin('DELETE', `/users/${user.userId}/tokens`)],
      ['signs out in her browser', async ({ flow }) => {
        const page = await flow.browser.get('/oauth/logout');
        expect((await flow.browser.submit(page, { decision: 'sign_out' })).status).toBe(200);
      }],
      ['is another one in that browser now', async ({ flow }) => {
        const other = await server.driver.registerUser({ username: `user-${++serial}` });
        const client = await register();
        await flow.browser.signIn(await flow.browser.get(`/oauth/authorize?response_type=code&client_id=${client.clientId}&redirect_uri=${CALLBACK}&prompt=login&code_challenge=${'c'.repeat(43)}&code_challenge_method=S256`), other);
      }],
    ])('%s: invalid_grant', async (_, end) => {
      const setting = await begin();
      await end(setting);
      expectOAuthError(await setting.flow.redeem(setting.client, setting.code), 400, 'invalid_grant');
    });

    it('takes her consent back: invalid_grant', async () => {
      const user = await server.driver.registerUser({ username: `user-${++serial}` });
      const [client, flow] = [await register({ skip_consent: false }), await CodeFlow.signedIn(server, user)];
      await flow.allow(client, user);
      const code = await flow.code(client);
      await admin('DELETE', `/users/${user.userId}/consents/${client.clientId}`);
      expectOAuthError(await flow.redeem(client, code), 400, 'invalid_grant');
    });

    it('loses a role: her token has what is left', async () => {
      const { user, client, flow, code } = await begin();
      await admin('PATCH', `/users/${user.userId}`, { roles: [] });
      expect((await flow.redeem(client, code)).body).toMatchObject({ scope: 'ledger:read' });
    });
  });

  describe('RFC 6749 §10.5: the client', () => {
    it.each<[string, number, string, (setting: Setting) => Promise<void>]>([
      ['is disabled', 401, 'invalid_client', ({ client }) => admin('PATCH', `/clients/${client.clientId}`, { enabled: false })],
      ['is disabled and enabled again', 400, 'invalid_grant', async ({ client }) => {
        await admin('PATCH', `/clients/${client.clientId}`, { enabled: false });
        await admin('PATCH', `/clients/${client.clientId}`, { enabled: true });
      }],
      ['has all tokens revoked', 400, 'invalid_grant', ({ client }) => admin('DELETE', `/clients/${client.clientId}/tokens`)],
      ['may not use codes any more', 400, 'unauthorized_client', ({ client }) => admin('PATCH', `/clients/${client.clientId}`, { grant_types: ['client_credentials'], response_types: [] })],
      ['has lost all of that scope', 400, 'invalid_scope', ({ client }) => admin('PATCH', `/clients/${client.clientId}`, { scope: 'openid', default_scope: 'openid' })],
    ])('%s: %i %s', async (_, status, error, end) => {
      const setting = await begin();
      await end(setting);
      expectOAuthError(await setting.flow.redeem(setting.client, setting.code), status, error);
    });

    it('is deleted, and another one made under its id: invalid_grant', async () => {
      const { client, flow, code } = await begin();
      await admin('DELETE', `/clients/${client.clientId}`);
      expectOAuthError(await flow.redeem(client, code), 401, 'invalid_client');
      expectOAuthError(await flow.redeem(await register({ client_id: client.clientId }), code), 400, 'invalid_grant');
    });

    it('has lost some of the scope: its token has what is left', async () => {
      const { client, flow, code } = await begin();
      await admin('PATCH', `/clients/${client.clientId}`, { scope: 'ledger:read', default_scope: null });
      const { body } = await flow.redeem(client, code);
      expect([body['scope'], decodeJwt(body['access_token'] as string).claims['scope']]).toEqual(['ledger:read', 'ledger:read']);
    });
  });

  describe('RFC 6749 §6: what a code gave', () => {
    const expectDead = async (client: Credentials, tokens: IssuedTokens, error = 'invalid_grant', form: Form = {}) => {
      expectOAuthError(await server.driver.refresh(client, tokens.refresh_token, form), error === 'invalid_client' ? 401 : 400, error);
    };

    it.each(['jwt', 'opaque'])('ends with its refresh token, access tokens and all (%s)', async (format) => {
      const { client, flow, code } = await begin({ access_token_format: format });
      const tokens = (await flow.redeem(client, code)).body as unknown as IssuedTokens;
      expect((await server.driver.revoke(client, tokens.refresh_token)).status).toBe(200);
      expect((await server.driver.introspect(client, tokens.access_token)).body).toEqual({ active: false });
      await expectDead(client, tokens);
    });

    it.each(['jwt', 'opaque'])('goes on when one of its access tokens is revoked (%s)', async (format) => {
      const { client, flow, code } = await begin({ access_token_format: format });
      const tokens = (await flow.redeem(client, code)).body as unknown as IssuedTokens;
      expect((await server.driver.revoke(client, tokens.access_token)).status).toBe(200);
      expect((await server.driver.introspect(client, tokens.access_token)).body).toEqual({ active: false });
      const { accessToken } = await server.driver.refreshed(client, tokens.refresh_token);
      expect((await server.driver.introspect(client, accessToken)).body).toMatchObject({ active: true });
    });

    it.each<[string, string, Record<string, unknown>]>([
      ['codes', 'invalid_grant', { grant_types: ['refresh_token', 'client_credentials'], response_types: [] }],
      ['refresh tokens', 'unauthorized_client', { grant_types: ['authorization_code'] }],
    ])('cannot be refreshed by a client that may not use %s any more: %s', async (_, error, patch) => {
      const { client, flow, code } = await begin();
      const tokens = (await flow.redeem(client, code)).body as unknown as IssuedTokens;
      await admin('PATCH', `/clients/${client.clientId}`, patch);
      await expectDead(client, tokens, error);
    });
  });
});
