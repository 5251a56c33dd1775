import { describeOnEachDatabase } from '../../support/databases.js';
import { TestServer } from '../../support/test-server.js';

interface Event {
  type: string;
  detail: Record<string, unknown>;
}

const DESK = { grant_types: ['authorization_code'], redirect_uris: ['https://desk.example.com/a', 'https://desk.example.com/b'], scope: 'openid email' };

describeOnEachDatabase('the audit log tells what a change gave and took', (kind) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
  });
  afterAll(() => server.stop());

  const events = async (query: Record<string, string>) =>
    (await server.driver.adminRequest<{ items: Event[] }>('GET', `/audit-events?${new URLSearchParams({ limit: '200', ...query }).toString()}`)).body.items;
  /** The details of the events of a type, newest first. */
  const details = async (query: Record<string, string>) => (await events(query)).map(({ detail }) => detail);
  const patchClient = async (clientId: string, patch: Record<string, unknown>) => {
    expect((await server.driver.adminRequest('PATCH', `/clients/${clientId}`, patch)).status).toBe(200);
    return (await details({ client_id: clientId, type: 'client.updated' }))[0];
  };

  it('of a new client: its scope, grant types, URIs and method of authentication', async () => {
    const { clientId } = await server.driver.registerClient(DESK);
    expect(await details({ client_id: clientId, type: 'client.created' })).toEqual([
      { added: { token_endpoint_auth_method: ['client_secret_basic'], grant_types: DESK.grant_types, redirect_uris: DESK.redirect_uris, scope: ['openid', 'email'] } },
    ]);
  });

  it.each<[patch: Record<string, unknown>, added: object | undefined, removed: object | undefined]>([
    [{ scope: 'email clients:write' }, { scope: ['clients:write'] }, { scope: ['openid'] }],
    [{ redirect_uris: ['https://desk.example.com/b', 'https://evil.example/'] }, { redirect_uris: ['https://evil.example/'] }, { redirect_uris: ['https://desk.example.com/a'] }],
    [{ post_logout_redirect_uris: ['https://desk.example.com/bye'] }, { post_logout_redirect_uris: ['https://desk.example.com/bye'] }, undefined],
    [{ grant_types: ['authorization_code', 'refresh_token'] }, { grant_types: ['refresh_token'] }, undefined],
    [{ backchannel_logout_uri: 'https://desk.example.com/out' }, { backchannel_logout_uri: ['https://desk.example.com/out'] }, undefined],
    [{ token_endpoint_auth_method: 'none' }, { token_endpoint_auth_method: ['none'] }, { token_endpoint_auth_method: ['client_secret_basic'] }],
    [{ enabled: false }, { enabled: ['false'] }, { enabled: ['true'] }],
    [{ require_pkce: false }, { require_pkce: ['false'] }, { require_pkce: ['true'] }],
    [{ skip_consent: true }, { skip_consent: ['true'] }, { skip_consent: ['false'] }],
    [{ access_token_lifetime: 86_400 }, { access_token_lifetime: ['86400'] }, { access_token_lifetime: ['300'] }],
    [{ client_name: 'Front desk' }, undefined, undefined],
  ])('of a client that gets %j', async (patch, added, removed) => {
    const { clientId } = await server.driver.registerClient(DESK);
    expect(await patchClient(clientId, patch)).toEqual({ changed: Object.keys(patch), ...(added ? { added } : {}), ...(removed ? { removed } : {}) });
  });

  it('a change that is undone leaves both its events', async () => {
    const { clientId } = await server.driver.registerClient(DESK);
    await patchClient(clientId, { scope: 'openid email clients:write' });
    await patchClient(clientId, { scope: 'openid email' });
    expect(await details({ client_id: clientId, type: 'client.updated' })).toEqual([
      { changed: ['scope'], removed: { scope: ['clients:write'] } },
      { changed: ['scope'], added: { scope: ['clients:write'] } },
    ]);
  });

  it('the values of one event are bounded, and it says how many it leaves out', async () => {
    const uris = Array.from({ length: 60 }, (_, index) => `https://desk.example.com/${index}/${'x'.repeat(700)}`);
    const { clientId } = await server.driver.registerClient(DESK);
    const detail = (await patchClient(clientId, { redirect_uris: uris })) as { added: { redirect_uris: string[] }; unlisted: number };
    expect(JSON.stringify(detail).length).toBeLessThan(31_000);
    expect(detail.added.redirect_uris).toEqual(uris.slice(0, detail.added.redirect_uris.length));
    expect(detail.added.redirect_uris.length + detail.unlisted).toBe(uris.length + DESK.redirect_uris.length - (detail as { removed?: { redirect_uris: string[] } }).removed!.redirect_uris.length);
  });

  it('of a user: roles and whether the account is enabled, and of the person only what changed', async () => {
    const { userId } = await server.driver.registerUser({ username: 'audited', roles: ['clerk'] });
    const patch = async (body: Record<string, unknown>) => server.driver.adminRequest('PATCH', `/users/${userId}`, body);
    await patch({ roles: ['manager'], name: 'Margaret Hamilton', email: 'margaret@example.com' });
    await patch({ enabled: false });
    expect(await details({ user_id: userId, type: 'user.created' })).toEqual([{ added: { roles: ['clerk'] } }]);
    expect(await details({ user_id: userId, type: 'user.updated' })).toEqual([
      { changed: ['enabled'], added: { enabled: ['false'] }, removed: { enabled: ['true'] } },
      { changed: ['email', 'name', 'roles'], added: { roles: ['manager'] }, removed: { roles: ['clerk'] } },
    ]);
    expect(JSON.stringify(await events({ user_id: userId }))).not.toMatch(/Margaret|margaret@/);
  });

  it('of a resource: its scopes with the roles that they require, and its resource servers', async () => {
    const created = await server.driver.registerResource({ identifier: 'https://api.example.com/audited', scopes: [{ name: 'pay:write', required_roles: ['clerk'] }], resource_servers: ['pay-api'] });
    const path = `/resources/${created['resource_id'] as string}`;
    await server.driver.adminRequest('PATCH', path, { scopes: [{ name: 'pay:write', description: 'Pay' }], resource_servers: ['evil-api'], access_token_format: 'opaque' });
    const about = async (type: string) => (await details({ type })).filter(({ resource_id: id }) => id === created['resource_id']);
    expect(await about('resource.created')).toMatchObject([{ added: { scopes: ['pay:write for clerk'], resource_servers: ['pay-api'] } }]);
    expect(await about('resource.updated')).toEqual([
      {
        resource_id: created['resource_id'],
        changed: ['scopes', 'resource_servers', 'access_token_format'],
        added: { scopes: ['pay:write'], resource_servers: ['evil-api'], access_token_format: ['opaque'] },
        removed: { scopes: ['pay:write for clerk'], resource_servers: ['pay-api'] },
      },
    ]);
  });

  describe('of secrets', () => {
    const add = async (clientId: string, body: object) => (await server.driver.adminRequest('POST', `/clients/${clientId}/secrets`, body)).body['secret_id'] as string;
    const secretIds = async (clientId: string) =>
      (await server.driver.adminRequest<{ items: { secret_id: string }[] }>('GET', `/clients/${clientId}/secrets`)).body.items.map(({ secret_id: id }) => id);

    it.each([0, 60])('a new one that ends the older ones in %i seconds names them', async (seconds) => {
      const { clientId } = await server.driver.registerClient();
      const first = await secretIds(clientId);
      const second = await add(clientId, {});
      const third = await add(clientId, { previous_expires_in: seconds });
      expect(await details({ client_id: clientId, type: 'client_secret.created' })).toEqual([{ secret_id: third, expired: [second, ...first] }, { secret_id: second }]);
    });

    it('a new one does not name those that had ended, or end sooner anyway', async () => {
      const { clientId } = await server.driver.registerClient();
      await add(clientId, { expires_in: 5, previous_expires_in: 0 });
      const last = await add(clientId, { previous_expires_in: 3600 });
      expect((await details({ client_id: clientId, type: 'client_secret.created' }))[0]).toEqual({ secret_id: last });
    });

    it('a client that is made public loses all of them, each with an event', async () => {
      const { clientId } = await server.driver.registerClient(DESK);
      await add(clientId, {});
      const before = await secretIds(clientId);
      await patchClient(clientId, { token_endpoint_auth_method: 'none' });
      expect(await secretIds(clientId)).toEqual([]);
      const deleted = await details({ client_id: clientId, type: 'client_secret.deleted' });
      expect(deleted.map(({ secret_id: id }) => id).sort()).toEqual([...before].sort());
    });
  });
});
