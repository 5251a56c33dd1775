import { describeOnEachDatabase } from '../../support/databases.js';
import { type Answer, type Credentials, decodeJwt, type Form } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { TestServer } from '../../support/test-server.js';

const INVOICES = 'https://api.example.com/invoices';
const ORDERS = 'https://api.example.com/orders?tenant=1';
const OPEN = 'urn:example:open';
const VAULT = 'https://vault.example.com';

describeOnEachDatabase('RFC 8707 resource indicators and the audience of a token', (kind) => {
  let server: TestServer;
  let client: Credentials;
  let outsider: Credentials;

  const ask = (form: Form, credentials = client) => server.driver.token(credentials, form);
  const claimsOf = (answer: Answer) => {
    expect(answer).toMatchObject({ status: 200 });
    return decodeJwt(answer.body['access_token'] as string).claims;
  };

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    await server.driver.registerResource({ identifier: INVOICES, scopes: [{ name: 'invoices:read' }, { name: 'invoices:write' }], access_token_lifetime: 60 });
    await server.driver.registerResource({ identifier: ORDERS, scopes: [{ name: 'orders:read' }], access_token_lifetime: 3600 });
    await server.driver.registerResource({ identifier: OPEN });
    await server.driver.registerResource({ identifier: VAULT, scopes: [{ name: 'vault:open' }], access_token_format: 'opaque' });
    client = await server.driver.registerClient({ scope: 'invoices:read invoices:write orders:read vault:open free', default_scope: 'free', resources: [OPEN, 'https://short-lived.example'], access_token_lifetime: 600 });
    outsider = await server.driver.registerClient({ scope: 'free' });
  });
  afterAll(() => server.stop());

  describe('§2: a resource that cannot be had -> invalid_target', () => {
    it.each([
      ['unknown', 'https://unknown.example'],
      ['another case', INVOICES.toUpperCase()],
      ['another case of the host', 'https://API.example.com/invoices'],
      ['a slash more', `${INVOICES}/`],
      ['a path below', `${INVOICES}/1`],
      ['a prefix', 'https://api.example.com'],
      ['without its query', 'https://api.example.com/orders'],
      ['with a fragment', `${INVOICES}#f`],
      ['the default port', 'https://api.example.com:443/invoices'],
      ['an escape for a letter', 'https://api.example.com/%69nvoices'],
      ['a space behind it', `${INVOICES} `],
      ['an accent', 'https://api.example.com/invoicés'],
      ['not absolute', '/invoices'],
      ['no URI', 'invoices'],
      ['two in one value', `${INVOICES} ${ORDERS}`],
      ['a name of an object\'s prototype', '__proto__'],
      ['10,000 characters', `https://x.example/${'a'.repeat(10_000)}`],
    ])('%s', async (_, resource) => {
      expectOAuthError(await ask({ resource }), 400, 'invalid_target');
    });

    it('the admin API, for a client without a scope of it', async () => {
      expectOAuthError(await ask({ resource: `${server.issuer}/admin` }), 400, 'invalid_target');
    });

    it('a resource of which the client has no scope', async () => {
      expectOAuthError(await ask({ resource: INVOICES }, outsider), 400, 'invalid_target');
    });

    it('one of several', async () => {
      expectOAuthError(await ask({ resource: [INVOICES, 'https://unknown.example'] }), 400, 'invalid_target');
      expectOAuthError(await ask({ resource: [OPEN, INVOICES] }, outsider), 400, 'invalid_target');
    });

    it('one that was deleted', async () => {
      const { resource_id: id } = await server.driver.registerResource({ identifier: 'https://short-lived.example' });
      expect(claimsOf(await ask({ resource: 'https://short-lived.example' }))['aud']).toBe('https://short-lived.example');
      expect((await server.driver.adminRequest('DELETE', `/resources/${String(id)}`)).status).toBe(204);
      expectOAuthError(await ask({ resource: 'https://short-lived.example' }), 400, 'invalid_target');
    });
  });

  describe('§2.2: the named resource is the audience', () => {
    it('with the scope that was asked for', async () => {
      expect(claimsOf(await ask({ resource: INVOICES, scope: 'invoices:write' }))).toMatchObject({ aud: INVOICES, scope: 'invoices:write' });
    });

    it('without scope: what of the default fits it', async () => {
      const roomy = await server.driver.registerClient({ scope: 'invoices:read orders:read free' });
      expect(claimsOf(await ask({ resource: INVOICES }, roomy))).toMatchObject({ aud: INVOICES, scope: 'invoices:read free' });
      expect((await ask({ resource: INVOICES }, roomy)).body['scope']).toBe('invoices:read free');
    });

    it('a resource without scopes is closed to a client that is not registered for it', async () => {
      expectOAuthError(await ask({ resource: OPEN }, outsider), 400, 'invalid_target');
    });

    it('a resource without scopes is open to a client that is registered for it', async () => {
      expect(claimsOf(await ask({ resource: OPEN }))).toMatchObject({ aud: OPEN, scope: 'free' });
    });

    it('a client that is registered for a resource with scopes may name it without having one', async () => {
      const reader = await server.driver.registerClient({ scope: 'free', resources: [INVOICES] });
      expect(claimsOf(await ask({ resource: INVOICES }, reader))).toMatchObject({ aud: INVOICES, scope: 'free' });
      expectOAuthError(await ask({ resource: INVOICES, scope: 'invoices:read' }, reader), 400, 'invalid_scope');
    });

    it('a client that is no longer registered for it gets no more tokens for it', async () => {
      const client = await server.driver.registerClient({ resources: [OPEN] });
      expect(claimsOf(await ask({ resource: OPEN }, client))['aud']).toBe(OPEN);
      await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { resources: [] });
      expectOAuthError(await ask({ resource: OPEN }, client), 400, 'invalid_target');
    });

    it('several are an array, each once', async () => {
      expect(claimsOf(await ask({ resource: [INVOICES, ORDERS], scope: 'invoices:read orders:read' }))['aud']).toEqual([INVOICES, ORDERS]);
      expect(claimsOf(await ask({ resource: [INVOICES, INVOICES], scope: 'invoices:read' }))['aud']).toBe(INVOICES);
    });

    it('an explicit scope that belongs to another resource -> invalid_scope', async () => {
      expectOAuthError(await ask({ resource: INVOICES, scope: 'orders:read' }), 400, 'invalid_scope');
      expectOAuthError(await ask({ resource: INVOICES, scope: 'invoices:read orders:read' }), 400, 'invalid_scope');
      expectOAuthError(await ask({ resource: OPEN, scope: 'invoices:read' }), 400, 'invalid_scope');
    });

    it('an explicit scope that the client has not -> invalid_scope, whoever owns it', async () => {
      const reader = await server.driver.registerClient({ scope: 'invoices:read' });
      expectOAuthError(await ask({ resource: INVOICES, scope: 'invoices:write' }, reader), 400, 'invalid_scope');
    });
  });

  describe('RFC 9068 §3: without resource, the owner of the scope is the audience', () => {
    it('one owner', async () => {
      expect(claimsOf(await ask({ scope: 'invoices:read invoices:write' }))['aud']).toBe(INVOICES);
      expect(claimsOf(await ask({ scope: 'free orders:read' }))['aud']).toBe(ORDERS);
    });

    it('no owner -> the issuer', async () => {
      expect(claimsOf(await ask({}))['aud']).toBe(server.issuer);
      expect(claimsOf(await ask({ scope: 'free' }))['aud']).toBe(server.issuer);
    });

    it('two owners -> invalid_scope, asked for or by default', async () => {
      expectOAuthError(await ask({ scope: 'invoices:read orders:read' }), 400, 'invalid_scope');
      const torn = await server.driver.registerClient({ scope: 'invoices:read orders:read' });
      expectOAuthError(await ask({}, torn), 400, 'invalid_scope');
      expect(claimsOf(await ask({ resource: ORDERS }, torn))).toMatchObject({ aud: ORDERS, scope: 'orders:read' });
    });

    it('scopes that differ in case only may have different owners', async () => {
      await server.driver.registerResource({ identifier: 'https://lower.example', scopes: [{ name: 'case' }] });
      await server.driver.registerResource({ identifier: 'https://upper.example', scopes: [{ name: 'CASE' }] });
      const both = await server.driver.registerClient({ scope: 'case CASE' });
      expect(claimsOf(await ask({ scope: 'case' }, both))['aud']).toBe('https://lower.example');
      expect(claimsOf(await ask({ scope: 'CASE' }, both))['aud']).toBe('https://upper.example');
    });

    it('a scope of the admin API has the admin API as its audience', async () => {
      const auditor = await server.driver.registerClient({ scope: 'audit:read' });
      expect(claimsOf(await ask({}, auditor))['aud']).toBe(`${server.issuer}/admin`);
    });
  });

  describe('a resource decides the form and the lifetime of its tokens', () => {
    it('opaque when it wants that, by name or as the owner of the scope', async () => {
      for (const form of [{ resource: VAULT, scope: 'vault:open' }, { scope: 'vault:open' }, { resource: [OPEN, VAULT], scope: 'free' }] as Form[]) {
        expect((await ask(form)).body['access_token']).toMatch(/^mg_at_/);
      }
    });

    it('opaque stays opaque for a client that wants it, also where the resource says jwt', async () => {
      await server.driver.registerResource({ identifier: 'https://jwt.example', access_token_format: 'jwt' });
      const opaque = await server.driver.registerClient({ scope: 'free', resources: ['https://jwt.example'], access_token_format: 'opaque' });
      expect((await ask({ resource: 'https://jwt.example' }, opaque)).body['access_token']).toMatch(/^mg_at_/);
    });

    it('the shortest lifetime counts', async () => {
      expect((await ask({ scope: 'free' })).body['expires_in']).toBe(600);
      expect((await ask({ scope: 'invoices:read' })).body['expires_in']).toBe(60);
      expect((await ask({ scope: 'orders:read' })).body['expires_in']).toBe(600);
      expect((await ask({ resource: [ORDERS, INVOICES], scope: 'orders:read' })).body['expires_in']).toBe(60);
    });

    it('a change of the resource counts for the next token', async () => {
      const { resource_id: id } = await server.driver.registerResource({ identifier: 'https://changing.example', scopes: [{ name: 'change' }] });
      const user = await server.driver.registerClient({ scope: 'change' });
      expect((await ask({}, user)).body['expires_in']).toBe(300);
      expect((await server.driver.adminRequest('PATCH', `/resources/${String(id)}`, { access_token_lifetime: 30, access_token_format: 'opaque' })).status).toBe(200);
      const { body } = await ask({}, user);
      expect(body['expires_in']).toBe(30);
      expect(body['access_token']).toMatch(/^mg_at_/);
    });
  });
});
