import { readFileSync } from 'node:fs';
import { Agent, METHODS, request } from 'node:http';
import { resolve } from 'node:path';
import { Metrics } from '../../../src/common/metrics/metrics.js';
import { Cleanup } from '../../../src/database/cleanup.js';
import { metricsReference } from '../../../src/metrics/reference.js';
import { createMariadb, databaseKinds, describeOnEachDatabase, describeOnOneDatabase, mariadbPort } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { basic, type Credentials, type RegisteredUser } from '../../support/oauth-driver.js';
import { Scrape } from '../../support/scrape.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { TestServer } from '../../support/test-server.js';

describeOnEachDatabase('GET /metrics', (kind) => {
  let server: TestServer;
  let client: Credentials;
  let user: RegisteredUser;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    client = await server.driver.registerClient({ scope: 'read', grant_types: ['client_credentials', 'password', 'refresh_token'] });
    user = await server.driver.registerUser({ username: 'margaret' });
  });
  afterAll(() => server.stop());

  /** What an action adds to a series. A request is counted when its answer has left, which may be a moment after it has arrived. */
  async function expectRise(action: () => Promise<unknown>, by: number, name: string, labels = '', withinMs = 5000): Promise<void> {
    const before = await Scrape.of(server.url);
    await action();
    await eventually(async () => expect((await Scrape.of(server.url)).rise(before, name, labels)).toBe(by), { withinMs });
  }

  it('is the text format of Prometheus, and is kept by no cache', async () => {
    const answer = await server.driver.request('GET', '/metrics');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.text).toMatch(/^# HELP mintgate_\w+ .+\n# TYPE mintgate_\w+ (counter|gauge|histogram)\nmintgate_/);
    expect(answer.text.endsWith('\n')).toBe(true);
  });

  describe('requests are counted', () => {
    it('by the template of their route, method and status', async () => {
      await expectRise(() => server.driver.adminRequest('GET', '/clients/nobody-has-this-id'), 1, 'mintgate_http_requests_total', 'method="GET",route="/admin/v1/clients/:client_id",status="404"');
    });

    it('as unrouted where no route is, and as other for a method that none has', async () => {
      await expectRise(() => server.driver.request('GET', '/no/such/path'), 1, 'mintgate_http_requests_total', 'method="GET",route="unrouted",status="404"');
      await expectRise(() => server.driver.request('PROPFIND', '/oauth/token'), 1, 'mintgate_http_requests_total', 'method="other",route="unrouted",status="405"');
    });

    it('with how long they took, in buckets that hold the smaller ones', async () => {
      await server.driver.accessToken(client);
      const scrape = await eventually(async () => {
        const now = await Scrape.of(server.url);
        expect(now.value('mintgate_http_request_duration_seconds_count', 'route="/oauth/token"')).toBeGreaterThan(0);
        return now;
      });
      const buckets = ['0.001', '0.0025', '0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '+Inf'].map((le) => scrape.value('mintgate_http_request_duration_seconds_bucket', `route="/oauth/token",le="${le}"`));
      expect(buckets).toEqual([...buckets].sort((one, other) => one - other));
      expect(buckets.at(-1)).toBe(scrape.value('mintgate_http_request_duration_seconds_count', 'route="/oauth/token"'));
    });

    it('as aborted when the caller hangs up before the answer', async () => {
      await expectRise(
        () =>
          new Promise<void>((done) => {
            const req = request(`${server.url}/oauth/token`, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '100' } });
            req.on('error', () => done()).on('socket', (socket) => socket.once('connect', () => setImmediate(() => req.destroy())));
            req.write('grant_type=');
          }),
        1,
        'mintgate_http_requests_total',
        'method="POST",route="/oauth/token",status="aborted"',
      );
    });
  });

  describe('token requests are counted by grant type and outcome', () => {
    it.each<[string, string, () => Promise<unknown>]>([
      ['success', 'client_credentials', () => server.driver.token(client)],
      ['invalid_scope', 'client_credentials', () => server.driver.token(client, { scope: 'write' })],
      ['invalid_client', 'client_credentials', () => server.driver.token({ ...client, clientSecret: 'wrong' })],
      ['invalid_grant', 'refresh_token', () => server.driver.refresh(client, 'mg_rt_nonsense')],
      ['unauthorized_client', 'authorization_code', () => server.driver.token(client, { grant_type: 'authorization_code' })],
      ['unsupported_grant_type', 'other', () => server.driver.token(client, { grant_type: 'urn:example:made-up' })],
      ['invalid_request', 'other', () => server.driver.request('POST', '/oauth/token', { headers: { 'content-type': 'application/json' }, body: '{}' })],
    ])('%s of %s', async (outcome, grant, action) => {
      await expectRise(action, 1, 'mintgate_token_requests_total', `grant="${grant}",outcome="${outcome}"`);
    });

    it('and the tokens that are issued by grant type and format', async () => {
      const opaque = await server.driver.registerClient({ access_token_format: 'opaque' });
      await expectRise(() => server.driver.token(opaque), 1, 'mintgate_tokens_issued_total', 'grant="client_credentials",format="opaque"');
      await expectRise(() => server.driver.signIn(client, user), 1, 'mintgate_tokens_issued_total', 'grant="password",format="jwt"');
    });
  });

  it.each<[string, string, () => Credentials]>([
    ['success', 'client_secret_basic', () => client],
    ['wrong_secret', 'client_secret_basic', () => ({ ...client, clientSecret: 'wrong' })],
    ['unknown_client', 'client_secret_basic', () => ({ clientId: 'nobody', clientSecret: 'x' })],
  ])('client authentication is counted with the real reason: %s', async (outcome, method, credentials) => {
    await expectRise(() => server.driver.introspect(credentials(), 'x'), 1, 'mintgate_client_authentications_total', `method="${method}",outcome="${outcome}"`);
  });

  it('introspections are counted by result', async () => {
    const token = await server.driver.accessToken(client);
    await expectRise(() => server.driver.introspect(client, token), 1, 'mintgate_introspections_total', 'result="active"');
    await expectRise(() => server.driver.introspect(client, 'x'), 1, 'mintgate_introspections_total', 'result="inactive"');
  });

  it('revocations are counted: of single tokens once each, of families by what ended them', async () => {
    const token = await server.driver.accessToken(client);
    await expectRise(() => server.driver.revoke(client, token), 1, 'mintgate_access_tokens_revoked_total', 'format="jwt"');
    await expectRise(() => server.driver.revoke(client, token), 0, 'mintgate_access_tokens_revoked_total', 'format="jwt"');
    const first = await server.driver.signIn(client, user);
    const second = await server.driver.refreshed(client, first.refreshToken);
    await server.driver.refreshed(client, second.refreshToken);
    await expectRise(() => server.driver.refresh(client, first.refreshToken), 1, 'mintgate_token_families_revoked_total', 'reason="refresh_token.reused"');
  });

  it('sign-ins are counted by outcome, and their hashes timed', async () => {
    const stranger = { username: 'stranger', password: 'not the password' };
    await expectRise(() => server.driver.signIn(client, user), 1, 'mintgate_sign_ins_total', 'outcome="success"');
    await expectRise(() => server.driver.passwordGrant(client, stranger), 1, 'mintgate_sign_ins_total', 'outcome="refused"');
    await expectRise(() => server.driver.passwordGrant(client, stranger), 1, 'mintgate_password_hash_duration_seconds_count');
    for (let guess = 0; guess < 20; guess++) await server.driver.passwordGrant(client, stranger);
    await expectRise(() => server.driver.passwordGrant(client, stranger), 1, 'mintgate_sign_ins_total', 'outcome="throttled"');
    expect((await Scrape.of(server.url)).value('mintgate_password_hashes_running')).toBe(0);
  });

  it('caches tell their hits, misses and size', async () => {
    const fresh = await server.driver.registerClient();
    await expectRise(() => server.driver.accessToken(fresh), 1, 'mintgate_cache_misses_total', 'cache="clients"');
    // The registration is in the change feed as well: until it was read there, it may drop the client from memory once more.
    await eventually(() => expectRise(() => server.driver.accessToken(fresh), 1, 'mintgate_cache_hits_total', 'cache="clients"', 0));
    expect((await Scrape.of(server.url)).value('mintgate_cache_entries', 'cache="clients"')).toBeGreaterThan(1);
  });

  it('the database tells its statements and connections', async () => {
    const before = await Scrape.of(server.url);
    await server.driver.registerClient();
    const after = await Scrape.of(server.url);
    expect(after.rise(before, 'mintgate_database_statement_duration_seconds_count')).toBeGreaterThan(2);
    expect(after.value('mintgate_database_connections_limit')).toBe(kind === 'SQLite' ? 1 : 10);
    expect(after.sum('mintgate_database_connections')).toBeGreaterThan(0);
    expect(after.value('mintgate_database_errors_total', 'class="other"')).toBe(0);
  });

  it('keys tell their status, age and time to rotation', async () => {
    const before = await Scrape.of(server.url);
    server.clock.advanceSeconds(3600);
    server.driver.renewAdminToken();
    const after = await Scrape.of(server.url);
    expect(after.value('mintgate_signing_keys', 'alg="ES256",status="active"')).toBe(1);
    expect(after.value('mintgate_signing_keys', 'alg="ES256",status="next"')).toBe(1);
    // The faked clock runs on by itself.
    expect(after.rise(before, 'mintgate_signing_key_age_seconds', 'alg="ES256"')).toBeCloseTo(3600, -2);
    expect(after.rise(before, 'mintgate_signing_key_rotation_in_seconds', 'alg="ES256"')).toBeCloseTo(-3600, -2);
  });

  it('the clean-up tells what it deleted and when, and what waits', async () => {
    const opaque = await server.driver.registerClient({ access_token_format: 'opaque', access_token_lifetime: 60 });
    await server.get(Cleanup).run();
    await server.driver.accessToken(opaque);
    server.clock.advanceSeconds(120);
    server.driver.renewAdminToken();
    await expectRise(() => server.get(Cleanup).run(), 1, 'mintgate_cleanup_deleted_rows_total', 'table="access_tokens"');
    const scrape = await Scrape.of(server.url);
    expect(scrape.value('mintgate_cleanup_last_success_timestamp_seconds')).toBeCloseTo(server.clock.nowMs() / 1000, -2);
    expect(scrape.value('mintgate_lease_acquisitions_total', 'lease="cleanup"')).toBeGreaterThanOrEqual(2);
    await eventually(async () => expect((await Scrape.of(server.url)).series).toContain('mintgate_cleanup_backlog_rows{table="access_tokens"}'));
    expect(scrape.series).toContain('mintgate_write_behind_pending{notes="grant_usage"}');
  });

  it('the process tells its version, its event loop and that it is in service', async () => {
    const scrape = await Scrape.of(server.url);
    expect(scrape.value('mintgate_build_info', `version="${(JSON.parse(readFileSync(resolve(__dirname, '../../../package.json'), 'utf8')) as { version: string }).version}",node="${process.version}"`)).toBe(1);
    expect(scrape.value('mintgate_ready')).toBe(1);
    expect(scrape.value('mintgate_draining')).toBe(0);
    expect(scrape.value('mintgate_workers')).toBe(1);
    expect(scrape.value('mintgate_change_feed_fresh')).toBe(1);
    // The faked clock may have jumped since the last look.
    await eventually(async () => expect((await Scrape.of(server.url)).value('mintgate_change_feed_lag_seconds')).toBeLessThan(1.5));
    expect(scrape.value('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
    expect(scrape.value('process_start_time_seconds')).toBeGreaterThan(1_700_000_000);
    expect(scrape.value('mintgate_event_loop_active_seconds_total')).toBeGreaterThan(0);
    expect(scrape.series).toContain('mintgate_event_loop_delay_seconds{percentile="99"}');
  });

  it('docs/reference/metrics.md is what the code says (npm run docs:generate)', () => {
    expect(readFileSync(resolve(__dirname, '../../../docs/reference/metrics.md'), 'utf8')).toBe(metricsReference(server.get(Metrics).definitions));
  });
});

