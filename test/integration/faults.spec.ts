import type { Connection } from 'mysql2/promise';
import { connectTo, mariadbPort, type TestDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { type Answer, type Credentials, OAuthDriver } from '../support/oauth-driver.js';
import { PrivateMariadb } from '../support/private-mariadb.js';
import { SpawnedServer } from '../support/spawned-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { ADMIN, KEY_ENCRYPTION_KEY, TestServer } from '../support/test-server.js';

const RECOVERY_MS = 5000;
const ANSWER_MS = 3000;

interface Timed extends Answer {
  what: string;
  ms: number;
}

/** What clients do all day, against one server. */
class Clients {
  jwt!: Credentials;
  opaque!: Credentials;
  jwtToken!: string;
  opaqueToken!: string;

  private stopped = false;

  private constructor(private readonly server: TestServer) {}

  static async of(server: TestServer): Promise<Clients> {
    const clients = new Clients(server);
    clients.jwt = await server.driver.registerClient({ scope: 'a' });
    clients.opaque = await server.driver.registerClient({ scope: 'a', access_token_format: 'opaque' });
    clients.jwtToken = await server.driver.accessToken(clients.jwt);
    clients.opaqueToken = await server.driver.accessToken(clients.opaque);
    return clients;
  }

  async timed(what: string, request: Promise<Answer>): Promise<Timed> {
    const began = performance.now();
    const answer = await request;
    return { ...answer, what, ms: performance.now() - began };
  }

  /** One of each request that needs a database to be answered rightly; none of them changes what the others see. */
  each(): Promise<Timed[]> {
    const { driver } = this.server;
    return Promise.all([
      this.timed('token jwt', driver.token(this.jwt)),
      this.timed('token opaque', driver.token(this.opaque)),
      this.timed('introspect jwt', driver.introspect(this.jwt, this.jwtToken)),
      this.timed('introspect opaque', driver.introspect(this.opaque, this.opaqueToken)),
      this.timed('token unknown client', driver.token({ clientId: `unknown-${Math.random()}`, clientSecret: 'x' })),
      this.timed('admin', driver.adminRequest('GET', '/clients')),
    ]);
  }

  revokes(): Promise<Timed[]> {
    const { driver } = this.server;
    return Promise.all([this.timed('revoke jwt', driver.revoke(this.jwt, this.jwtToken)), this.timed('revoke opaque', driver.revoke(this.opaque, this.opaqueToken))]);
  }

  /** Asks from several sides, all of which have been answered once when this returns, until it is told to stop; that answers all that they were answered since. */
  async load(parallel = 4): Promise<{ stop: () => Promise<Timed[]> }> {
    await Promise.all(Array.from({ length: parallel }, () => this.each()));
    const answers: Timed[] = [];
    const loops = Array.from({ length: parallel }, async () => {
      while (!this.stopped) answers.push(...(await this.each()));
    });
    return {
      stop: async () => {
        this.stopped = true;
        await Promise.all(loops);
        return answers;
      },
    };
  }

  /** Ends what load there still is. */
  stop(): void {
    this.stopped = true;
  }
}

/** Either the right answer, or that there is none now. Never a wrong verdict. */
function expectRightOrUnavailable(answers: Timed[]): void {
  const wrong = answers.filter(({ what, status, body }) => {
    if (status === 503) return false;
    if (what === 'token unknown client') return status !== 401;
    return status !== 200 || (what.startsWith('introspect') && body['active'] !== true);
  });
  expect(wrong.map(({ what, status, text }) => ({ what, status, text }))).toEqual([]);
  expect(answers.filter(({ ms }) => ms > ANSWER_MS).map(({ what, ms }) => `${what}: ${Math.round(ms)} ms`)).toEqual([]);
}

function expectUnavailable(answers: Timed[]): void {
  for (const { what, status, headers, body, text } of answers) {
    expect({ what, status }).toEqual({ what, status: 503 });
    expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(text).not.toMatch(/select|insert|ECONN|mysql|maria|\bat \//i);
    if (what === 'admin') expect(body).toMatchObject({ status: 503, title: 'Service Unavailable' });
    else {
      expect(body).toMatchObject({ error: 'temporarily_unavailable' });
      expect(Object.keys(body)).toEqual(['error', 'error_description']);
    }
  }
}

async function expectAliveFromMemory({ driver }: TestServer): Promise<void> {
  for (const path of ['/.well-known/jwks.json', '/.well-known/oauth-authorization-server', '/health/live']) {
    const began = performance.now();
    expect({ path, status: (await driver.request('GET', path)).status }).toEqual({ path, status: 200 });
    expect(performance.now() - began).toBeLessThan(1000);
  }
  expect((await driver.request('GET', '/health/ready')).status).toBe(503);
}

/** Served again without a restart: everything is 200, and the 401 for who is unknown is back too. */
async function expectRecovered({ driver }: TestServer, clients: Clients): Promise<void> {
  await eventually(async () => expect((await driver.request('GET', '/health/ready')).status).toBe(200), { withinMs: RECOVERY_MS });
  await eventually(async () => expect((await clients.each()).map(({ status }) => status)).toEqual([200, 200, 200, 200, 401, 200]), { withinMs: RECOVERY_MS });
}

if (mariadbPort() === undefined) {
  it('MariaDB is not installed, so nothing is known about its outages: CI must install it', () => {
    expect(process.env['CI']).not.toBe('true');
  });
} else {
  describe('a MariaDB that fails', () => {
    let mariadb: PrivateMariadb;

    beforeAll(async () => {
      mariadb = await PrivateMariadb.start();
    }, 60_000);
    afterAll(() => mariadb.remove());

    describe('down when the server starts', () => {
      it('leaves it alive and not ready, with 503 for whoever asks, and it serves within 5 seconds of its return', async () => {
        const database = await mariadb.createDatabase();
        await mariadb.crash();
        const server = await TestServer.start({ database, withoutReady: true });
        try {
          const { driver } = server;
          const someone = { clientId: 'someone', clientSecret: 'secret' };
          expect((await driver.request('GET', '/health/live')).status).toBe(200);
          expect((await driver.request('GET', '/health/ready')).status).toBe(503);
          for (const answer of [await driver.token(someone), await driver.introspect(someone, 'x'), await driver.revoke(someone, 'x'), await driver.token(undefined, { client_id: 'public' })]) {
            expect({ status: answer.status, error: answer.body['error'] }).toEqual({ status: 503, error: 'temporarily_unavailable' });
            expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
          }
          // Another instance may have signed it, by a key that is not loaded here yet.
          const token = [{ alg: 'ES256', typ: 'at+jwt', kid: 'of-another-instance' }, {}].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.') + '.c2lnbmF0dXJl';
          for (const path of ['/admin/v1/clients', '/oauth/userinfo', '/gateway/verify']) expect([path, (await driver.request('GET', path, { headers: { authorization: `Bearer ${token}` } })).status]).toEqual([path, 503]);
          const jwks = await driver.request('GET', '/.well-known/jwks.json');
          expect(jwks.status).toBe(503);
          expect(jwks.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
          expect(jwks.headers.get('cache-control')).toBe('no-store');

          await mariadb.restart();
          await eventually(async () => expect((await driver.request('GET', '/health/ready')).status).toBe(200), { withinMs: RECOVERY_MS });
          expect((await driver.request('GET', '/.well-known/jwks.json')).status).toBe(200);
          await driver.registerClient();
        } finally {
          await server.stop();
          await database.drop();
        }
      }, 60_000);
    });

    describe('while the server serves', () => {
      let server: TestServer;
      let clients: Clients;
      let database: TestDatabase;

      beforeEach(async () => {
        database = await mariadb.createDatabase();
        server = await TestServer.start({ database });
        clients = await Clients.of(server);
      });
      afterEach(async () => {
        clients.stop();
        await server.stop();
        await database.drop();
      });

      it('killed: 503 with Retry-After and never a verdict, what is in memory is still served, and all is well within 5 seconds of its return', async () => {
        const load = await clients.load();
        await eventually(async () => expect((await clients.each()).map(({ status }) => status)).toEqual([200, 200, 200, 200, 401, 200]));
        await mariadb.crash();
        await eventually(async () => expect((await clients.each()).map(({ status }) => status)).toEqual(Array(6).fill(503)));
        expectUnavailable([...(await clients.each()), ...(await clients.revokes())]);
        await expectAliveFromMemory(server);
        await mariadb.restart();
        await expectRecovered(server, clients);
        expectRightOrUnavailable(await load.stop());
        expect((await clients.revokes()).map(({ status }) => status)).toEqual([200, 200]);
        expect((await server.driver.introspect(clients.jwt, clients.jwtToken)).body).toEqual({ active: false });
        expect((await server.driver.introspect(clients.opaque, clients.opaqueToken)).body).toEqual({ active: false });
      }, 60_000);

      it('killed while tokens are revoked: those that were answered 200 are dead after its return, the others can be revoked then', async () => {
        const { driver } = server;
        const tokens = await Promise.all(Array.from({ length: 60 }, (_, i) => driver.accessToken(i % 2 ? clients.opaque : clients.jwt)));
        const revoking = tokens.map(async (token, i) => {
          await new Promise((resolve) => setTimeout(resolve, i * 10));
          return (await driver.revoke(i % 2 ? clients.opaque : clients.jwt, token)).status;
        });
        await Promise.all(revoking.slice(0, 15));
        await mariadb.crash();
        const statuses = await Promise.all(revoking);
        expect(new Set(statuses)).toEqual(new Set([200, 503]));
        await mariadb.restart();
        await expectRecovered(server, clients);
        const fresh = await TestServer.start({ database, issuer: server.issuer });
        try {
          for (const [i, token] of tokens.entries()) {
            const owner = i % 2 ? clients.opaque : clients.jwt;
            for (const each of [driver, fresh.driver]) if (statuses[i] === 200) expect((await each.introspect(owner, token)).body).toEqual({ active: false });
            expect((await driver.revoke(owner, token)).status).toBe(200);
            expect((await driver.introspect(owner, token)).body).toEqual({ active: false });
          }
        } finally {
          await fresh.stop();
        }
      }, 60_000);

      it('frozen: every answer comes within 3 seconds, and all is well within 5 seconds of its thaw', async () => {
        const load = await clients.load(10);
        await eventually(async () => expect((await clients.each()).map(({ status }) => status)).toEqual([200, 200, 200, 200, 401, 200]));
        mariadb.freeze();
        try {
          await eventually(async () => expect((await clients.each()).map(({ status }) => status)).toEqual(Array(6).fill(503)), { withinMs: 10_000 });
          const answers = [...(await clients.each()), ...(await clients.revokes())];
          expectUnavailable(answers);
          expectRightOrUnavailable(answers);
          await expectAliveFromMemory(server);
        } finally {
          mariadb.thaw();
        }
        await expectRecovered(server, clients);
        expectRightOrUnavailable(await load.stop());
      }, 60_000);

      it('that loses every connection at once: right answers or 503 only, and all is well at once', async () => {
        const load = await clients.load();
        for (let round = 0; round < 3; round++) {
          const mine = (await mariadb.asRoot(`SELECT id FROM information_schema.processlist WHERE user = '${new URL(database.url).username}'`)) as { id: number }[];
          for (const { id } of mine) await mariadb.asRoot(`KILL ${id}`).catch(() => undefined);
          await expectRecovered(server, clients);
        }
        expectRightOrUnavailable(await load.stop());
      }, 60_000);

      it('without a connection to spare: 503, and all is well within 5 seconds of there being some', async () => {
        const hogs: Connection[] = [];
        const { username } = new URL(database.url);
        await mariadb.asRoot('SET GLOBAL max_connections = 20');
        try {
          const takeAll = async () => {
            try {
              for (;;) hogs.push(await connectTo(new URL('/', database.url).href));
            } catch (error) {
              if ((error as { errno?: number }).errno !== 1040) throw error;
            }
          };
          const held = async () => (await mariadb.asRoot(`SELECT id FROM information_schema.processlist WHERE db = '${username}'`)) as { id: number }[];
          await eventually(async () => {
            await takeAll();
            for (const { id } of await held()) await mariadb.asRoot(`KILL ${id}`).catch(() => undefined);
            await takeAll();
            expect(await held()).toEqual([]);
          }, { withinMs: 15_000 });
          await eventually(async () => expectUnavailable(await clients.each()));
          expectUnavailable(await clients.revokes());
          await expectAliveFromMemory(server);
        } finally {
          for (const hog of hogs) hog.destroy();
          await mariadb.asRoot('SET GLOBAL max_connections = 400');
        }
        await expectRecovered(server, clients);
      }, 60_000);
    });

    it('read-only: what only reads goes on, what writes is 503, and writes work as soon as it is writable again', async () => {
      const database = await mariadb.createDatabase();
      const server = await TestServer.start({ database });
      try {
        const { driver } = server;
        const clients = await Clients.of(server);
        await mariadb.asRoot('SET GLOBAL read_only = 1');
        expect(Object.fromEntries((await clients.each()).map(({ what, status }) => [what, status]))).toEqual({
          'token jwt': 200, 'token opaque': 503, 'introspect jwt': 200, 'introspect opaque': 200, 'token unknown client': 401, admin: 200,
        });
        expect((await driver.introspect(clients.opaque, clients.opaqueToken)).body).toMatchObject({ active: true });
        expect((await driver.introspect(clients.jwt, clients.jwtToken)).body).toMatchObject({ active: true });
        expectUnavailable(await clients.revokes());
        const created = await driver.adminRequest('POST', '/clients', {});
        expect({ status: created.status, retryAfter: created.headers.get('retry-after') }).toEqual({ status: 503, retryAfter: '1' });
        expect((await driver.introspect(clients.jwt, clients.jwtToken)).body).toMatchObject({ active: true });
        await new Promise((resolve) => setTimeout(resolve, 2000));
        expect((await driver.token(clients.jwt)).status).toBe(200);
        const readiness = async () => (await driver.request('GET', '/health/ready')).status;
        await eventually(async () => expect(await readiness()).toBe(503), { withinMs: 2000 });
        await mariadb.asRoot('SET GLOBAL read_only = 0');
        await eventually(async () => expect(await readiness()).toBe(200), { withinMs: 2000 });
        expect((await clients.revokes()).map(({ status }) => status)).toEqual([200, 200]);
        expect((await clients.each()).map(({ what, status, body }) => (what.startsWith('introspect') ? body : status))).toEqual([200, 200, { active: false }, { active: false }, 401, 200]);
      } finally {
        await mariadb.asRoot('SET GLOBAL read_only = 0');
        await server.stop();
        await database.drop();
      }
    }, 60_000);

    describe('behind a network that fails', () => {
      let proxy: TcpProxy;
      let server: TestServer;
      let clients: Clients;
      let database: TestDatabase;

      beforeEach(async () => {
        database = await mariadb.createDatabase();
        proxy = await TcpProxy.to(mariadb.port);
        server = await TestServer.start({ database: { ...database, url: database.url.replace(`:${mariadb.port}/`, `:${proxy.port}/`) } });
        clients = await Clients.of(server);
      });
      afterEach(async () => {
        clients.stop();
        await server.stop();
        await proxy.close();
        await database.drop();
      });

      it('slow by 100 ms: all is answered rightly', async () => {
        proxy.delayMs = 100;
        const statuses = (await Promise.all([clients.each(), clients.each(), clients.each()])).flat().map(({ status }) => status);
        expect(statuses).toEqual([200, 200, 200, 200, 401, 200, 200, 200, 200, 200, 401, 200, 200, 200, 200, 200, 401, 200]);
      });

      it.each<[string, (proxy: TcpProxy) => void, (proxy: TcpProxy) => void]>([
        ['slow by 5 seconds', (each) => (each.delayMs = 5000), (each) => (each.delayMs = 0)],
        ['that swallows everything and resets nothing', (each) => (each.blackhole = true), (each) => (each.blackhole = false)],
      ])('%s: every answer comes within 3 seconds, and all is well within 5 seconds of its end', async (_, begin, stop) => {
        const load = await clients.load(5);
        begin(proxy);
        await eventually(async () => expectUnavailable(await clients.each()), { withinMs: 10_000 });
        expectUnavailable(await clients.revokes());
        await expectAliveFromMemory(server);
        stop(proxy);
        await expectRecovered(server, clients);
        expectRightOrUnavailable(await load.stop());
        await eventually(() => expect(proxy.connections).toBeLessThanOrEqual(10 + 1), { withinMs: 10_000 });
      }, 60_000);

      it('in every one of these ways: the process lives through it and says nothing on standard error', async () => {
        const spawned = await SpawnedServer.start({ env: { DATABASE_URL: database.url.replace(`:${mariadb.port}/`, `:${proxy.port}/`), KEY_ENCRYPTION_KEY, ISSUER: server.issuer } });
        const driver = new OAuthDriver(spawned.url, ADMIN);
        const burst = () => Promise.all(Array.from({ length: 12 }, (_, i) => driver.token(i % 3 ? clients.opaque : { clientId: `unknown-${i}-${Math.random()}`, clientSecret: 'x' })));
        const recovered = () => eventually(async () => expect(new Set((await burst()).map(({ status }) => status))).toEqual(new Set([200, 401])), { withinMs: 8000 });
        try {
          await spawned.ready();
          for (const fail of [() => (proxy.delayMs = 5000), () => (proxy.blackhole = true), () => proxy.reset()]) {
            await recovered();
            fail();
            for (const until = performance.now() + 6000; performance.now() < until && spawned.running; ) await burst();
            Object.assign(proxy, { delayMs: 0, blackhole: false });
            expect({ running: spawned.running, stderr: spawned.stderr }).toEqual({ running: true, stderr: '' });
          }
          await recovered();
          expect(spawned.log.filter(({ msg }) => msg === 'unhandled rejection')).toEqual([]);
        } finally {
          await spawned.dispose();
        }
      }, 90_000);

      it.each<[string, (proxy: TcpProxy) => void]>([
        ['slow by 5 seconds', (each) => (each.delayMs = 5000)],
        ['silent', (each) => (each.blackhole = true)],
      ])('%s when SIGTERM comes: the process ends promptly with status 0', async (_, fail) => {
        const spawned = await SpawnedServer.start({ env: { DATABASE_URL: database.url.replace(`:${mariadb.port}/`, `:${proxy.port}/`), KEY_ENCRYPTION_KEY, ISSUER: server.issuer, SHUTDOWN_DRAIN_SECONDS: '0' } });
        const driver = new OAuthDriver(spawned.url, ADMIN);
        try {
          await spawned.ready();
          fail(proxy);
          const burst = Array.from({ length: 20 }, (_each, i) => driver.token({ clientId: `unknown-${i}`, clientSecret: 'x' }));
          await Promise.all(burst);
          const began = performance.now();
          spawned.kill('SIGTERM');
          expect(await spawned.exited).toEqual({ code: 0, signal: null });
          expect(performance.now() - began).toBeLessThan(8000);
          expect(spawned.stderr).toBe('');
          expect(spawned.log.filter(({ msg }) => msg === 'unhandled rejection')).toEqual([]);
        } finally {
          await spawned.dispose();
        }
      }, 60_000);

      it('that resets connections again and again: right answers or 503 only', async () => {
        const load = await clients.load();
        for (let i = 0; i < 10; i++) {
          await clients.each();
          proxy.reset();
        }
        await expectRecovered(server, clients);
        expectRightOrUnavailable(await load.stop());
      }, 60_000);
    });
  });
}
