import { ModulesContainer, Reflector } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { ADMIN_SCOPES } from '../../../src/resources/admin-api.js';
import { BearerGuard, RequiredScope } from '../../../src/tokens/bearer.guard.js';
import { ownKey, signedJwt } from '../../support/forged-tokens.js';
import { type Answer, type Credentials, decodeJwt, type RegisteredUser } from '../../support/oauth-driver.js';
import { expectProblem } from '../../support/problems.js';
import { filled, routesOf } from '../../support/routes.js';
import { ADMIN, TestServer } from '../../support/test-server.js';

/** The contract: what there is below /admin/v1, and the right that it takes. */
const CONTRACT: [method: string, path: string, scope: string][] = [
  ['POST', '/clients', 'clients:write'],
  ['GET', '/clients', 'clients:read'],
  ['GET', '/clients/{client_id}', 'clients:read'],
  ['PUT', '/clients/{client_id}', 'clients:write'],
  ['PATCH', '/clients/{client_id}', 'clients:write'],
  ['DELETE', '/clients/{client_id}', 'clients:write'],
  ['POST', '/clients/{client_id}/secrets', 'clients:write'],
  ['GET', '/clients/{client_id}/secrets', 'clients:read'],
  ['DELETE', '/clients/{client_id}/secrets/{secret_id}', 'clients:write'],
  ['DELETE', '/clients/{client_id}/tokens', 'tokens:revoke'],
  ['GET', '/clients/{client_id}/advice', 'clients:read'],
  ['GET', '/advice', 'clients:read'],
  ['POST', '/users', 'users:write'],
  ['GET', '/users', 'users:read'],
  ['GET', '/users/{user_id}', 'users:read'],
  ['PATCH', '/users/{user_id}', 'users:write'],
  ['DELETE', '/users/{user_id}', 'users:write'],
  ['PUT', '/users/{user_id}/password', 'users:write'],
  ['POST', '/users/{user_id}/unlock', 'users:write'],
  ['DELETE', '/users/{user_id}/tokens', 'tokens:revoke'],
  ['DELETE', '/users/{user_id}/sessions', 'tokens:revoke'],
  ['GET', '/users/{user_id}/consents', 'users:read'],
  ['DELETE', '/users/{user_id}/consents/{client_id}', 'users:write'],
  ['POST', '/resources', 'resources:write'],
  ['GET', '/resources', 'resources:read'],
  ['GET', '/resources/{resource_id}', 'resources:read'],
  ['PATCH', '/resources/{resource_id}', 'resources:write'],
  ['DELETE', '/resources/{resource_id}', 'resources:write'],
  ['GET', '/keys', 'keys:read'],
  ['POST', '/keys/rotate', 'keys:write'],
  ['DELETE', '/keys/{kid}', 'keys:write'],
  ['GET', '/audit-events', 'audit:read'],
  ['GET', '/audit-events/export', 'audit:read'],
];

const challengeOf = (answer: Answer): string => answer.headers.get('www-authenticate') ?? '';

