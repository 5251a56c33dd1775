import { ADMIN_SCOPES } from '../../../src/resources/admin-api.js';
import { CALLBACK } from '../../support/authorization-url.js';
import { CodeFlow } from '../../support/code-flow.js';
import type { Answer, Form } from '../../support/oauth-driver.js';
import { filled, routesOf } from '../../support/routes.js';
import { ADMIN, TestServer } from '../../support/test-server.js';

interface Operation {
  operationId?: string;
  summary?: string;
  tags?: string[];
  security?: Record<string, string[]>[];
  parameters?: { name: string; in: string; required?: boolean }[];
  requestBody?: { content: Record<string, { schema: object; examples?: Record<string, { value: Record<string, unknown> }> }> };
  responses: Record<string, object>;
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; securitySchemes: Record<string, { type: string; flows?: { clientCredentials?: { tokenUrl: string; scopes: Record<string, string> } } }> };
}

interface Schema {
  type?: string;
  required?: string[];
  properties?: Record<string, object>;
}

/** Not for programs: the pages that people come to, and what these load. */
const PAGES = /^\/(docs|openapi\.json|assets\/|account|oauth\/authorize\/|oauth\/logout\/)/;

/** Their answers send the browser on. */
const REDIRECTING = ['/oauth/authorize', '/oauth/logout'];

/** Served by whichever method: Envoy asks by its caller's. Described for GET. */
const BY_ANY_METHOD = '/gateway/verify';

/** Where no client authenticates. */
const ANONYMOUS = [...REDIRECTING, '/oauth/userinfo'];

const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options', 'trace'];

/** Every object in the document, with the place where it stands. */
function* objectsIn(node: unknown, at = '#'): Generator<[string, Record<string, unknown>]> {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node)) yield [at, node as Record<string, unknown>];
  for (const [key, value] of Object.entries(node)) yield* objectsIn(value, `${at}/${key}`);
}