describe('names and labels', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server.stop());

  it('follow the conventions of Prometheus: a prefix, base units, _total for counters and for nothing else', () => {
    for (const { name, type, help } of server.get(Metrics).definitions) {
      expect(name).toMatch(/^(mintgate|process)_[a-z]+(_[a-z]+)*$/);
      expect({ name, total: name.endsWith('_total') }).toEqual({ name, total: type === 'counter' });
      expect(name).not.toMatch(/_(ms|milliseconds|minutes|hours|kilobytes|percent)(_|$)/);
      expect(help).toMatch(/^[A-Z0-9].{5,}\.$/);
    }
  });

  it('no label is for what identifies somebody or is free text', () => {
    const labels = new Set(server.get(Metrics).definitions.flatMap(({ labels }) => Object.keys(labels)));
    for (const label of ['client', 'client_id', 'user', 'user_id', 'username', 'sub', 'address', 'ip', 'path', 'url', 'error', 'message', 'scope', 'kid', 'token']) expect(labels).not.toContain(label);
  });
});

describe('METRICS_TOKEN', () => {
  const TOKEN = 'scrape-token-0123456789';
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start({ env: { METRICS_TOKEN: TOKEN } });
  });
  afterAll(() => server.stop());

  const ask = (headers: Record<string, string>) => server.driver.request('GET', '/metrics', { headers });

  it('lets in who brings it as a bearer token', async () => {
    expect((await ask({ authorization: `Bearer ${TOKEN}` })).status).toBe(200);
  });

  it('RFC 6750 §3: without credentials 401, with a challenge that names no error', async () => {
    const answer = await ask({});
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="mintgate"');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.text).not.toContain('mintgate_');
  });

  it.each([`Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(0, -1)}`, `Bearer ${TOKEN.toUpperCase()}`, 'Bearer', 'Bearer x y'])('with others 401 invalid_token: %s', async (authorization) => {
    const answer = await ask({ authorization });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="mintgate", error="invalid_token"');
  });

  it('nor is an admin’s access token, or the token in the query, good for it', async () => {
    const admin = await server.driver.accessToken({ clientId: 'test-admin', clientSecret: 'test-admin-secret-0123456789abcdef' });
    expect((await ask({ authorization: `Bearer ${admin}` })).status).toBe(401);
    expect((await server.driver.request('GET', `/metrics?access_token=${TOKEN}`)).status).toBe(401);
  });
});