describe('every admin route is guarded', () => {
  let server: TestServer;
  let full: string;

  beforeAll(async () => {
    server = await TestServer.start();
    full = await server.driver.accessToken(ADMIN);
  });
  afterAll(() => server.stop());

  const call = (method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> =>
    server.driver.request(method, `/admin/v1${filled(path)}`, { headers, ...(method === 'GET' || method === 'HEAD' ? {} : { body: '{}' }) });
  const bearer = (token: string) => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' });
  const crawled = () => routesOf(server).filter(({ path }) => path.startsWith('/admin'));

  it('the router has the routes of the contract and no others', () => {
    const lines = (routes: { method: string; path: string }[]) => routes.map(({ method, path }) => `${method} ${path}`).sort();
    expect(lines(crawled())).toEqual(lines(CONTRACT.map(([method, path]) => ({ method, path: `/admin/v1${path}` }))));
  });

  it('every handler of an admin controller names the scope of the contract', () => {
    const key = Reflect.getMetadataKeys(decorated(RequiredScope('keys:read')))[0] as string;
    const reflector = new Reflector();
    const controllers = [...server.server.app.get(ModulesContainer).values()].flatMap((module) => [...module.controllers.values()].map(({ metatype }) => metatype as new () => object));
    const admin = controllers.filter((controller) => String(Reflect.getMetadata('path', controller)).startsWith('admin'));
    const handlers = admin.flatMap((controller) =>
      Object.values(Object.getOwnPropertyDescriptors(controller.prototype as object)).flatMap(({ value }) => (typeof value === 'function' && Reflect.hasMetadata('method', value as object) ? [value as () => void] : [])),
    );
    expect(handlers.map((handler) => reflector.get<string | undefined>(key, handler)).sort()).toEqual(CONTRACT.map(([, , scope]) => scope).sort());
  });

  it('a handler that names no scope is refused to a token that has every scope', async () => {
    class Forgetful {
      handle(): void {}
    }
    const req = { headers: { authorization: `Bearer ${full}` }, rawHeaders: ['Authorization', `Bearer ${full}`] };
    const handler = Object.getOwnPropertyDescriptor(Forgetful.prototype, 'handle')!.value as () => void;
    const guard = server.server.app.get(BearerGuard, { strict: false });
    await expect(guard.canActivate(new ExecutionContextHost([req, {}], Forgetful, handler))).rejects.toMatchObject({ status: 403 });
  });

  describe.each(CONTRACT)('%s %s', (method, path, scope) => {
    it('without a token: 401 with a challenge that names no error', async () => {
      const answer = await call(method, path);
      expectProblem(answer, 401);
      expect(challengeOf(answer)).toMatch(/^Bearer\b/);
      expect(challengeOf(answer)).not.toContain('error');
      expect(answer.headers.get('cache-control')).toBe('no-store');
    });

    it('with a token that is not one: 401 invalid_token', async () => {
      const answer = await call(method, path, bearer('eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2ln'));
      expectProblem(answer, 401);
      expect(challengeOf(answer)).toMatch(/^Bearer .*error="invalid_token"/);
    });

    it(`with every scope but ${scope}: 403 insufficient_scope that names it`, async () => {
      const others = Object.keys(ADMIN_SCOPES).filter((each) => each !== scope).join(' ');
      const answer = await call(method, path, bearer(await server.driver.accessToken(ADMIN, { scope: others })));
      expectProblem(answer, 403);
      expect(challengeOf(answer)).toMatch(new RegExp(`^Bearer .*error="insufficient_scope".*scope="${scope}"`));
    });

    it(`with ${scope} alone: not refused for want of rights`, async () => {
      const answer = await call(method, path, bearer(await server.driver.accessToken(ADMIN, { scope })));
      expect([200, 201, 204, 400, 404, 409]).toContain(answer.status);
    });
  });

  describe('tokens that are good elsewhere', () => {
    const tokens: Record<string, string> = {};

    beforeAll(async () => {
      const plain = await server.driver.registerClient({ scope: 'invoices:list' });
      await server.driver.registerResource({ identifier: 'https://api.example.com/ledger', scopes: [{ name: 'ledger:read' }] });
      const ledger = await server.driver.registerClient({ scope: 'ledger:read clients:read', default_scope: 'ledger:read' });
      tokens['no admin scope'] = await server.driver.accessToken(plain);
      tokens['another audience'] = await server.driver.accessToken(ledger);
    });

    it('a client token without an admin scope is 403 insufficient_scope on every route', async () => {
      for (const [method, path, scope] of CONTRACT) {
        const answer = await call(method, path, bearer(tokens['no admin scope']));
        expect([method, path, answer.status, challengeOf(answer)]).toEqual([method, path, 403, expect.stringMatching(new RegExp(`error="insufficient_scope".*scope="${scope}"`))]);
      }
    });

    it('a token for the audience of another resource is 401 on every route, whatever else its client may do', async () => {
      for (const [method, path] of CONTRACT) {
        const answer = await call(method, path, bearer(tokens['another audience']));
        expect([method, path, answer.status, challengeOf(answer)]).toEqual([method, path, 401, expect.stringContaining('error="invalid_token"')]);
      }
    });
  });

  describe('no user has rights here, whatever her client and her roles may do', () => {
    const everyScope = Object.keys(ADMIN_SCOPES).join(' ');
    const tokens: [name: string, token: () => string][] = [];
    let client: Credentials;
    let user: RegisteredUser;

    beforeAll(async () => {
      client = await server.driver.registerClient({ grant_types: ['password', 'refresh_token'], scope: `${everyScope} invoices:list` });
      user = await server.driver.registerUser({ username: 'margaret', roles: [...Object.keys(ADMIN_SCOPES), 'admin'] });
      const { accessToken: plain, refreshToken } = await server.driver.signIn(client, user);
      const { accessToken: refreshed } = await server.driver.refreshed(client, refreshToken);
      const { accessToken: forAdminApi } = await server.driver.signIn(client, user, { resource: `${server.issuer}/admin` });
      const opaque = await server.driver.registerClient({ grant_types: ['password'], scope: `${everyScope} invoices:list`, access_token_format: 'opaque' });
      const { accessToken: opaqueForAdminApi } = await server.driver.signIn(opaque, user, { resource: `${server.issuer}/admin` });
      const { header, claims } = decodeJwt(forAdminApi);
      const withScopes = signedJwt(header, { ...claims, scope: everyScope }, ownKey(server).privateKey);
      tokens.push(['of a sign-in', () => plain], ['of a refresh', () => refreshed], ['for the audience of the admin API', () => forAdminApi], ['opaque, for that audience', () => opaqueForAdminApi], ['that holds every admin scope all the same', () => withScopes]);
    });

    it('of a client’s admin scopes her token gets none: they are left out by default, and of what was asked for', async () => {
      expect((await server.driver.passwordGrant(client, user)).body['scope']).toBe('invoices:list');
      expect((await server.driver.passwordGrant(client, user, { scope: 'clients:read invoices:list' })).body['scope']).toBe('invoices:list');
      expect((await server.driver.passwordGrant(client, user, { resource: `${server.issuer}/admin` })).body['scope']).toBe('invoices:list');
    });

    it.each(Object.keys(ADMIN_SCOPES))('%s alone is refused to her: invalid_scope', async (scope) => {
      expect((await server.driver.passwordGrant(client, user, { scope })).body).toMatchObject({ error: 'invalid_scope' });
    });

    it('a client with admin scopes alone gets no token for her', async () => {
      const admin = await server.driver.registerClient({ grant_types: ['password'], scope: everyScope });
      expect((await server.driver.passwordGrant(admin, user)).body).toMatchObject({ error: 'invalid_scope' });
    });

    it('her tokens are live: it is not for want of that that they are refused', async () => {
      for (const [name, token] of tokens.filter(([each]) => !each.startsWith('opaque'))) expect([name, (await server.driver.introspect(client, token())).body['active']]).toEqual([name, true]);
    });

    it('each of her tokens is 403 insufficient_scope on every route', async () => {
      expect(tokens).toHaveLength(5);
      for (const [name, token] of tokens) {
        for (const [method, path] of CONTRACT) {
          const answer = await call(method, path, bearer(token()));
          expect([name, method, path, answer.status, challengeOf(answer)]).toEqual([name, method, path, 403, expect.stringContaining('error="insufficient_scope"')]);
        }
      }
    });
  });

  it('HEAD is guarded where GET is', async () => {
    for (const [, path] of CONTRACT.filter(([method]) => method === 'GET')) expect([path, (await call('HEAD', path)).status]).toEqual([path, 401]);
  });

  it.each([
    '//admin/v1/clients', '/admin//v1/clients', '/ADMIN/v1/clients', '/Admin/V1/Clients', '/admin%2fv1%2fclients', '/admin%2Fv1/clients', '/admin/..;/admin/v1/clients', '/admin;x=1/v1/clients',
    '/admin/v1/clients/', '/admin/v1/clients;x', '/%61dmin/v1/clients', '/admin/v1/%63lients', '/admin/v1/./clients', '/admin\\v1\\clients', '/admin/v1/clients%00', '/admin/v1/clients%3f', '/x/../admin/v1/clients',
  ])('the path trick %s does not get round the guard', async (path) => {
    const answer = await server.driver.raw(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 (400|401|404|405) /);
  });

  it.each(['X-HTTP-Method-Override', 'X-Method-Override', 'X-HTTP-Method'])('%s changes nothing', async (header) => {
    const reader = await server.driver.accessToken(ADMIN, { scope: 'clients:read' });
    const { clientId } = await server.driver.registerClient();
    expect((await server.driver.adminRequest('GET', `/clients/${clientId}`, undefined, { token: reader, headers: { [header]: 'DELETE' } })).status).toBe(200);
    expect((await server.driver.adminRequest('GET', `/clients/${clientId}`)).status).toBe(200);
  });

  it('a method that a path does not have is 405 with Allow', async () => {
    const answer = await server.driver.adminRequest('PATCH', '/clients', {});
    expectProblem(answer, 405);
    expect(answer.headers.get('allow')!.split(', ').sort()).toEqual(['GET', 'HEAD', 'POST']);
  });
});

describe('odd ids in a path are 404 or 400, never a failure', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server.stop());

  it.each([
    '%00', 'a%00', '%0d%0aX:%201', '[object%20Object]', 'undefined', 'null', '__proto__', 'constructor', '%2e%2e', '..%2f..%2fetc%2fpasswd', '%2f', 'a%2fb', '%ff', '%ED%A0%80', '%zz', '%', 'a%20', '%20a', '*', ';', "'%20OR%20'1'='1",
    '%F0%9F%92%A9', 'a'.repeat(129), 'a'.repeat(10_000), '%25%30%30', 'test-admin%20', 'TEST-ADMIN', 'test-admin%00', 'tést-admin', 'test%C2%ADadmin',
  ])('%# %.40s', async (id) => {
    for (const [method, path] of [['GET', ''], ['PATCH', ''], ['DELETE', ''], ['GET', '/secrets'], ['POST', '/secrets'], ['DELETE', '/secrets/x'], ['DELETE', '/tokens']] as const) {
      const answer = await server.driver.adminRequest(method, `/clients/${id}${path}`, method === 'PATCH' || method === 'POST' ? {} : undefined);
      expect([400, 404]).toContain(answer.status);
      expectProblem(answer, answer.status);
    }
    expect([400, 404]).toContain((await server.driver.adminRequest('PUT', `/clients/${id === 'undefined' || id === 'null' || id === 'constructor' || id === 'TEST-ADMIN' ? '%00' : id}`, {})).status);
    expect((await server.driver.token(ADMIN)).status).toBe(200);
  });
});

function decorated(decorator: MethodDecorator): object {
  const handle = (): void => {};
  decorator({}, 'handle', { value: handle });
  return handle;
}
