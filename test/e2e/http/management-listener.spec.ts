import { connect } from 'node:net';
import { type Answer, OAuthDriver } from '../../support/oauth-driver.js';
import { freePort } from '../../support/mariadb.js';
import { rawAnswer } from '../../support/raw-http.js';
import { filled, routesOf } from '../../support/routes.js';
import { ADMIN, TestServer } from '../../support/test-server.js';

const MANAGEMENT = /^\/(admin|metrics|health|docs|openapi\.json)(\/|$)/;
const MANAGED = ['/admin/v1/clients', '/health/live', '/health/ready', '/docs', '/openapi.json'];
const PUBLIC = ['/.well-known/jwks.json', '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server', '/oauth/authorize', '/oauth/userinfo'];

describe('MANAGEMENT_PORT: a listener of its own for what the public has no business with (security.md A13)', () => {
  let server: TestServer;
  let management: OAuthDriver;
  let managementUrl: string;
  let adminToken: string;

  beforeAll(async () => {
    const port = await freePort();
    managementUrl = `http://127.0.0.1:${port}`;
    server = await TestServer.start({ env: { MANAGEMENT_PORT: String(port), DOCS_ENABLED: 'true' } });
    management = new OAuthDriver(managementUrl, ADMIN);
    adminToken = (await server.driver.token(ADMIN)).body['access_token'] as string;
  });
  afterAll(() => server.stop());

  const authorized = () => ({ headers: { authorization: `Bearer ${adminToken}` } });
  const nothing = (answer: Answer) => expect(answer.body).toMatchObject({ type: 'about:blank', title: 'Not Found', status: 404 });

  it.each(MANAGED)('%s: not there on the public listener, answered on the other', async (path) => {
    nothing(await server.driver.request('GET', path, authorized()));
    expect((await management.request('GET', path, authorized())).status).toBe(200);
  });

  it.each(PUBLIC)('%s: answered on the public listener, not there on the other', async (path) => {
    nothing(await management.request('GET', path));
    expect((await server.driver.request('GET', path)).status).not.toBe(404);
  });

  it('every route of the application is on one listener alone', async () => {
    // CONNECT asks for a tunnel: Node closes the connection before anybody looks at the path.
    const routes = routesOf(server).filter(({ method }) => method !== 'CONNECT');
    expect(routes.filter(({ path }) => MANAGEMENT.test(path)).length).toBeGreaterThan(20);
    for (const { method, path } of routes) {
      const [there, elsewhere] = MANAGEMENT.test(path) ? [managementUrl, server.url] : [server.url, managementUrl];
      const target = filled(path);
      const wrong = await rawAnswer(elsewhere, method, target, []);
      expect({ method, target, status: wrong.status, allow: wrong.headers.get('allow') }).toEqual({ method, target, status: 404, allow: null });
      const unknown = await rawAnswer(there, method, '/-/nothing', []);
      expect({ method, target, same: wrong.text.replace(/\d+/g, '') === unknown.text.replace(/\d+/g, '') }).toEqual({ method, target, same: true });
    }
  });

  it('a token that the public listener gave opens the admin API on the other', async () => {
    const created = await management.request('POST', '/admin/v1/clients', { headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' }, body: JSON.stringify({ client_id: 'managed' }) });
    expect(created.status).toBe(201);
    // The issuer does not have it: a relative reference holds wherever the caller reaches this listener.
    expect(created.headers.get('location')).toBe('/admin/v1/clients/managed');
    expect((await management.request('GET', created.headers.get('location')!, authorized())).status).toBe(200);
  });

  it('the OpenAPI document says where each path is', async () => {
    const { body } = await management.request('GET', '/openapi.json');
    const paths = body['paths'] as Record<string, { servers?: { url: string }[] }>;
    expect(body['servers']).toEqual([{ url: server.issuer }]);
    expect(paths['/admin/v1/clients'].servers).toMatchObject([{ url: '/' }]);
    expect(paths['/oauth/token'].servers).toBeUndefined();
  });

  describe('no other spelling of a path gets around it (security.md G17)', () => {
    const SPELLINGS = [
      '//admin/v1/clients', '/ADMIN/v1/clients', '/admin%2fv1/clients', '/%61dmin/v1/clients', '/admin/../admin/v1/clients', '/x/../admin/v1/clients', '/./admin/v1/clients', '/admin;x/v1/clients', '/admin\\v1\\clients',
      '/admin/v1/clients/', '/admin/v1/clients?x', '/oauth/..;/admin/v1/clients',
      'http://127.0.0.1/admin/v1/clients', 'HTTP://evil.example/admin/v1/clients', 'https://127.0.0.1//admin/v1/clients', 'http://x?/admin/v1/clients',
    ];
    it.each(SPELLINGS)('%s -> 404 on the public listener', async (target) => {
      expect((await rawAnswer(server.url, 'GET', target, [['Authorization', `Bearer ${adminToken}`]])).status).toBe(404);
    });

    it.each(['/health/live#x', '/health/live\u00a0', '/health/live\t', '/admin#', '\\admin\\v1\\clients', 'ftp://x/admin/v1/clients', 'admin'])('%j -> 400: no URI has such bytes', async (target) => {
      expect((await rawAnswer(server.url, 'GET', target, [['Authorization', `Bearer ${adminToken}`]])).status).toBe(400);
    });

    it('a header that names another path changes nothing', async () => {
      for (const header of ['X-Original-URL', 'X-Rewrite-URL', 'X-Forwarded-Uri', 'X-Forwarded-Port']) {
        expect((await rawAnswer(server.url, 'GET', '/', [[header, header.endsWith('Port') ? new URL(managementUrl).port : '/health/live']])).status).toBe(404);
      }
      expect((await rawAnswer(server.url, 'GET', '/health/live', [['Host', new URL(managementUrl).host]])).status).toBe(404);
    });

    it('the absolute form is served where the path is (RFC 9112 section 3.2.2)', async () => {
      expect((await rawAnswer(managementUrl, 'GET', 'http://id.example.com/health/live', [])).status).toBe(200);
      expect((await rawAnswer(server.url, 'GET', 'http://id.example.com/.well-known/jwks.json', [])).status).toBe(200);
    });
  });
});

describe('MANAGEMENT_PORT, with an issuer that has a path', () => {
  it('the path of the issuer hides nothing, and both listeners serve with it and without', async () => {
    const port = await freePort();
    const server = await TestServer.start({ env: { MANAGEMENT_PORT: String(port), ISSUER: 'https://id.example.com/t1' } });
    const status = async (base: string, target: string) => (await rawAnswer(base, 'GET', target, [])).status;
    try {
      for (const target of ['/t1/health/live', '/t1/admin/v1/clients', 'http://x/t1/health/live', '/t1/t1/health/live', '/t1//health/live']) expect(await status(server.url, target)).toBe(404);
      for (const target of ['/t1/health/live', '/health/live']) expect(await status(`http://127.0.0.1:${port}`, target)).toBe(200);
      for (const target of ['/t1/.well-known/jwks.json', '/.well-known/jwks.json']) expect(await status(server.url, target)).toBe(200);
    } finally {
      await server.stop();
    }
  });
});

describe('MANAGEMENT_PORT, going out of service', () => {
  it('readiness is off on the management listener while the public one still serves; then both are closed', async () => {
    const port = await freePort();
    const server = await TestServer.start({ env: { MANAGEMENT_PORT: String(port), SHUTDOWN_DRAIN_SECONDS: '1' } });
    const stopping = server.stop();
    const ready = await rawAnswer(`http://127.0.0.1:${port}`, 'GET', '/health/ready', []);
    expect(ready).toMatchObject({ status: 503, body: { status: 'draining' } });
    expect(ready.headers.get('connection')).toBe('close');
    expect((await server.driver.token(ADMIN)).status).toBe(200);
    await stopping;
    for (const each of [port, Number(new URL(server.url).port)]) {
      await expect(new Promise((resolve, reject) => connect(each, '127.0.0.1', () => resolve('connected')).on('error', reject))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    }
  });
});