describeOnOneDatabase('S8: the number of series is bounded, and nothing of a caller is in them', (kind) => {
  const MARK = 'zqx';
  const COUNT = 10_000;
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  let server: TestServer;
  let client: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    client = await server.driver.registerClient({ scope: 'read', grant_types: ['client_credentials', 'refresh_token'] });
  });
  afterAll(async () => {
    agent.destroy();
    await server.stop();
  });

  const random = () => `${MARK}${Math.random().toString(36).slice(2)}`;
  const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();

  /** Each makes a request with something random wherever a caller may put it. */
  const SHAPES: (() => { path: string; authorization?: string; body?: string })[] = [
    () => ({ path: `/${random()}/${random()}` }),
    () => ({ path: `/oauth/token?${random()}=${random()}`, body: form({ grant_type: random(), client_id: random(), client_secret: random() }) }),
    () => ({ path: '/oauth/token', authorization: basic({ clientId: random(), clientSecret: random() }), body: form({ grant_type: 'client_credentials', [random()]: random() }) }),
    () => ({ path: '/oauth/token', authorization: basic(client), body: form({ grant_type: random() }) }),
    () => ({ path: '/oauth/token', authorization: basic(client), body: form({ grant_type: 'client_credentials', scope: random() }) }),
    () => ({ path: '/oauth/token', authorization: basic(client), body: form({ grant_type: 'client_credentials', resource: `https://${random()}.example` }) }),
    () => ({ path: '/oauth/token', authorization: basic(client), body: form({ grant_type: 'refresh_token', refresh_token: random() }) }),
    () => ({ path: '/oauth/introspect', authorization: basic(client), body: form({ token: random(), token_type_hint: random() }) }),
    () => ({ path: '/oauth/revoke', authorization: basic(client), body: form({ token: random() }) }),
    () => ({ path: `/oauth/authorize?client_id=${random()}&response_type=${random()}&state=${random()}` }),
    () => ({ path: `/oauth/authorize/${random()}/login` }),
    () => ({ path: `/admin/v1/clients/${random()}`, authorization: `Bearer ${random()}` }),
    () => ({ path: `/assets/${random()}.css` }),
    () => ({ path: `/health/${random()}` }),
    () => ({ path: `/gateway/verify?scope=${random()}`, authorization: `Bearer ${random()}` }),
  ];
  const ALL_METHODS = METHODS.filter((method) => method !== 'CONNECT');

  function send(shape: (typeof SHAPES)[number], method: string): Promise<void> {
    const { path, authorization, body } = shape();
    const headers = { 'user-agent': random(), 'x-request-id': random(), origin: `https://${random()}.example`, ...(authorization ? { authorization } : {}), ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }) };
    return new Promise((resolve, reject) => {
      request(`${server.url}${path}`, { method, agent, headers }, (res) => void res.resume().on('end', resolve).on('error', reject)).on('error', reject).end(method === 'POST' ? body : undefined);
    });
  }

  it(
    '10,000 random client ids, paths, methods, grant types and errors leave it as it was after one of each kind',
    async () => {
      for (const shape of SHAPES) await Promise.all(ALL_METHODS.map((method) => send(shape, method)));
      // The first scrape counts itself only for the next one, and begins to count what waits in the database.
      await Scrape.of(server.url);
      const before = await eventually(async () => {
        const scrape = await Scrape.of(server.url);
        expect(scrape.series).toContain('mintgate_backchannel_logouts_pending');
        return scrape;
      });

      let sent = 0;
      const sender = async () => {
        while (sent < COUNT) {
          const n = sent++;
          await send(SHAPES[n % SHAPES.length], n % 3 === 0 ? ALL_METHODS[Math.floor(Math.random() * ALL_METHODS.length)] : 'POST');
        }
      };
      await Promise.all(Array.from({ length: 32 }, sender));

      const after = await eventually(async () => {
        const scrape = await Scrape.of(server.url);
        expect(scrape.sum('mintgate_http_requests_total') - before.sum('mintgate_http_requests_total')).toBeGreaterThanOrEqual(COUNT);
        return scrape;
      });
      expect(after.series).toEqual(before.series);
      expect(after.text).not.toContain(MARK);
      expect(after.text).not.toContain(client.clientId);
      expect(after.text).not.toContain('127.0.0.1');
    },
    120_000,
  );
});

