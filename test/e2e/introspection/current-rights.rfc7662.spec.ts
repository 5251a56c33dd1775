import { CALLBACK } from '../../support/authorization-url.js';
import { CodeFlow } from '../../support/code-flow.js';
import { describeOnEachDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import type { Answer, Credentials, RegisteredUser } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { expectProblem } from '../../support/problems.js';
import { ADMIN, TestServer } from '../../support/test-server.js';

const PAY = 'https://api.example.com/pay';
const FORMATS = ['jwt', 'opaque'];

describeOnEachDatabase('a token has the rights that its client and its user have now', (kind) => {
  let server: TestServer;
  let sibling: TestServer;
  let api: Credentials;
  let serial = 0;

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: { CHANGE_FEED_INTERVAL_MS: '50' } });
    const { database, issuer, clock } = server;
    sibling = await TestServer.start({ database, issuer, clock, env: { CHANGE_FEED_INTERVAL_MS: '50' } });
    api = await server.driver.registerClient({ client_id: 'pay-api' });
    await server.driver.registerResource({
      identifier: PAY,
      scopes: [{ name: 'pay:read' }, { name: 'pay:write', required_roles: ['clerk'] }],
      resource_servers: [api.clientId],
    });
  });
  afterAll(async () => {
    await sibling.stop();
    await server.stop();
  });

  const register = (metadata: Record<string, unknown>) =>
    server.driver.registerClient({ client_id: `client-${++serial}`, ...metadata });
  const patch = async (path: string, change: unknown) => {
    expect((await server.driver.adminRequest('PATCH', path, change)).status).toBe(200);
  };
  const introspected = async (token: string, by = api) => (await server.driver.introspect(by, token)).body;
  const bearer = (path: string, token: string, at = server): Promise<Answer> =>
    at.driver.request('GET', path, { headers: { authorization: `Bearer ${token}` } });

  it.each(FORMATS)('a scope that is taken from the client is gone from its %s tokens', async (format) => {
    const client = await register({ scope: 'pay:read pay:write', access_token_format: format });
    const token = await server.driver.accessToken(client);
    expect(await introspected(token)).toMatchObject({ active: true, scope: 'pay:read pay:write' });
    await patch(`/clients/${client.clientId}`, { scope: 'pay:read invoices:read' });
    expect(await introspected(token)).toMatchObject({ active: true, scope: 'pay:read' });
    expect((await bearer('/gateway/verify?scope=pay:read', token)).headers.get('x-auth-scope')).toBe('pay:read');
    expectOAuthError(await bearer('/gateway/verify?scope=pay:write', token), 403, 'insufficient_scope');
    await eventually(async () => {
      expect((await bearer('/gateway/verify?scope=pay:write', token, sibling)).status).toBe(403);
    });

    await patch(`/clients/${client.clientId}`, { scope: '' });
    expect(await introspected(token)).not.toHaveProperty('scope');
    expectOAuthError(await bearer('/gateway/verify?scope=pay:read', token), 403, 'insufficient_scope');
  });

  it.each(FORMATS)('a scope that asks for a role is gone from %s tokens with the role', async (format) => {
    const client = await register({
      grant_types: ['password', 'refresh_token'],
      scope: 'pay:read pay:write',
      access_token_format: format,
    });
    const user = await server.driver.registerUser({ username: `clerk-${format}`, roles: ['clerk'] });
    const { accessToken, refreshToken } = await server.driver.signIn(client, user);
    expect(await introspected(accessToken)).toMatchObject({ scope: 'pay:read pay:write', roles: ['clerk'] });

    await patch(`/users/${user.userId}`, { roles: ['visitor'] });
    expect(await introspected(accessToken)).toMatchObject({ active: true, scope: 'pay:read', roles: ['visitor'] });
    expect(await introspected(refreshToken, client)).toMatchObject({ active: true, scope: 'pay:read' });
    expectOAuthError(await bearer('/gateway/verify?scope=pay:write', accessToken), 403, 'insufficient_scope');
    const { headers } = await bearer('/gateway/verify?scope=pay:read', accessToken);
    expect([headers.get('x-auth-scope'), headers.get('x-auth-roles')]).toEqual(['pay:read', 'visitor']);

    await patch(`/users/${user.userId}`, { roles: ['clerk'] });
    expect(await introspected(accessToken)).toMatchObject({ scope: 'pay:read pay:write', roles: ['clerk'] });
  });

  it('a role that a scope asks for since counts for tokens that were issued before', async () => {
    const { resource_id: id } = await server.driver.registerResource({
      identifier: 'https://api.example.com/stock',
      scopes: [{ name: 'stock:read' }],
      resource_servers: [api.clientId],
    });
    const client = await register({ grant_types: ['password'], scope: 'stock:read' });
    const user = await server.driver.registerUser({ username: 'store-keeper' });
    const { accessToken } = await server.driver.signIn(client, user);
    expect(await introspected(accessToken)).toMatchObject({ active: true, scope: 'stock:read' });
    const scopes = [{ name: 'stock:read', required_roles: ['store'] }];
    await patch(`/resources/${id as string}`, { scopes });
    expect(await introspected(accessToken)).not.toHaveProperty('scope');
  });

  it('userinfo says no claim of a scope that the client lost, and nothing without openid', async () => {
    const user: RegisteredUser = await server.driver.registerUser({ username: 'margaret', email: 'm@example.com' });
    const flow = await CodeFlow.signedIn(server, user);
    const client = await register({
      grant_types: ['authorization_code'],
      redirect_uris: [CALLBACK],
      scope: 'openid email',
      skip_consent: true,
    });
    const { access_token: token } = await flow.tokens(client, { scope: 'openid email' });
    expect((await bearer('/oauth/userinfo', token)).body).toMatchObject({ sub: user.userId, email: 'm@example.com' });
    await patch(`/clients/${client.clientId}`, { scope: 'openid' });
    expect((await bearer('/oauth/userinfo', token)).body).toEqual({ sub: user.userId });
    await patch(`/clients/${client.clientId}`, { scope: 'email' });
    expectOAuthError(await bearer('/oauth/userinfo', token), 403, 'insufficient_scope');
  });

  describe('at the admin API', () => {
    const as = (token: string, method: string, path: string, body?: unknown, at = server) =>
      at.driver.adminRequest(method, path, body, { token });

    it('a client whose admin scopes were taken away can do nothing with the token that it has', async () => {
      const ops = await register({ scope: 'clients:read clients:write' });
      const token = await server.driver.accessToken(ops);
      expect((await as(token, 'GET', '/clients')).status).toBe(200);
      await patch(`/clients/${ops.clientId}`, { scope: 'invoices:read' });
      const backdoor = { client_id: 'backdoor', scope: 'clients:read clients:write' };
      for (const [method, path, body] of [['GET', '/clients', undefined], ['POST', '/clients', backdoor]] as const) {
        const refused = await as(token, method, path, body);
        expectProblem(refused, 403);
        expect(refused.headers.get('www-authenticate')).toMatch(/error="insufficient_scope"/);
      }
      await eventually(async () => expect((await as(token, 'GET', '/clients', undefined, sibling)).status).toBe(403));
      expect((await server.driver.adminRequest('GET', '/clients/backdoor')).status).toBe(404);
      expect(await introspected(token, ops)).not.toHaveProperty('scope');
    });

    it('a client gives no right on that it has lost, though its token names it', async () => {
      const ops = await register({ scope: 'clients:read clients:write keys:write' });
      const token = await server.driver.accessToken(ops);
      expect((await as(token, 'POST', '/clients', { client_id: 'before', scope: 'keys:write' })).status).toBe(201);
      await patch(`/clients/${ops.clientId}`, { scope: 'clients:read clients:write' });
      expectProblem(await as(token, 'POST', '/clients', { client_id: 'after', scope: 'keys:write' }), 403);
      expectProblem(await as(token, 'POST', '/clients/before/secrets', {}), 403);
      expectProblem(await as(token, 'PATCH', `/clients/${ops.clientId}`, { scope: 'clients:write keys:write' }), 403);
    });

    it.each(FORMATS)('a %s token lives for 15 minutes at most, whatever lifetime its client has', async (format) => {
      const metadata = { scope: 'clients:read free', access_token_lifetime: 86_400, access_token_format: format };
      const client = await register(metadata);
      const issued = await server.driver.token(client, { scope: 'clients:read free' });
      expect(issued.body['expires_in']).toBe(900);
      expect((await server.driver.token(client, { scope: 'free' })).body['expires_in']).toBe(86_400);
      const token = issued.body['access_token'] as string;
      expect((await as(token, 'GET', '/clients')).status).toBe(200);
      server.clock.advanceSeconds(900);
      expectProblem(await as(token, 'GET', '/clients'), 401);
      server.driver.renewAdminToken();
    });

    it('a shorter lifetime of the client holds for the admin API, too', async () => {
      const client = await register({ scope: 'clients:read', access_token_lifetime: 60 });
      expect((await server.driver.token(client)).body['expires_in']).toBe(60);
      expect((await server.driver.token(ADMIN)).body['expires_in']).toBe(300);
    });
  });
});