describe('GET /openapi.json', () => {
  let server: TestServer;
  let answer: Answer<Document>;
  let document: Document;
  let operations: [name: string, method: string, path: string, operation: Operation][];
  let users = 0;

  beforeAll(async () => {
    server = await TestServer.start();
    answer = await server.driver.request<Document>('GET', '/openapi.json');
    document = answer.body;
    operations = Object.entries(document.paths).flatMap(([path, item]) =>
      METHODS.flatMap((method): typeof operations => (item[method] ? [[`${method.toUpperCase()} ${path}`, method.toUpperCase(), path, item[method]]] : [])),
    );
  });
  afterAll(() => server.stop());

  it('is an OpenAPI 3.1 document for this issuer', () => {
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json\b/);
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: expect.any(String) as string, version: expect.any(String) as string });
    expect(document.servers).toEqual([{ url: server.issuer }]);
    expect(document.components.securitySchemes['admin'].flows!.clientCredentials).toEqual({ tokenUrl: `${server.issuer}/oauth/token`, scopes: ADMIN_SCOPES });
  });

  it('names the issuer whatever the Host header says', async () => {
    const raw = await server.driver.raw('GET /openapi.json HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n\r\n');
    expect(raw).toContain(server.issuer);
    expect(raw).not.toContain('evil.example');
  });

  it('has every route of the application but the pages, and the application every operation of the document', () => {
    const served = routesOf(server)
      .filter(({ method, path }) => !PAGES.test(path) && !path.includes('*') && (path !== BY_ANY_METHOD || method === 'GET'))
      .map(({ method, path }) => `${method} ${path}`);
    expect(operations.map(([name]) => name).sort()).toEqual([...new Set(served)].sort());
  });

  it('has no reference that leads nowhere', () => {
    for (const [at, { $ref }] of objectsIn(document)) {
      if (typeof $ref !== 'string') continue;
      const found = $ref.slice(2).split('/').reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], document);
      expect([at, $ref, typeof found]).toEqual([at, $ref, 'object']);
    }
  });

  it('uses no keyword that OpenAPI 3.1 took away (nullable, boolean exclusive bounds)', () => {
    const old = [...objectsIn(document)].filter(([at, node]) => !at.includes('/examples/') && ('nullable' in node || typeof node['exclusiveMinimum'] === 'boolean' || typeof node['exclusiveMaximum'] === 'boolean'));
    expect(old.map(([at]) => at)).toEqual([]);
  });

  it('names every parameter of a logout request and of an authorization request, and for GET and POST the same ones', () => {
    for (const [path, names] of Object.entries({ '/oauth/authorize': ['response_type', 'client_id', 'code_challenge', 'nonce', 'claims', 'request_uri'], '/oauth/logout': ['id_token_hint', 'client_id', 'post_logout_redirect_uri', 'state'] })) {
      const { get, post } = document.paths[path];
      const inQuery = get.parameters!.map(({ name }) => name);
      const inForm = Object.keys(resolved(Object.values(post.requestBody!.content)[0].schema).properties!);
      expect(inForm).toEqual(inQuery);
      expect(names.filter((name) => !inQuery.includes(name))).toEqual([]);
    }
  });

  it('says where users sign in: the scheme of the userinfo endpoint is OpenID Connect, by this issuer’s discovery document', () => {
    expect(document.components.securitySchemes['user']).toEqual({ type: 'openIdConnect', openIdConnectUrl: `${server.issuer}/.well-known/openid-configuration` });
  });

  it('describes every operation: a summary, a tag, an id of its own, its path parameters, an answer', () => {
    for (const [name, , path, operation] of operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path' && parameter.required).map((parameter) => parameter.name);
      expect([name, operation.summary, operation.tags]).toEqual([name, expect.stringMatching(/\w/), [expect.stringMatching(/\w/)]]);
      expect([name, declared]).toEqual([name, inPath]);
      expect([name, Object.keys(operation.responses).some((status) => /^2\d\d$/.test(status))]).toEqual([name, true]);
    }
    const ids = operations.map(([, , , { operationId }]) => operationId);
    expect(ids).not.toContain(undefined);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('says of each operation who may call it', () => {
    const inBrowsers = ['/oauth/authorize', '/oauth/logout'];
    for (const [name, , path, { security }] of operations) {
      const scheme = path.startsWith('/admin/') ? ['admin'] : path === '/oauth/userinfo' ? ['user'] : path === BY_ANY_METHOD ? ['token'] : path.startsWith('/oauth/') && !inBrowsers.includes(path) ? ['client'] : [];
      expect([name, (security ?? []).flatMap((each) => Object.keys(each))]).toEqual([name, scheme]);
    }
  });

  it('declares the query parameters that lists take, and each of them works', async () => {
    const values: Record<string, string> = {
      limit: '5', q: 'x', grant_type: 'client_credentials', enabled: 'true', type: 'client.created', client_id: 'x', user_id: 'x', since: '2026-01-01T00:00:00Z', until: '2027-01-01T00:00:00Z', days: '30', actor_client_id: 'x', result: 'failure', request_id: 'x', address: '192.0.2.1', after: '1',
    };
    for (const [name, method, path, { parameters }] of operations.filter(([, , each]) => each.startsWith('/admin/'))) {
      const query = (parameters ?? []).filter((parameter) => parameter.in === 'query').map((parameter) => parameter.name);
      if (query.length === 0) continue;
      const search = new URLSearchParams(query.filter((each) => each !== 'cursor').map((each): [string, string] => [each, values[each] ?? 'unknown to this test']));
      expect([name, (await server.driver.adminRequest(method, `${filled(path.replace('/admin/v1', ''), await existing(path))}?${search.toString()}`)).status]).toEqual([name, 200]);
    }
  });

  it('gives an example of every body, and each of them works', async () => {
    const bodies = operations.filter(([, , , { requestBody }]) => requestBody !== undefined);
    expect(bodies.map(([name]) => name).sort()).toEqual([
      'PATCH /admin/v1/clients/{client_id}', 'PATCH /admin/v1/resources/{resource_id}', 'PATCH /admin/v1/users/{user_id}', 'POST /admin/v1/clients', 'POST /admin/v1/clients/{client_id}/secrets', 'POST /admin/v1/keys/rotate',
      'POST /admin/v1/resources', 'POST /admin/v1/users', 'POST /oauth/authorize', 'POST /oauth/introspect', 'POST /oauth/logout', 'POST /oauth/par', 'POST /oauth/revoke', 'POST /oauth/token', 'POST /oauth/userinfo', 'PUT /admin/v1/clients/{client_id}', 'PUT /admin/v1/users/{user_id}/password',
    ]);
    for (const [name, method, path, { requestBody }] of bodies) {
      const [type, { examples }] = Object.entries(requestBody!.content)[0];
      expect([name, Object.keys(examples ?? {}).length]).not.toEqual([name, 0]);
      for (const [example, { value }] of Object.entries(examples ?? {})) {
        const { status, text } = type === 'application/json'
          ? await server.driver.adminRequest(method, filled(path.replace('/admin/v1', ''), await existing(path)), value)
          : await sendForm(path, value as Record<string, string>);
        expect([name, example, (REDIRECTING.includes(path) ? [303] : [200, 201, 204]).includes(status), text]).toEqual([name, example, true, text]);
      }
    }
  });

  const resolved = (schema: unknown): Schema => {
    const { $ref } = schema as { $ref?: string };
    return ($ref === undefined ? schema : document.components.schemas[$ref.split('/').at(-1)!]) as Schema;
  };

  it('gives examples that fit their own schema: all that it requires, nothing that it does not name', () => {
    const wrong = operations.flatMap(([name, , , { requestBody }]) =>
      Object.values(requestBody?.content ?? {}).flatMap(({ schema, examples }) => {
        const { required = [], properties = {} } = resolved(schema);
        return Object.values(examples ?? {}).flatMap(({ value }) => [...required.filter((member) => !(member in value)), ...Object.keys(value).filter((member) => !(member in properties))].map((member) => `${name} ${member}`));
      }),
    );
    expect(wrong).toEqual([]);
  });

  it.each(['/clients', '/clients/{client_id}/secrets', '/users', '/resources', '/keys', '/audit-events', '/advice'])('describes the answer of the list %s as it is: items and next_cursor', (path) => {
    const { content } = document.paths[`/admin/v1${path}`]['get'].responses['200'] as { content?: Record<string, { schema: object }> };
    const { type, properties } = resolved(content?.['application/json']?.schema ?? {});
    expect({ type, members: Object.keys(properties ?? {}).sort() }).toEqual({ type: 'object', members: ['items', 'next_cursor'] });
  });

  async function existing(path: string): Promise<string> {
    if (path.includes('{client_id}')) return (await server.driver.registerClient({ scope: 'a' })).clientId;
    if (path.includes('{resource_id}')) return String((await server.driver.registerResource({ identifier: `https://api.example.com/${path.length}` }))['resource_id']);
    if (path.includes('{user_id}')) return (await server.driver.registerUser({ username: `user-${++users}` })).userId;
    return '';
  }

  /** By a client that may use every grant, with what no example can know in the place of what it says: a live code, a live token. */
  async function sendForm(path: string, value: Record<string, string>): Promise<Answer> {
    const { client_id: clientId, username, password, scope = 'openid', redirect_uri: redirectUri = CALLBACK, post_logout_redirect_uri: logoutUri } = value;
    if (clientId !== undefined) await server.driver.adminRequest('DELETE', `/clients/${clientId}`);
    const client = await server.driver.registerClient({
      ...(clientId === undefined ? {} : { client_id: clientId }), ...(logoutUri === undefined ? {} : { post_logout_redirect_uris: [logoutUri] }), scope, redirect_uris: [redirectUri], skip_consent: true,
      grant_types: ['client_credentials', 'password', 'refresh_token', 'authorization_code'],
    });
    const user = await server.driver.registerUser({ username: username ?? `user-${++users}`, ...(password === undefined ? {} : { password }) });
    const form: Form = { ...value };
    const flow = await CodeFlow.signedIn(server, user);
    if (value['code'] !== undefined) form['code'] = await flow.code(client, { redirect_uri: redirectUri });
    if (value['access_token'] !== undefined) form['access_token'] = (await flow.tokens(client)).access_token;
    return server.driver.form(path, form, ANONYMOUS.includes(path) ? undefined : client);
  }

  it('holds no secret', () => {
    expect(answer.text).not.toContain(ADMIN.clientSecret);
    expect(answer.text).not.toMatch(/mg_(cs|at)_\w/);
  });
});

