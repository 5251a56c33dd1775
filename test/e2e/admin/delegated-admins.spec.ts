import { ADMIN_SCOPES } from '../../../src/resources/admin-api.js';
import { expectProblem } from '../../support/problems.js';
import { ADMIN, TestServer } from '../../support/test-server.js';

describe('nobody hands out, or takes over, rights that he does not have', () => {
  let server: TestServer;
  let delegate: string;
  let delegateId: string;

  beforeAll(async () => {
    server = await TestServer.start();
    const client = await server.driver.registerClient({ client_id: 'delegate', scope: 'clients:read clients:write' });
    delegateId = client.clientId;
    delegate = await server.driver.accessToken(client);
    await server.driver.adminRequest('PUT', '/clients/auditor', { client_name: 'Auditor', scope: 'audit:read invoices:list' });
  });
  afterAll(() => server.stop());

  const asDelegate = (method: string, path: string, body?: unknown) => server.driver.adminRequest(method, path, body, { token: delegate });
  const scopeOf = async (clientId: string) => (await server.driver.adminRequest('GET', `/clients/${clientId}`)).body['scope'];
  const beyond = Object.keys(ADMIN_SCOPES).filter((scope) => !/^clients:/.test(scope));

  it('a delegate manages plain clients, and hands on what he has', async () => {
    for (const scope of ['', 'invoices:list', 'openid profile', 'clients:read', 'clients:read clients:write invoices:list']) expect((await asDelegate('POST', '/clients', { scope })).status).toBe(201);
    expect((await asDelegate('PUT', '/clients/plain', { scope: 'invoices:list' })).status).toBe(201);
    expect((await asDelegate('PATCH', '/clients/plain', { client_name: 'Plain' })).status).toBe(200);
    expect((await asDelegate('POST', '/clients/plain/secrets')).status).toBe(201);
    expect((await asDelegate('GET', '/clients/auditor')).status).toBe(200);
    expect((await asDelegate('DELETE', '/clients/plain')).status).toBe(204);
  });

  it.each(beyond)('he cannot give %s to a client, new or old, or to himself', async (scope) => {
    await server.driver.adminRequest('PUT', '/clients/target', { scope: 'invoices:list' });
    for (const [method, path] of [['POST', '/clients'], ['PUT', '/clients/brand-new'], ['PUT', '/clients/target'], ['PATCH', '/clients/target'], ['PATCH', `/clients/${delegateId}`], ['PUT', `/clients/${delegateId}`]] as const) {
      const answer = await asDelegate(method, path, { scope: `invoices:list ${scope}` });
      expectProblem(answer, 403);
      expect(answer.headers.get('www-authenticate')).toMatch(new RegExp(`^Bearer .*error="insufficient_scope".*scope="${scope}"`));
    }
    expect(await scopeOf('target')).toBe('invoices:list');
    expect(await scopeOf(delegateId)).toBe('clients:read clients:write');
    expect((await server.driver.adminRequest('GET', '/clients/brand-new')).status).toBe(404);
  });

  it.each<[string, string, string, unknown]>([
    ['add a secret to', 'POST', '/clients/auditor/secrets', undefined],
    ['change', 'PATCH', '/clients/auditor', { client_name: 'Mine' }],
    ['change to nothing else', 'PATCH', '/clients/auditor', {}],
    ['take the rights of', 'PATCH', '/clients/auditor', { scope: 'invoices:list' }],
    ['replace', 'PUT', '/clients/auditor', { scope: 'invoices:list' }],
    ['disable', 'PATCH', '/clients/auditor', { enabled: false }],
    ['delete', 'DELETE', '/clients/auditor', undefined],
    ['add a secret to the first admin, who is', 'POST', `/clients/${ADMIN.clientId}/secrets`, undefined],
    ['delete the first admin, who is', 'DELETE', `/clients/${ADMIN.clientId}`, undefined],
  ])('he cannot %s a client that may do more than he', async (_, method, path, body) => {
    const before = (await server.driver.adminRequest('GET', '/clients?limit=200')).text;
    expectProblem(await asDelegate(method, path, body), 403);
    expect((await server.driver.adminRequest('GET', '/clients?limit=200')).text).toBe(before);
    expect((await server.driver.token(ADMIN)).status).toBe(200);
  });

  it('he cannot delete a secret of one, nor end the older ones', async () => {
    const { clientId, clientSecret } = await server.driver.registerClient({ scope: 'keys:write' });
    const { items } = (await server.driver.adminRequest<{ items: { secret_id: string }[] }>('GET', `/clients/${clientId}/secrets`)).body;
    expectProblem(await asDelegate('DELETE', `/clients/${clientId}/secrets/${items[0].secret_id}`), 403);
    expectProblem(await asDelegate('POST', `/clients/${clientId}/secrets`, { previous_expires_in: 0 }), 403);
    expect((await server.driver.token({ clientId, clientSecret })).status).toBe(200);
  });

  it('what counts is the scope of the token, not all that its client could ask for', async () => {
    const narrowed = await server.driver.accessToken(ADMIN, { scope: 'clients:write' });
    expectProblem(await server.driver.adminRequest('POST', '/clients', { scope: 'keys:write' }, { token: narrowed }), 403);
    expectProblem(await server.driver.adminRequest('PATCH', `/clients/${ADMIN.clientId}`, { client_name: 'x' }, { token: narrowed }), 403);
    expect((await server.driver.adminRequest('POST', '/clients', { scope: 'keys:write' })).status).toBe(201);
  });

  it('a client that was given a right by an admin who has it can be stripped of it by him', async () => {
    const { clientId } = await server.driver.registerClient({ scope: 'keys:write' });
    expect((await server.driver.adminRequest('PATCH', `/clients/${clientId}`, { scope: '' })).status).toBe(200);
  });

  describe('a resource cannot claim what is the server’s own', () => {
    let resourceAdmin: string;

    beforeAll(async () => {
      resourceAdmin = await server.driver.accessToken(await server.driver.registerClient({ scope: 'resources:read resources:write' }));
      await server.driver.registerResource({ identifier: 'https://api.example.com/kept', scopes: [{ name: 'kept:read' }] });
    });

    const create = (body: unknown) => server.driver.adminRequest('POST', '/resources', body, { token: resourceAdmin });
    const keptId = async () =>
      (await server.driver.adminRequest<{ items: { resource_id: string; identifier: string }[] }>('GET', '/resources')).body.items.find(({ identifier }) => identifier.endsWith('/kept'))!.resource_id;

    it.each([...Object.keys(ADMIN_SCOPES), 'openid', 'profile', 'email', 'address', 'phone', 'offline_access'])('the scope %s', async (name) => {
      expectProblem(await create({ identifier: 'https://evil.example/', scopes: [{ name: 'x' }, { name }] }), 400, '/scopes/1/name');
      expectProblem(await server.driver.adminRequest('PATCH', `/resources/${await keptId()}`, { scopes: [{ name }] }, { token: resourceAdmin }), 400, '/scopes/0/name');
    });

    it.each([['the issuer', ''], ['the audience of the admin API', '/admin']])('%s as its identifier', async (_, suffix) => {
      const identifier = `${server.issuer}${suffix}`;
      expectProblem(await create({ identifier, resource_servers: ['delegate'] }), 400, '/identifier');
      expectProblem(await server.driver.adminRequest('PATCH', `/resources/${await keptId()}`, { identifier }, { token: resourceAdmin }), 400, '/identifier');
    });

    it('admin tokens go on being for the admin API', async () => {
      expect((await server.driver.adminRequest('GET', '/clients', undefined, { token: await server.driver.accessToken(ADMIN, { scope: 'clients:read' }) })).status).toBe(200);
    });
  });
});