describe('while the database is away', () => {
  it('from the start: a scrape is answered, and says that the server is not ready', async () => {
    const nowhere = { url: 'mariadb://nobody:nothing@127.0.0.1:1/none', sql: () => Promise.reject(new Error('away')), drop: async () => undefined };
    const server = await TestServer.start({ database: nowhere, withoutReady: true });
    try {
      const scrape = await Scrape.of(server.url);
      expect(scrape.series).toContain('mintgate_ready');
      expect(scrape.value('mintgate_ready')).toBe(0);
      expect(scrape.value('mintgate_change_feed_fresh')).toBe(0);
      expect(scrape.series).not.toContain('mintgate_change_feed_lag_seconds');
      expect(scrape.series).not.toContain('mintgate_backchannel_logouts_pending');
    } finally {
      await server.stop();
    }
  });

  describe.each(databaseKinds().filter((kind) => kind === 'MariaDB'))('later, without a word (%s)', () => {
    it('a scrape is answered at once, counts what failed, and says when all is well again', async () => {
      const database = await createMariadb();
      const proxy = await TcpProxy.to(mariadbPort()!);
      const server = await TestServer.start({ database: { ...database, url: database.url.replace(`:${mariadbPort()}/`, `:${proxy.port}/`) }, env: { DATABASE_DEADLINE_MS: '500' } });
      try {
        proxy.blackhole = true;
        await eventually(async () => {
          const began = performance.now();
          const scrape = await Scrape.of(server.url);
          expect(performance.now() - began).toBeLessThan(400);
          expect(scrape.value('mintgate_database_errors_total', 'class="deadline"')).toBeGreaterThan(0);
          expect(scrape.value('mintgate_ready')).toBe(0);
        }, { withinMs: 10_000 });
        proxy.blackhole = false;
        proxy.reset();
        await eventually(async () => expect((await Scrape.of(server.url)).value('mintgate_ready')).toBe(1), { withinMs: 10_000 });
      } finally {
        await server.stop();
        await proxy.close();
        await database.drop();
      }
    });
  });
});
