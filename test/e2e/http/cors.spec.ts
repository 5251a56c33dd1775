import { DataSource } from 'typeorm';
import { ClientEntity } from '../../../src/clients/client.entity.js';
import { Database } from '../../../src/database/database.js';
import { corsHeaders, preflight } from '../../support/cross-origin.js';
import { createMariadb, databaseKinds, describeOnEachDatabase, describeOnOneDatabase, mariadbPort } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import type { Credentials } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { rawAnswer, type RawHeaders } from '../../support/raw-http.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { TestServer } from '../../support/test-server.js';

const allowed = async (server: TestServer, origin: string): Promise<boolean> => (await preflight(server, '/oauth/token', origin)).headers.get('access-control-allow-origin') === origin;

const spa = (...redirect_uris: string[]) => ({ token_endpoint_auth_method: 'none', grant_types: ['authorization_code'], redirect_uris });

describeOnEachDatabase('the origins of clients', (kind) => {
  let server: TestServer;
  let sibling: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    sibling = await TestServer.start({ database: server.database, issuer: server.issuer, clock: server.clock });
  });
  afterAll(async () => {
    await sibling.stop();
    await server.stop();
  });

  const patch = async (clientId: string, changes: Record<string, unknown>) => expect((await server.driver.adminRequest('PATCH', `/clients/${clientId}`, changes)).status).toBe(200);
  const origins = async () => (await server.get(Database).query<{ client_id: string; origin: string }>('SELECT client_id, origin FROM client_origins JOIN clients ON clients.id = client_row_id ORDER BY client_id, origin')).map(({ client_id, origin }) => `${client_id} ${origin}`);

  it('are those of https redirect URIs, and of http ones on a loopback address, with their ports', async () => {
    await server.driver.registerClient(spa('https://one.example/cb', 'https://one.example/other?x=1', 'https://one.example:8443/cb', 'http://127.0.0.1:5173/cb', 'http://[::1]:5173/cb', 'https://xn--bcher-kva.example/', 'com.example.app:/cb'));
    for (const origin of ['https://one.example', 'https://one.example:8443', 'http://127.0.0.1:5173', 'http://[::1]:5173', 'https://xn--bcher-kva.example']) expect({ origin, allowed: await allowed(server, origin) }).toEqual({ origin, allowed: true });
    for (const origin of ['http://one.example', 'http://one.example:8443', 'https://one.example:8444', 'http://127.0.0.1', 'http://127.0.0.1:5174', 'https://127.0.0.1:5173', 'com.example.app', 'com.example.app:', 'null']) expect({ origin, allowed: await allowed(server, origin) }).toEqual({ origin, allowed: false });
  });

  it('count as soon as the client is there, and do not before', async () => {
    expect(await allowed(server, 'https://two.example')).toBe(false);
    await server.driver.registerClient(spa('https://two.example/cb'));
    expect(await allowed(server, 'https://two.example')).toBe(true);
  });

  it('follow the redirect URIs when the client is changed', async () => {
    const { clientId } = await server.driver.registerClient(spa('https://three.example/cb', 'https://three-b.example/cb'));
    expect(await allowed(server, 'https://three.example')).toBe(true);
    await patch(clientId, { redirect_uris: ['https://three-b.example/cb', 'https://three-c.example/cb'] });
    expect(await Promise.all(['https://three.example', 'https://three-b.example', 'https://three-c.example'].map((origin) => allowed(server, origin)))).toEqual([false, true, true]);
    await server.driver.adminRequest('PUT', `/clients/${clientId}`, { grant_types: ['client_credentials'] });
    expect(await allowed(server, 'https://three-b.example')).toBe(false);
    expect((await origins()).filter((row) => row.startsWith(`${clientId} `))).toEqual([]);
  });

  it('do not count while the client is disabled, nor when it is deleted', async () => {
    const { clientId } = await server.driver.registerClient(spa('https://four.example/cb'));
    await patch(clientId, { enabled: false });
    expect(await allowed(server, 'https://four.example')).toBe(false);
    await patch(clientId, { enabled: true });
    expect(await allowed(server, 'https://four.example')).toBe(true);
    expect((await server.driver.adminRequest('DELETE', `/clients/${clientId}`)).status).toBe(204);
    expect(await allowed(server, 'https://four.example')).toBe(false);
    expect((await server.get(Database).query(`SELECT 1 AS one FROM client_origins WHERE origin = 'https://four.example'`)).length).toBe(0);
  });

  it('that two clients share count until the last of the two is gone', async () => {
    const [first, second] = [await server.driver.registerClient(spa('https://five.example/a')), await server.driver.registerClient(spa('https://five.example/b'))];
    await server.driver.adminRequest('DELETE', `/clients/${first.clientId}`);
    expect(await allowed(server, 'https://five.example')).toBe(true);
    await patch(second.clientId, { enabled: false });
    expect(await allowed(server, 'https://five.example')).toBe(false);
  });

  it('may be many, and longer than any host', async () => {
    const many = Array.from({ length: 99 }, (_, index) => `https://many-${index}.example/cb`);
    const { clientId } = await server.driver.registerClient(spa(...many, `https://${'a.'.repeat(150)}example/cb`));
    expect(await allowed(server, 'https://many-98.example')).toBe(true);
    expect((await origins()).filter((row) => row.startsWith(`${clientId} `))).toHaveLength(99);
  });

  it('that one instance registers and takes away again are known to the other within one second', async () => {
    expect(await allowed(sibling, 'https://six.example')).toBe(false);
    const { clientId } = await server.driver.registerClient(spa('https://six.example/cb'));
    await eventually(async () => expect(await allowed(sibling, 'https://six.example')).toBe(true), { withinMs: 1000 });
    await patch(clientId, { redirect_uris: ['https://six-b.example/cb'] });
    await eventually(async () => expect(await allowed(sibling, 'https://six.example')).toBe(false), { withinMs: 1000 });
  });

  it('are taken from the clients that are there when the table is made, however far an earlier try came', async () => {
    const database = server.get(Database);
    const source = await database.repository(ClientEntity).findOneByOrFail({ clientId: (await server.driver.registerClient(spa('https://old.example/cb'))).clientId });
    const old = Array.from({ length: 450 }, (_, index) => ({ ...source, id: undefined, clientId: `old-${index}`, redirectUris: [`https://old-${index}.example/cb`, 'http://127.0.0.1:4000/cb', 'com.example.app:/cb'] }));
    for (let at = 0; at < old.length; at += 50) await database.repository(ClientEntity).insert(old.slice(at, at + 50));
    await database.execute(`DELETE FROM client_origins WHERE origin LIKE '%one.example%'`);
    await database.execute(`INSERT INTO client_origins (client_row_id, origin) SELECT id, 'https://old-0.example' FROM clients WHERE client_id = 'old-0'`);
    await database.execute(`DELETE FROM migrations WHERE name = 'CreateClientOrigins1764200031000'`);
    expect(await server.get(DataSource).runMigrations()).toHaveLength(1);
    const all = await origins();
    expect(all.filter((row) => row.startsWith('old-'))).toEqual(old.flatMap(({ clientId }) => [`${clientId} http://127.0.0.1:4000`, `${clientId} https://${clientId}.example`]).sort());
    expect(all.filter((row) => row.endsWith('one.example'))).toHaveLength(1);
  });
});

