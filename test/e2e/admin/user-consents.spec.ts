import { clientAnswer } from '../../support/authorization-answers.js';
import { authorizationUrl, CALLBACK } from '../../support/authorization-url.js';
import { CodeFlow } from '../../support/code-flow.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import type { Credentials, RegisteredUser } from '../../support/oauth-driver.js';
import { expectProblem } from '../../support/problems.js';
import { ADMIN, TestServer } from '../../support/test-server.js';

const NO_TOKENS = { consented: true, holds_tokens: false };
const NOBODY = `usr_${'A'.repeat(22)}`;

interface AuditEvent {
  type: string;
  client_id: string | null;
  user_id: string | null;
  actor: { client_id: string | null; address: string | null };
  detail: Record<string, unknown>;
}

describeOnOneDatabase('/admin/v1/users/{user_id}/consents', (kind) => {
  let server: TestServer;
  let margaret: RegisteredUser;
  let ada: RegisteredUser;
  let flow: CodeFlow;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    margaret = await server.driver.registerUser({ username: 'margaret' });
    ada = await server.driver.registerUser({ username: 'ada' });
    flow = await CodeFlow.signedIn(server, margaret);
  });
  afterAll(() => server.stop());

  const register = (metadata: Record<string, unknown> = {}) => server.driver.registerClient({ grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [CALLBACK], scope: 'read write', default_scope: 'read', ...metadata });
  const list = (userId = margaret.userId, query = '') => server.driver.adminRequest<{ items: Record<string, unknown>[]; next_cursor: null }>('GET', `/users/${userId}/consents${query}`);
  const withdraw = (clientId: string, userId = margaret.userId, token?: string) => server.driver.adminRequest('DELETE', `/users/${userId}/consents/${clientId}`, undefined, token === undefined ? {} : { token });
  const eventsOf = async ({ clientId }: Credentials) => (await server.driver.adminRequest<{ items: AuditEvent[] }>('GET', `/audit-events?type=consent.*&client_id=${clientId}&user_id=${margaret.userId}`)).body.items.map(({ type, actor, detail }) => ({ type, actor, detail }));

  describe('GET', () => {
    it('a user who has allowed nothing: an empty list, which no cache keeps', async () => {
      const answer = await list(ada.userId);
      expect([answer.status, answer.body, answer.headers.get('cache-control')]).toEqual([200, { items: [], next_cursor: null }, 'no-store']);
    });

    it('what she allowed, each with the client’s name, its scope and the time, the latest first', async () => {
      const [first, second] = [await register({ client_name: 'First' }), await register()];
      await flow.allow(first, margaret);
      const firstAt = new Date(server.clock.nowMs()).toISOString();
      server.clock.advanceSeconds(60);
      await flow.allow(second, margaret, { scope: 'write read' });
      const secondAt = new Date(server.clock.nowMs()).toISOString();
      expect((await list()).body).toEqual({
        items: [
          { client_id: second.clientId, client_name: second.clientId, scope: 'write read', audience: [server.issuer], granted_at: secondAt, ...NO_TOKENS },
          { client_id: first.clientId, client_name: 'First', scope: 'read', audience: [server.issuer], granted_at: firstAt, ...NO_TOKENS },
        ],
        next_cursor: null,
      });
      server.clock.advanceSeconds(60);
      await flow.allow(first, margaret, { scope: 'write' });
      expect((await list()).body.items[0]).toEqual({ client_id: first.clientId, client_name: 'First', scope: 'read write', audience: [server.issuer], granted_at: new Date(server.clock.nowMs()).toISOString(), ...NO_TOKENS });
      expect((await list(ada.userId)).body.items).toEqual([]);
    });

    it('of a client that is gone is none, nor of one whose tokens were all revoked', async () => {
      for (const [method, path] of [['DELETE', ''], ['DELETE', '/tokens']]) {
        const client = await register();
        await flow.allow(client, margaret);
        expect((await list()).body.items[0]['client_id']).toBe(client.clientId);
        await server.driver.adminRequest(method, `/clients/${client.clientId}${path}`);
        expect((await list()).body.items.map((item) => item['client_id'])).not.toContain(client.clientId);
      }
    });

    it('unknown users: 404; query parameters: 400', async () => {
      for (const userId of [NOBODY, 'usr_x', 'margaret', '%00', '__proto__']) expectProblem(await list(userId), 404);
      expectProblem(await list(margaret.userId, '?limit=1'), 400, '/limit');
    });
  });

  describe('DELETE', () => {
    it('204 without a body, the consent and the tokens are gone, both audited with who did it, and the second time it is 404', async () => {
      const client = await register();
      await flow.allow(client, margaret);
      const tokens = await flow.tokens(client);
      const answer = await withdraw(client.clientId);
      expect([answer.status, answer.text]).toEqual([204, '']);
      expect((await list()).body.items.map((item) => item['client_id'])).not.toContain(client.clientId);
      for (const token of [tokens.access_token, tokens.refresh_token]) expect((await server.driver.introspect(client, token)).text).toBe('{"active":false}');
      const actor = expect.objectContaining({ client_id: ADMIN.clientId, address: '127.0.0.1' }) as object;
      expect(await eventsOf(client)).toEqual([
        { type: 'consent.revoked', actor, detail: { family_id: expect.any(String) as string } },
        { type: 'consent.revoked', actor, detail: {} },
        { type: 'consent.given', actor: expect.objectContaining({ client_id: null, address: '127.0.0.1' }) as object, detail: { scope: 'read', audience: [server.issuer] } },
      ]);
      expectProblem(await withdraw(client.clientId), 404);
      expect(await eventsOf(client)).toHaveLength(3);
    });

    it('tokens that came by another grant are taken back as well', async () => {
      const client = await register({ grant_types: ['password', 'refresh_token'], redirect_uris: [] });
      const { refreshToken } = await server.driver.signIn(client, margaret);
      const hers = await server.driver.signIn(client, ada);
      expect((await withdraw(client.clientId)).status).toBe(204);
      expect((await server.driver.refresh(client, refreshToken)).body).toMatchObject({ error: 'invalid_grant' });
      expect((await server.driver.refresh(client, hers.refreshToken)).status).toBe(200);
    });

    it('of a client that is gone still works: nothing of it is left', async () => {
      const client = await register();
      await flow.allow(client, margaret);
      await server.driver.adminRequest('DELETE', `/clients/${client.clientId}`);
      expect([(await withdraw(client.clientId)).status, (await withdraw(client.clientId)).status]).toEqual([204, 404]);
    });

    it('what is not there: 404', async () => {
      const client = await register();
      await flow.allow(client, margaret);
      for (const clientId of ['nobody', (await register()).clientId, `${client.clientId}x`, client.clientId.toUpperCase(), '%00', '%20', '__proto__', 'a'.repeat(200)]) expectProblem(await withdraw(clientId), 404);
      for (const userId of [ada.userId, NOBODY, 'usr_x', '%F0%9F%8E%AB']) expectProblem(await withdraw(client.clientId, userId), 404);
      expect(clientAnswer(await flow.browser.get(authorizationUrl(client, { prompt: 'none' }))).params).toHaveProperty('code');
    });

    it('with the right to read users alone: 403, and nothing is taken back', async () => {
      const client = await register();
      await flow.allow(client, margaret);
      expectProblem(await withdraw(client.clientId, margaret.userId, await server.driver.accessToken(ADMIN, { scope: 'users:read tokens:revoke' })), 403);
      expect((await list()).body.items[0]['client_id']).toBe(client.clientId);
    });
  });
});
