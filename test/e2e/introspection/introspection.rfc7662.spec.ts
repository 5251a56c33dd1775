import { describeOnEachDatabase } from '../../support/databases.js';
import { type Answer, type Credentials, decodeJwt } from '../../support/oauth-driver.js';
import { ADMIN, TestServer } from '../../support/test-server.js';

const RESOURCE = 'https://api.example.com/invoices';

describeOnEachDatabase('RFC 7662 token introspection', (kind) => {
  let server: TestServer;
  let api: Credentials;
  let resourceId: string;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    api = await server.driver.registerClient({ client_id: 'invoices-api' });
    const scopes = [{ name: 'invoices:read' }, { name: 'invoices:write' }];
    const resource = await server.driver.registerResource({ identifier: RESOURCE, scopes, resource_servers: [api.clientId] });
    resourceId = resource['resource_id'] as string;
  });
  afterAll(() => server.stop());

  const holder = (metadata: Record<string, unknown> = {}) => server.driver.registerClient({ scope: 'invoices:read invoices:write', ...metadata });

  function expectInactive(answer: Answer): void {
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ active: false });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  }

  async function expectActive(caller: Credentials, token: string): Promise<void> {
    expect((await server.driver.introspect(caller, token)).body).toMatchObject({ active: true });
  }

  describe('§2.1 the caller', () => {
    let client: Credentials;
    let token: string;

    beforeAll(async () => {
      client = await holder();
      token = await server.driver.accessToken(client);
    });

    function expectRefused(answer: Answer): void {
      expect(answer.status).toBe(401);
      expect(answer.body).toEqual({ error: 'invalid_client', error_description: expect.any(String) as string });
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }

    it.each<[string, (client: Credentials) => { headers?: Record<string, string>; credentials?: Credentials }]>([
      ['without credentials', () => ({})],
      ['with a wrong secret', ({ clientId }) => ({ credentials: { clientId, clientSecret: 'wrong' } })],
      ['with the secret of another client', ({ clientId }) => ({ credentials: { clientId, clientSecret: api.clientSecret } })],
      ['that is unknown', ({ clientSecret }) => ({ credentials: { clientId: 'nobody', clientSecret } })],
      ['with a malformed Basic header', () => ({ headers: { authorization: 'Basic !' } })],
    ])('%s is refused with a challenge and hears nothing of the token', async (_, by) => {
      const { headers, credentials } = by(client);
      const answer = await server.driver.form('/oauth/introspect', { token }, credentials, headers);
      expectRefused(answer);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="/);
    });

    it('with an access token in place of credentials is refused', async () => {
      expectRefused(await server.driver.form('/oauth/introspect', { token }, undefined, { authorization: `Bearer ${token}` }));
    });

    it('with a wrong secret in the body is refused', async () => {
      const byPost = await server.driver.registerClient({ token_endpoint_auth_method: 'client_secret_post' });
      expectRefused(await server.driver.introspect(undefined, token, { client_id: byPost.clientId, client_secret: 'wrong' }));
    });

    it('that is disabled is refused', async () => {
      const disabled = await server.driver.registerClient({ enabled: false });
      expectRefused(await server.driver.introspect(disabled, token));
    });

    it('that is a public client is refused, with and without an empty secret', async () => {
      const redirect_uris = ['https://app.example.com/cb'];
      const { clientId } = await server.driver.registerClient({ token_endpoint_auth_method: 'none', grant_types: ['authorization_code'], redirect_uris });
      expectRefused(await server.driver.introspect(undefined, token, { client_id: clientId }));
      expectRefused(await server.driver.introspect(undefined, token, { client_id: clientId, client_secret: '' }));
    });

    it('that authenticates in the body is served when it is registered so', async () => {
      const byPost = await server.driver.registerClient({ token_endpoint_auth_method: 'client_secret_post', scope: 'a' });
      const form = { client_id: byPost.clientId, client_secret: byPost.clientSecret };
      const own = (await server.driver.token(undefined, form)).body['access_token'] as string;
      expect((await server.driver.introspect(undefined, own, form)).body).toMatchObject({ active: true, client_id: byPost.clientId });
    });
  });

  describe('§2.1 the request', () => {
    let client: Credentials;
    let token: string;

    beforeAll(async () => {
      client = await holder();
      token = await server.driver.accessToken(client);
    });

    it.each(['access_token', 'refresh_token', 'id_token', 'urn:example:unknown', ''])('token_type_hint=%p changes nothing', async (hint) => {
      expect((await server.driver.introspect(client, token, { token_type_hint: hint })).body).toMatchObject({ active: true });
      expectInactive(await server.driver.introspect(client, `${token}x`, { token_type_hint: hint }));
    });

    it('an unknown parameter is ignored', async () => {
      expect((await server.driver.introspect(client, token, { resource_id: 'x', foo: ['1', '2'] })).body).toMatchObject({ active: true });
    });

    it.each<[string, Record<string, string | string[]>]>([
      ['no token', {}],
      ['an empty token', { token: '' }],
      ['a repeated token', { token: ['a', 'b'] }],
    ])('%s is invalid_request', async (_, form) => {
      const answer = await server.driver.form('/oauth/introspect', form, client);
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ error: 'invalid_request' });
    });

    it('GET is refused with Allow: POST, even with the right credentials', async () => {
      const answer = await server.driver.request('GET', `/oauth/introspect?token=${token}&client_id=${client.clientId}&client_secret=${client.clientSecret}`);
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toBe('POST');
      expect(answer.body).not.toHaveProperty('active');
    });
  });

  describe('§2.2 the answer about an active token', () => {
    it('tells the claims of a JWT', async () => {
      const client = await holder();
      const token = await server.driver.accessToken(client, { scope: 'invoices:write invoices:read' });
      const answer = await server.driver.introspect(client, token);
      const { claims } = decodeJwt(token);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
      expect(answer.body).toEqual({ active: true, token_type: 'Bearer', ...claims });
      expect(answer.body).toMatchObject({ iss: server.issuer, aud: RESOURCE, client_id: client.clientId, sub: client.clientId, scope: 'invoices:write invoices:read' });
    });

    it('tells the same of an opaque token', async () => {
      const client = await holder({ access_token_format: 'opaque', access_token_lifetime: 120 });
      const token = await server.driver.accessToken(client, { scope: 'invoices:read' });
      const iat = Math.floor(server.clock.nowMs() / 1000);
      const { body } = await server.driver.introspect(client, token);
      expect(body).toMatchObject({
        active: true, token_type: 'Bearer', iss: server.issuer, aud: RESOURCE, client_id: client.clientId, sub: client.clientId, scope: 'invoices:read', iat, exp: iat + 120,
      });
    });

    it.each(['jwt', 'opaque'])('has no scope for a token without one, and the issuer as its audience (%s)', async (access_token_format) => {
      const client = await server.driver.registerClient({ access_token_format });
      const { body } = await server.driver.introspect(client, await server.driver.accessToken(client));
      expect(body).toMatchObject({ active: true, aud: server.issuer });
      expect(body).not.toHaveProperty('scope');
    });

    it.each(['jwt', 'opaque'])('lists two audiences (%s)', async (access_token_format) => {
      const second = `https://${access_token_format}.example.com`;
      await server.driver.registerResource({ identifier: second });
      const client = await holder({ access_token_format, resources: [second] });
      const token = await server.driver.accessToken(client, { resource: [RESOURCE, second] });
      expect((await server.driver.introspect(client, token)).body).toMatchObject({ active: true, aud: [RESOURCE, second] });
    });
  });

  describe('§4 who may know of a token', () => {
    it.each(['jwt', 'opaque'])('its client, and a resource server of its audience (%s)', async (access_token_format) => {
      const client = await holder({ access_token_format });
      const token = await server.driver.accessToken(client);
      await expectActive(client, token);
      expect((await server.driver.introspect(api, token)).body).toMatchObject({ active: true, client_id: client.clientId, aud: RESOURCE, scope: 'invoices:read invoices:write' });
    });

    it.each(['jwt', 'opaque'])('any other client hears exactly {"active":false} (%s)', async (access_token_format) => {
      const token = await server.driver.accessToken(await holder({ access_token_format }));
      const stranger = await holder();
      const answer = await server.driver.introspect(stranger, token);
      expectInactive(answer);
      expect(answer.text).toBe('{"active":false}');
    });

    it('a resource server of another resource, and of a token without a resource, hears inactive', async () => {
      const other = await server.driver.registerClient();
      await server.driver.registerResource({ identifier: 'https://other.example.com', resource_servers: [other.clientId] });
      expectInactive(await server.driver.introspect(other, await server.driver.accessToken(await holder())));
      expectInactive(await server.driver.introspect(api, await server.driver.accessToken(await server.driver.registerClient({ scope: 'a' }))));
    });

    it('a resource whose identifier only begins alike gives no right', async () => {
      const other = await server.driver.registerClient();
      await server.driver.registerResource({ identifier: `${RESOURCE}/`, resource_servers: [other.clientId] });
      await server.driver.registerResource({ identifier: RESOURCE.toUpperCase(), resource_servers: [other.clientId] });
      expectInactive(await server.driver.introspect(other, await server.driver.accessToken(await holder())));
    });

    it('an admin client hears nothing of others either', async () => {
      expectInactive(await server.driver.introspect(ADMIN, await server.driver.accessToken(await holder())));
    });

    it('a resource server that is taken off the list hears nothing more, the other one still does', async () => {
      const token = await server.driver.accessToken(await holder());
      const second = await server.driver.registerClient();
      await server.driver.adminRequest('PATCH', `/resources/${resourceId}`, { resource_servers: [api.clientId, second.clientId] });
      await expectActive(second, token);
      await server.driver.adminRequest('PATCH', `/resources/${resourceId}`, { resource_servers: [api.clientId] });
      expectInactive(await server.driver.introspect(second, token));
      await expectActive(api, token);
    });
  });

  describe.each(['jwt', 'opaque'])('§2.2 a token is inactive (%s)', (access_token_format) => {
    const both = async (client: Credentials, token: string) => {
      await expectActive(client, token);
      await expectActive(api, token);
    };

    it('from the second in which it expires', async () => {
      const client = await holder({ access_token_format, access_token_lifetime: 60 });
      const token = await server.driver.accessToken(client);
      server.clock.advanceSeconds(59);
      await both(client, token);
      server.clock.advanceSeconds(1);
      expectInactive(await server.driver.introspect(client, token));
      expectInactive(await server.driver.introspect(api, token));
    });

    it('when it was revoked', async () => {
      const client = await holder({ access_token_format });
      const token = await server.driver.accessToken(client);
      await both(client, token);
      await server.driver.revoke(client, token);
      expectInactive(await server.driver.introspect(client, token));
      expectInactive(await server.driver.introspect(api, token));
    });

    it('as soon as its client is disabled, and stays so when the client is enabled again', async () => {
      const client = await holder({ access_token_format });
      const token = await server.driver.accessToken(client);
      await both(client, token);
      await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { enabled: false });
      expectInactive(await server.driver.introspect(api, token));
      await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { enabled: true });
      expectInactive(await server.driver.introspect(api, token));
      await both(client, await server.driver.accessToken(client));
    });

    it('as soon as its client is deleted, also when another is registered under its id', async () => {
      const client = await holder({ access_token_format });
      const token = await server.driver.accessToken(client);
      await both(client, token);
      expect((await server.driver.adminRequest('DELETE', `/clients/${client.clientId}`)).status).toBe(204);
      expectInactive(await server.driver.introspect(api, token));
      const again = await holder({ client_id: client.clientId, access_token_format });
      expectInactive(await server.driver.introspect(api, token));
      expectInactive(await server.driver.introspect(again, token));
      expect((await server.driver.introspect(client, token)).status).toBe(401);
      await both(again, await server.driver.accessToken(again));
    });

    it('when all of its client’s tokens were revoked, while one from the same second on is active', async () => {
      const client = await holder({ access_token_format });
      const tokens = [await server.driver.accessToken(client), await server.driver.accessToken(client)];
      for (const token of tokens) await both(client, token);
      expect((await server.driver.adminRequest('DELETE', `/clients/${client.clientId}/tokens`)).status).toBe(204);
      const fresh = await server.driver.accessToken(client);
      for (const token of tokens) {
        expectInactive(await server.driver.introspect(client, token));
        expectInactive(await server.driver.introspect(api, token));
      }
      await both(client, fresh);
    });

    it('only for what happened to its own client', async () => {
      const [client, other] = [await holder({ access_token_format }), await holder({ access_token_format })];
      const token = await server.driver.accessToken(client);
      await server.driver.adminRequest('DELETE', `/clients/${other.clientId}/tokens`);
      await server.driver.adminRequest('DELETE', `/clients/${other.clientId}`);
      await both(client, token);
    });
  });
});
