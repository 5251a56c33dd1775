import { ADMIN_SCOPES } from '../../../src/resources/admin-api.js';
import { createDatabase, describeOnEachDatabase, type TestDatabase } from '../../support/databases.js';
import { OAuthDriver } from '../../support/oauth-driver.js';
import { expectProblem } from '../../support/problems.js';
import { ADMIN, TestServer } from '../../support/test-server.js';

const EVERY_SCOPE = Object.keys(ADMIN_SCOPES).sort();
const NOT_CONFIGURED = { BOOTSTRAP_CLIENT_ID: '', BOOTSTRAP_CLIENT_SECRET: '' };

describeOnEachDatabase('the first admin client', (kind) => {
  let database: TestDatabase;
  let running: TestServer[];

  beforeEach(async () => {
    database = await createDatabase(kind);
    running = [];
  });
  afterEach(async () => {
    for (const server of running) await server.stop();
    await database.drop();
  });

  const start = async (env: Record<string, string> = {}) => {
    const server = await TestServer.start({ database, env });
    running.push(server);
    return server;
  };
  const stop = async () => {
    await running.pop()!.stop();
  };
  const fresh = async (server: TestServer) => (await server.server.ready()).fresh;
  const scopesOf = async (driver: OAuthDriver, credentials: typeof ADMIN) => ((await driver.token(credentials)).body['scope'] as string).split(' ').sort();

  describe('with BOOTSTRAP_CLIENT_ID and BOOTSTRAP_CLIENT_SECRET', () => {
    it('is that client, with every admin scope as its default, and nothing is told', async () => {
      const server = await start();
      expect(await scopesOf(server.driver, ADMIN)).toEqual(EVERY_SCOPE);
      expect(await fresh(server)).toBeUndefined();
      expect(server.logLines.join('\n')).not.toContain(ADMIN.clientSecret);
    });

    it('is left as it is by another start', async () => {
      const server = await start();
      await server.driver.adminRequest('PATCH', `/clients/${ADMIN.clientId}`, { client_name: 'Ours', scope: EVERY_SCOPE.filter((scope) => scope !== 'keys:write').join(' ') });
      const before = await server.driver.adminRequest('GET', `/clients/${ADMIN.clientId}`);
      await stop();
      const again = await start();
      const after = await again.driver.adminRequest('GET', `/clients/${ADMIN.clientId}`);
      expect([after.body, after.headers.get('etag')]).toEqual([before.body, before.headers.get('etag')]);
      expect((await again.driver.adminRequest<{ items: unknown[] }>('GET', `/clients/${ADMIN.clientId}/secrets`)).body.items).toHaveLength(1);
    });

    it('keeps its secret when the variable holds another one: that is used once', async () => {
      await start();
      await stop();
      const server = await start({ BOOTSTRAP_CLIENT_SECRET: 'another-secret-0123456789abcdef' });
      expect((await server.driver.token({ ...ADMIN, clientSecret: 'another-secret-0123456789abcdef' })).status).toBe(401);
      expect((await server.driver.token(ADMIN)).status).toBe(200);
    });

    it('a secret that was deleted is not brought back', async () => {
      const server = await start();
      const added = (await server.driver.adminRequest('POST', `/clients/${ADMIN.clientId}/secrets`, { previous_expires_in: 0 })).body['client_secret'] as string;
      await stop();
      const again = await start();
      expect((await again.driver.token(ADMIN)).status).toBe(401);
      expect((await again.driver.token({ ...ADMIN, clientSecret: added })).status).toBe(200);
    });

    describe('once another admin has deleted it', () => {
      const others = { clientId: 'second-admin', clientSecret: '' };

      /** With three instances that start at once. */
      const startWithout = async (env: Record<string, string> = {}) => {
        const server = await start();
        const { clientSecret } = await server.driver.registerClient({ client_id: others.clientId, scope: EVERY_SCOPE.join(' ') });
        const second = { ...others, clientSecret };
        const deleted = await new OAuthDriver(server.url, second).adminRequest('DELETE', `/clients/${ADMIN.clientId}`);
        expect(deleted.status).toBe(204);
        await stop();
        const servers = await Promise.all([start(env), start(env), start(env)]);
        return { servers, driver: new OAuthDriver(servers[0].url, second) };
      };

      it('no start of any instance makes it again, and the log says why', async () => {
        const { servers, driver } = await startWithout();
        for (const server of servers) expect((await server.driver.token(ADMIN)).status).toBe(401);
        expect((await driver.adminRequest('GET', `/clients/${ADMIN.clientId}`)).status).toBe(404);
        expect(servers[0].logLines.join('\n')).toContain('the client of BOOTSTRAP_CLIENT_ID was deleted and is not made again');
      });

      it('another secret does not bring it back', async () => {
        const clientSecret = 'another-secret-0123456789abcdef';
        const { servers } = await startWithout({ BOOTSTRAP_CLIENT_SECRET: clientSecret });
        expect((await servers[0].driver.token({ ...ADMIN, clientSecret })).status).toBe(401);
      });

      it('another id makes another admin', async () => {
        const { servers } = await startWithout({ BOOTSTRAP_CLIENT_ID: 'third-admin' });
        expect((await servers[0].driver.token({ ...ADMIN, clientId: 'third-admin' })).status).toBe(200);
      });

      it('an admin may register a client under its id', async () => {
        const { driver } = await startWithout();
        const again = await driver.registerClient({ client_id: ADMIN.clientId, scope: 'a' });
        expect((await driver.token(again)).body['scope']).toBe('a');
      });
    });

    it('an admin cannot be registered under its id: 409', async () => {
      expectProblem(await (await start()).driver.adminRequest('POST', '/clients', { client_id: ADMIN.clientId }), 409);
    });

    it('is made once when three instances start at once', async () => {
      const servers = await Promise.all([start(), start(), start()]);
      for (const { driver } of servers) expect((await driver.token(ADMIN)).status).toBe(200);
      const { items } = (await servers[0].driver.adminRequest<{ items: { client_id: string }[] }>('GET', '/clients')).body;
      expect(items.map((item) => item.client_id)).toEqual([ADMIN.clientId]);
      expect((await servers[0].driver.adminRequest<{ items: unknown[] }>('GET', `/clients/${ADMIN.clientId}/secrets`)).body.items).toHaveLength(1);
    });
  });

  describe('without them', () => {
    it('is made with a secret of 256 bits, which is told once and is nowhere else', async () => {
      const server = await start(NOT_CONFIGURED);
      const credentials = (await fresh(server))!;
      expect(credentials.clientSecret).toMatch(/^mg_cs_[A-Za-z0-9_-]{43}$/);
      expect(await scopesOf(server.driver, credentials)).toEqual(EVERY_SCOPE);
      expect(server.logLines.join('\n')).not.toContain(credentials.clientSecret.slice(6));
      await stop();
      const again = await start(NOT_CONFIGURED);
      expect(await fresh(again)).toBeUndefined();
      expect((await again.driver.token(credentials)).status).toBe(200);
      expect((await new OAuthDriver(again.url, credentials).adminRequest<{ items: unknown[] }>('GET', '/clients')).body.items).toHaveLength(1);
    });

    it('two installations do not share a secret', async () => {
      const first = (await fresh(await start(NOT_CONFIGURED)))!;
      const elsewhere = await TestServer.start({ kind, env: NOT_CONFIGURED });
      try {
        expect((await fresh(elsewhere))!.clientSecret).not.toBe(first.clientSecret);
        expect((await elsewhere.driver.token(first)).status).toBe(401);
      } finally {
        await elsewhere.stop();
      }
    });

    it('of three instances that start at once one tells credentials, and they work on each', async () => {
      const servers = await Promise.all([start(NOT_CONFIGURED), start(NOT_CONFIGURED), start(NOT_CONFIGURED)]);
      const told = (await Promise.all(servers.map(fresh))).filter((each) => each !== undefined);
      expect(told).toHaveLength(1);
      for (const { driver } of servers) expect((await driver.token(told[0])).status).toBe(200);
    });

    it('is not made where there is a client already', async () => {
      const server = await start();
      await server.driver.registerClient();
      await stop();
      expect(await fresh(await start(NOT_CONFIGURED))).toBeUndefined();
    });

    it.each([['admin', 'admin'], ['admin', ''], ['admin', 'password'], ['admin', 'changeme'], ['mintgate', 'mintgate'], ['root', 'root'], ['test', 'test']])('%s/%s is 401', async (clientId, clientSecret) => {
      const server = await start(NOT_CONFIGURED);
      expect((await server.driver.token({ clientId, clientSecret })).status).toBe(401);
      expect((await server.driver.form('/oauth/token', { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret })).status).toBe(401);
      expect((await server.driver.form('/oauth/token', { grant_type: 'client_credentials', client_id: clientId })).status).toBe(401);
    });
  });
});