describe('GET /docs', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server.stop());

  it('is an HTML page that nobody can frame', async () => {
    const { status, headers } = await server.driver.request('GET', '/docs');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^text\/html/);
    expect(headers.get('content-security-policy')).toMatch(/frame-ancestors 'none'/);
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'/);
    expect(headers.get('content-security-policy')).not.toMatch(/script-src[^;]*'unsafe-/);
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(headers.has('x-powered-by')).toBe(false);
  });

  it('loads its scripts and styles from this server, and none stands in the page itself', async () => {
    const { text } = await server.driver.request('GET', '/docs');
    const assets = [...text.matchAll(/<(?:script|link)\b[^>]*?(?:src|href)="([^"]+)"/g)].map(([, url]) => new URL(url, `${server.url}/docs`));
    expect(assets.some(({ pathname }) => pathname.endsWith('.js'))).toBe(true);
    for (const { origin, pathname } of assets) {
      expect(origin).toBe(server.url);
      expect([pathname, (await server.driver.request('GET', pathname)).status]).toEqual([pathname, 200]);
    }
    expect([...text.matchAll(/<script\b[^>]*>([^]*?)<\/script>/g)].map(([, inline]) => inline.trim())).toEqual(expect.not.arrayContaining([expect.stringMatching(/\S/)]));
    expect(text).not.toMatch(/ on\w+="|href="javascript:/);
  });

  it('shows the document that /openapi.json is', async () => {
    const { text } = await server.driver.request('GET', '/docs');
    const scripts = await Promise.all([...text.matchAll(/<script\b[^>]*src="([^"]+)"/g)].map(([, url]) => server.driver.request('GET', new URL(url, `${server.url}/docs`).pathname)));
    expect(scripts.some((script) => script.text.includes('/admin/v1/clients/{client_id}') || script.text.includes('openapi.json'))).toBe(true);
  });

  it.each(['/docs-json', '/docs-yaml', '/api', '/swagger', '/openapi.yaml', '/docs/../package.json', '/docs/%2e%2e%2fpackage.json', '/docs/..%2f..%2fpackage.json', '/docs/index.map'])('%s is 404', async (path) => {
    expect(await server.driver.raw(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 (404|400) /);
  });

  it.each(['/docs', '/openapi.json'])('POST %s is 405', async (path) => {
    expect((await server.driver.request('POST', path)).status).toBe(405);
  });
});

describe('the documentation can be switched off', () => {
  const production = { NODE_ENV: 'production', HOST: '127.0.0.1', KEY_ENCRYPTION_KEY: 'q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=' };

  it.each<[string, Record<string, string>, number]>([
    ['by default outside production it is on', {}, 200],
    ['DOCS_ENABLED=false', { DOCS_ENABLED: 'false' }, 404],
    ['by default in production', production, 404],
    ['DOCS_ENABLED=true in production switches it on', { ...production, DOCS_ENABLED: 'true' }, 200],
  ])('%s', async (_, env, status) => {
    const server = await TestServer.start({ env });
    try {
      for (const path of ['/docs', '/openapi.json', '/docs/swagger-ui-init.js']) expect([path, (await server.driver.request('GET', path)).status]).toEqual([path, status]);
      expect((await server.driver.token(ADMIN)).status).toBe(200);
      const metadata = (await server.driver.request('GET', '/.well-known/oauth-authorization-server')).body;
      expect('service_documentation' in metadata).toBe(status === 200);
    } finally {
      await server.stop();
    }
  });
});