describeOnOneDatabase('S1: pages of other origins', (kind) => {
  const APP = 'https://app.example';
  const OTHER = 'https://other.example';
  const READABLE = { 'access-control-allow-origin': APP, 'access-control-expose-headers': 'WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy' };
  const WRONG = { clientId: 'nobody', clientSecret: 'wrong' };
  const ENDPOINTS = [['/oauth/token', 'POST'], ['/oauth/revoke', 'POST']] as const;
  const PATHS = ENDPOINTS.map(([path]) => path);

  let server: TestServer;
  let client: Credentials;
  let other: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    client = await server.driver.registerClient({ scope: 'read', grant_types: ['client_credentials', 'authorization_code'], redirect_uris: [`${APP}/cb`] });
    other = await server.driver.registerClient({ scope: 'read', grant_types: ['client_credentials', 'authorization_code'], redirect_uris: [`${OTHER}/cb`] });
  });
  afterAll(() => server.stop());

  const post = (path: string, origin: string | undefined, credentials: Credentials | undefined, form: Record<string, string> = { grant_type: 'client_credentials', token: 'x' }) =>
    server.driver.form(path, form, credentials, origin === undefined ? {} : { origin });

  describe('of a registered origin', () => {
    it.each(ENDPOINTS)('may ask for leave at %s: 204 with the methods and headers that work, for ten minutes, without credentials', async (path, methods) => {
      const answer = await preflight(server, path, APP);
      expect(answer).toMatchObject({ status: 204, text: '' });
      expect(answer.headers.get('vary')).toBe('Origin');
      expect(corsHeaders(answer)).toEqual({ ...READABLE, 'access-control-allow-methods': methods, 'access-control-allow-headers': 'authorization, content-type', 'access-control-max-age': '600' });
    });

    it.each(PATHS)('may read what %s answers their client', async (path) => {
      const answer = await post(path, APP, client);
      expect(answer.status).toBe(200);
      expect(corsHeaders(answer)).toEqual(READABLE);
      expect(answer.headers.get('vary')).toBe('Origin');
    });

    it.each(PATHS)('may read the refusals of %s', async (path) => {
      const secret = await post(path, APP, { ...client, clientSecret: 'wrong' });
      const stranger = await post(path, APP, WRONG);
      const nobody = await post(path, APP, undefined);
      const noForm = await server.driver.request('POST', path, { headers: { origin: APP, 'content-type': 'application/json' }, body: '{}' });
      const tooLarge = await post(path, APP, client, { x: 'a'.repeat(40_000) });
      const twoMethods = await post(path, APP, client, { client_secret: 'x' });
      const missing = await post(path, APP, client, {});
      expectOAuthError(secret, 401, 'invalid_client');
      expectOAuthError(stranger, 401, 'invalid_client');
      expectOAuthError(nobody, 401, 'invalid_client');
      expect(secret.headers.get('www-authenticate')).toMatch(/^Basic /);
      for (const answer of [noForm, twoMethods, missing]) expectOAuthError(answer, 400, 'invalid_request');
      expectOAuthError(tooLarge, 413, 'invalid_request');
      for (const answer of [secret, stranger, nobody, noForm, tooLarge, twoMethods, missing]) {
        expect(corsHeaders(answer)).toEqual(READABLE);
        expect(answer.headers.get('vary')).toBe('Origin');
      }
    });

    it('a public client may read what it is told', async () => {
      const { clientId } = await server.driver.registerClient({ ...spa('http://127.0.0.1:5173/cb'), grant_types: ['authorization_code', 'refresh_token'] });
      const answer = await post('/oauth/token', 'http://127.0.0.1:5173', undefined, { grant_type: 'refresh_token', refresh_token: 'x', client_id: clientId });
      expectOAuthError(answer, 400, 'invalid_grant');
      expect(corsHeaders(answer)).toEqual({ ...READABLE, 'access-control-allow-origin': 'http://127.0.0.1:5173' });
    });

    it.each(PATHS)('may not read what %s answers another client, once it is known which one', async (path) => {
      for (const answer of [await post(path, APP, other), await post(path, OTHER, client)]) {
        expect(answer.status).toBe(200);
        expect(corsHeaders(answer)).toEqual({});
        expect(answer.headers.get('vary')).toBe('Origin');
      }
      const refused = await post(path, APP, other, { client_id: client.clientId, grant_type: 'client_credentials', token: 'x' });
      expectOAuthError(refused, 400, 'invalid_request');
      expect(corsHeaders(refused)).toEqual({});
    });
  });

  describe('of any other origin', () => {
    it.each([
      'null', '*', '', 'https://evil.example', 'http://app.example', 'https://app.example:444', 'https://app.example:443', 'https://APP.example', 'HTTPS://app.example', 'https://app.example.', 'https://app.example/', 'https://app.example/cb', 'https://app.example?x', 'https://app.example#x',
      'https://app.example.evil.example', 'https://evil-app.example', 'https://evil.example/https://app.example', 'https://app.example@evil.example', 'https://user@app.example', 'https://app.example, https://evil.example', 'https://app.example https://evil.example',
      'https://app.example%00', 'https://app.example%60.evil.example', 'app.example', '//app.example', 'file://', 'data:', 'capacitor://app.example', 'https://', `https://${'a'.repeat(300)}.example`, `https://${'a'.repeat(5000)}.example`, "https://x' OR '1'='1", 'https://\xe4pp.example',
    ])('%j gets no leave, and the request is answered as always', async (origin) => {
      const ask = (method: string, headers: RawHeaders, body = '') => rawAnswer(server.url, method, '/oauth/token', [['Origin', origin], ...headers], body);
      const asked = await ask('OPTIONS', [['Access-Control-Request-Method', 'POST']]);
      const refused = await ask('POST', [['Content-Type', 'application/x-www-form-urlencoded']], 'grant_type=client_credentials');
      expect(asked).toMatchObject({ status: 204, text: '' });
      expectOAuthError(refused, 401, 'invalid_client');
      for (const answer of [asked, refused]) {
        expect(corsHeaders(answer)).toEqual({});
        expect(answer.headers.get('vary')).toBe('Origin');
      }
    });

    it('a client that is known gets its token there all the same', async () => {
      const answer = await post('/oauth/token', 'https://evil.example', client);
      expect(answer.status).toBe(200);
      expect(corsHeaders(answer)).toEqual({});
    });

    it('two Origin headers are none', async () => {
      for (const pair of [[APP, 'https://evil.example'], ['https://evil.example', APP], [APP, APP]]) {
        const answer = await rawAnswer(server.url, 'POST', '/oauth/token', [...pair.map((origin): [string, string] => ['Origin', origin]), ['Content-Type', 'application/x-www-form-urlencoded']], 'grant_type=x');
        expect(corsHeaders(answer)).toEqual({});
      }
    });

    it('is not let in by a token or an assertion that nobody has verified and that names it (CVE-2026-37977)', async () => {
      const claims = Buffer.from(JSON.stringify({ iss: client.clientId, sub: client.clientId, client_id: client.clientId, azp: client.clientId, 'allowed-origins': ['https://evil.example', '*'], allowed_origins: ['https://evil.example'] })).toString('base64url');
      const forged = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`;
      const assertion = { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: forged, grant_type: 'client_credentials', token: forged };
      for (const path of PATHS) {
        expect(corsHeaders(await post(path, 'https://evil.example', undefined, assertion))).toEqual({});
        expect(corsHeaders(await server.driver.form(path, { token: forged }, undefined, { origin: 'https://evil.example', authorization: `Bearer ${forged}` }))).toEqual({});
      }
    });
  });

  describe('that do not ask', () => {
    it.each(PATHS)('%s says nothing of origins to a caller that names none', async (path) => {
      for (const answer of [await post(path, undefined, client), await post(path, undefined, WRONG)]) {
        expect(corsHeaders(answer)).toEqual({});
        expect(answer.headers.get('vary')).toBeNull();
      }
    });

    it.each(PATHS)('OPTIONS %s without an origin or a method to ask for -> 405 with Allow: POST', async (path) => {
      for (const headers of [{}, { origin: APP }, { 'access-control-request-method': 'POST' }]) {
        const answer = await server.driver.request('OPTIONS', path, { headers: headers as Record<string, string> });
        expectOAuthError(answer, 405, 'invalid_request');
        expect(answer.headers.get('allow')).toBe('POST');
        expect(corsHeaders(answer)).toEqual({});
      }
    });
  });

  describe('elsewhere', () => {
    it.each(['/oauth/authorize', '/oauth/par', '/oauth/introspect', '/oauth/logout', '/oauth/token/', '/oauth/Token', '//oauth/token', '/oauth/token/x', '/oauth', '/', '/admin/v1/clients', '/health/ready', '/openapi.json'])('%s lets no page of another origin in (OAuth 2.1 §3.1, RFC 9700 §2.6)', async (path) => {
      for (const origin of [APP, 'https://evil.example', 'null']) {
        for (const method of ['GET', 'POST', 'OPTIONS']) {
          const answer = await rawAnswer(server.url, method, path, [['Origin', origin], ...(method === 'OPTIONS' ? ([['Access-Control-Request-Method', 'POST']] as RawHeaders) : [])]);
          expect({ method, cors: corsHeaders(answer) }).toEqual({ method, cors: {} });
          if (method === 'OPTIONS') expect([400, 404, 405]).toContain(answer.status);
        }
      }
    });

    it('not even a client of theirs, at introspection', async () => {
      const answer = await server.driver.form('/oauth/introspect', { token: 'x' }, client, { origin: APP });
      expect(answer).toMatchObject({ status: 200, body: { active: false } });
      expect(corsHeaders(answer)).toEqual({});
    });

    it.each(['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server', '/.well-known/jwks.json'])('%s is for all of them, without credentials', async (path) => {
      for (const headers of [{}, { origin: APP }, { origin: 'https://evil.example' }, { origin: 'null' }]) {
        const answer = await server.driver.request('GET', path, { headers: headers as Record<string, string> });
        expect(answer.status).toBe(200);
        expect(corsHeaders(answer)).toEqual({ 'access-control-allow-origin': '*' });
      }
    });
  });

  it('none of this was an unexpected condition', () => {
    expect(server.logLines.length).toBeGreaterThan(0);
    expect(server.logLines.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
  });
});

describe.each(databaseKinds().filter((kind) => kind === 'MariaDB'))('S1: pages of other origins while the database is away (%s)', () => {
  it('may read the 503 when their origin is in memory; others get their answer without leave', async () => {
    const database = await createMariadb();
    const proxy = await TcpProxy.to(mariadbPort()!);
    const server = await TestServer.start({ database: { ...database, url: database.url.replace(`:${mariadbPort()}/`, `:${proxy.port}/`) } });
    const token = (origin: string, client: Credentials) => server.driver.form('/oauth/token', { grant_type: 'client_credentials' }, client, { origin });
    try {
      const client = await server.driver.registerClient({ grant_types: ['client_credentials', 'authorization_code'], redirect_uris: ['https://app.example/cb', 'https://late.example/cb'] });
      expect((await token('https://app.example', client)).headers.get('access-control-allow-origin')).toBe('https://app.example');
      await proxy.close();
      await eventually(async () => expect((await token('https://app.example', client)).status).toBe(503));
      const known = await token('https://app.example', client);
      expectOAuthError(known, 503, 'temporarily_unavailable');
      expect(known.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
      expect(corsHeaders(known)).toMatchObject({ 'access-control-allow-origin': 'https://app.example' });
      expect(await allowed(server, 'https://app.example')).toBe(true);
      const late = await token('https://late.example', client);
      expectOAuthError(late, 503, 'temporarily_unavailable');
      expect(corsHeaders(late)).toEqual({});
      const asked = await preflight(server, '/oauth/token', 'https://late.example');
      expect(asked.status).toBe(204);
      expect(corsHeaders(asked)).toEqual({});
    } finally {
      await server.stop();
      await database.drop();
    }
  });
});
