import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { createDatabase, describeOnOneDatabase, type TestDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { assertNoSecret } from '../support/leak-watch.js';
import { freePort } from '../support/mariadb.js';
import { basic, OAuthDriver } from '../support/oauth-driver.js';
import { type CollectedSpan, OtlpCollector } from '../support/otlp-collector.js';
import { SpawnedServer } from '../support/spawned-server.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { ADMIN, KEY_ENCRYPTION_KEY } from '../support/test-server.js';

const SETTINGS = { NODE_ENV: 'test', KEY_ENCRYPTION_KEY, BOOTSTRAP_CLIENT_ID: ADMIN.clientId, BOOTSTRAP_CLIENT_SECRET: ADMIN.clientSecret, SHUTDOWN_DRAIN_SECONDS: '0' };
/** Of the SDK: the tests do not wait five seconds for each batch. */
const AT_ONCE = { OTEL_BSP_SCHEDULE_DELAY: '50' };

async function spawn(env: Record<string, string>): Promise<{ server: SpawnedServer; driver: OAuthDriver }> {
  const server = await (await SpawnedServer.start({ env: { ...SETTINGS, ...env } })).ready();
  return { server, driver: new OAuthDriver(server.url, ADMIN) };
}

/** Ends it by SIGTERM and answers how, and in how many milliseconds. */
async function end(server: SpawnedServer): Promise<{ code: number | null; ms: number }> {
  const began = performance.now();
  server.kill('SIGTERM');
  return { code: (await server.exited).code, ms: performance.now() - began };
}

/** The names from the span up to the root of its trace. */
function path(span: CollectedSpan, spans: readonly CollectedSpan[]): string[] {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
  return [span.name, ...(parent ? path(parent, spans) : [])];
}

describeOnOneDatabase('tracing', (kind) => {
  let collector: OtlpCollector;
  let database: TestDatabase;
  let server: SpawnedServer;
  let driver: OAuthDriver;
  beforeAll(async () => {
    collector = await OtlpCollector.start();
    database = await createDatabase(kind);
    ({ server, driver } = await spawn({ ...AT_ONCE, DATABASE_URL: database.url, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=not%20for%20everybody', OTEL_SERVICE_NAME: 'id' }));
  }, 60_000);
  afterAll(async () => {
    await server.dispose();
    await collector.stop();
    await database.drop();
  });

  it('a password grant is one trace: request, client authentication beside the grant, in the grant the hash, and the transaction with its statements and the signature', async () => {
    const client = await driver.registerClient({ grant_types: ['password', 'refresh_token'], scope: 'read offline_access' });
    const user = await driver.registerUser({ username: 'margaret' });
    await driver.signIn(client, user);

    const spans = await collector.trace('password hashing').then(async () => {
      // Of the user's registration, the first hash; the second is that of the grant.
      const grant = await eventually(() => {
        const found = collector.spans.find(({ name, attributes }) => name === 'grant' && attributes['mintgate.grant_type'] === 'password');
        if (!found) throw new Error('no grant yet');
        return found;
      });
      return eventually(() => {
        const all = collector.spans.filter(({ traceId }) => traceId === grant.traceId);
        expect(all.filter((span) => span.kind === 'SERVER')).toHaveLength(1);
        return all;
      });
    });
    const request = ['request handler', 'POST /oauth/token'];
    const paths = spans.map((span) => path(span, spans));
    expect(paths).toEqual(
      expect.arrayContaining([
        ['POST /oauth/token'],
        ['client authentication', ...request],
        ['grant', ...request],
        ['password hashing', 'grant', ...request],
        ['database transaction', 'grant', ...request],
        // The token is made before the transaction commits, so that no error uses anything up.
        ['signing', 'database transaction', 'grant', ...request],
      ]),
    );
    for (const way of paths) expect(way.at(-1)).toBe('POST /oauth/token');

    const named = (name: string) => spans.find((span) => span.name === name)!;
    expect(named('POST /oauth/token')).toMatchObject({ parentSpanId: '', kind: 'SERVER', status: { code: 0 } });
    expect(named('POST /oauth/token').attributes).toEqual({ 'http.request.method': 'POST', 'http.response.status_code': 200, 'http.route': '/oauth/token', 'url.scheme': 'http', 'network.protocol.version': '1.1' });
    expect(named('client authentication').attributes).toEqual({ 'mintgate.client_authentication.method': 'client_secret_basic', 'mintgate.client_id': client.clientId });
    expect(named('grant').attributes).toEqual({ 'mintgate.grant_type': 'password' });
    expect(named('signing').attributes).toEqual({ 'mintgate.jwt.typ': 'at+jwt', 'mintgate.jwt.alg': 'ES256', 'mintgate.jwt.kid': expect.stringMatching(/^[\w-]{43}$/) as string });
    expect(named('password hashing').attributes).toEqual({ 'mintgate.password_hashing.waiting': expect.any(Number) as number });
    if (kind === 'MariaDB') {
      const statements = spans.filter(({ kind: spanKind }) => spanKind === 'CLIENT');
      expect(statements.map((span) => path(span, spans))).toEqual(expect.arrayContaining([['INSERT', 'database transaction', 'grant', ...request], ['COMMIT', 'database transaction', 'grant', ...request]]));
      for (const { attributes } of statements) {
        expect(attributes).toMatchObject({ 'db.system.name': 'mysql', 'server.address': '127.0.0.1' });
        expect(attributes['db.query.text']).not.toMatch(/['"]|\b\d+\b|margaret/);
      }
    }
    expect(collector.resource).toMatchObject({ 'service.name': 'id', 'service.instance.id': expect.stringMatching(/^\d+$/) as string });
    for (const { path: url, headers } of collector.requests) expect([url, headers['content-type'], headers['x-collector-key']]).toEqual(['/v1/traces', 'application/x-protobuf', 'not for everybody']);
  });

  it('a refusal tells its error code and no more, is no failure of the server, and its log line names the trace', async () => {
    const { status } = await driver.token({ clientId: 'nobody', clientSecret: 'wrong' }, { scope: 'read' });
    expect(status).toBe(401);
    const line = await eventually(() => {
      const found = server.log.find(({ msg, detail }) => msg === 'request refused' && detail === 'unknown client');
      if (!found) throw new Error('no line yet');
      return found;
    });
    const refused = await eventually(() => {
      const found = collector.spans.find(({ traceId, name }) => traceId === line['trace_id'] && name === 'client authentication');
      if (!found) throw new Error('no span yet');
      return found;
    });
    expect(refused).toMatchObject({ attributes: { 'mintgate.client_authentication.method': 'client_secret_basic', 'error.type': 'invalid_client' }, events: 0, status: { code: 0, message: '' } });
    expect(Object.keys(refused.attributes)).toHaveLength(2);
  });

  it('probes, and what the server does by itself, are in no trace', async () => {
    for (const probe of ['/health/live', '/health/ready', '/metrics']) await driver.request('GET', probe);
    const { traceId } = (await collectedRoute(collector, () => driver.request('GET', '/.well-known/jwks.json'), '/.well-known/jwks.json'))!;
    expect(traceId).toMatch(/^[\da-f]{32}$/);
    const roots = collector.spans.filter(({ parentSpanId }) => parentSpanId === '');
    expect(roots.map(({ kind: spanKind }) => spanKind)).toEqual(roots.map(() => 'SERVER'));
    expect(collector.spans.filter(({ attributes }) => /health|metrics/.test(String(attributes['http.route'])))).toEqual([]);
  });

  it('a traceparent of just anybody begins no trace under that id', async () => {
    const span = await collectedRoute(collector, () => driver.request('GET', '/.well-known/openid-configuration', { headers: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` } }), '/.well-known/openid-configuration');
    expect(span).toMatchObject({ parentSpanId: '' });
    expect(span!.traceId).not.toBe('a'.repeat(32));
  });

  it('neither the query, nor headers, nor what stands in a path in place of an id, nor a body gets into a trace', async () => {
    const secret = 'planted-7f1c3b9d5e';
    const headers = { authorization: basic({ clientId: secret, clientSecret: secret }), cookie: `mintgate_session=${secret}`, 'user-agent': secret, referer: `https://x.example/${secret}`, 'x-forwarded-for': secret, forwarded: `for=${secret}`, tracestate: `a=${secret}`, baggage: `a=${secret}` };
    const before = collector.spans.filter(({ kind: spanKind }) => spanKind === 'SERVER').length;
    const paths = [`/${secret}`, `/oauth/token/${secret}?client_secret=${secret}`, `/oauth/authorize?client_id=${secret}&state=${secret}&login_hint=${secret}`, `/admin/v1/clients/${secret}`, `/oauth/authorize/${secret}/login`];
    for (const url of paths) await driver.request('GET', url, { headers });
    await driver.form('/oauth/token', { grant_type: secret, code: secret, client_secret: secret, username: secret, password: secret }, undefined, headers);
    await eventually(() => expect(collector.spans.filter(({ kind: spanKind }) => spanKind === 'SERVER').length).toBeGreaterThanOrEqual(before + paths.length + 1));
    for (const { body } of collector.requests) {
      expect(body.includes(secret)).toBe(false);
      assertNoSecret('a trace', body.toString('latin1'));
    }
  });

  it('ends within bounds, and what was not sent yet is sent', async () => {
    await driver.request('GET', '/.well-known/oauth-authorization-server');
    expect(await end(server)).toMatchObject({ code: 0 });
    expect(collector.spans.some(({ attributes }) => attributes['http.route'] === '/.well-known/oauth-authorization-server')).toBe(true);
  });
});

/** The request's own span, once it has come. */
async function collectedRoute(collector: OtlpCollector, request: () => Promise<unknown>, route: string): Promise<CollectedSpan | undefined> {
  await request();
  return eventually(() => {
    const span = collector.spans.find(({ kind, attributes }) => kind === 'SERVER' && attributes['http.route'] === route);
    if (!span) throw new Error(`nothing of ${route}`);
    return span;
  });
}

describe('tracing, started otherwise', () => {
  const started: SpawnedServer[] = [];
  const collectors: OtlpCollector[] = [];
  const start = async (env: Record<string, string>) => {
    const { server, driver } = await spawn(env);
    started.push(server);
    return { server, driver };
  };
  afterEach(async () => {
    for (const server of started.splice(0)) await server.dispose();
    for (const collector of collectors.splice(0)) await collector.stop();
  });

  it('behind a proxy of TRUST_PROXY its traceparent decides, whatever the ratio; without one the ratio does', async () => {
    const collector = await OtlpCollector.start();
    collectors.push(collector);
    const { server, driver } = await start({ ...AT_ONCE, OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`, OTEL_TRACES_SAMPLER_ARG: '0', TRUST_PROXY: 'loopback' });
    const ask = (traceparent: string) => driver.request('GET', '/.well-known/jwks.json', { headers: { traceparent } });
    await ask(`00-${'a'.repeat(32)}-${'1'.repeat(16)}-00`);
    for (const malformed of [`00-${'b'.repeat(32)}-${'1'.repeat(16)}-01-x`, `ff-${'b'.repeat(32)}-${'1'.repeat(16)}-01`, `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`, `00-${'B'.repeat(32)}-${'1'.repeat(16)}-01`, 'x']) await ask(malformed);
    await driver.request('GET', '/.well-known/jwks.json');
    await ask(`00-${'c'.repeat(32)}-${'1'.repeat(16)}-01`);
    await ask(`01-${'d'.repeat(32)}-${'1'.repeat(16)}-01-of a later version`);
    expect(await end(server)).toMatchObject({ code: 0 });
    const roots = collector.spans.filter(({ kind }) => kind === 'SERVER');
    expect(roots.map(({ traceId, parentSpanId }) => [traceId, parentSpanId])).toEqual([['c'.repeat(32), '1'.repeat(16)], ['d'.repeat(32), '1'.repeat(16)]]);
  });

  it('a collector that is away, or takes and never answers, hurts no request, is told of once, and does not keep the server from ending', async () => {
    const silent = createServer((socket) => void socket.on('error', () => undefined).unref()).unref();
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    for (const port of [await freePort(), (silent.address() as AddressInfo).port]) {
      const { server, driver } = await start({ ...AT_ONCE, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
      for (let i = 0; i < 20; i++) expect((await driver.token(ADMIN)).status).toBe(200);
      const told = () => server.log.filter(({ msg }) => /collector/.test(String(msg)));
      await eventually(() => expect(told()).toHaveLength(1), { withinMs: 15_000 });
      expect(told()[0]).toMatchObject({ level: 'warn', msg: 'traces cannot be sent to the collector, and are dropped' });
      for (let i = 0; i < 20; i++) expect((await driver.token(ADMIN)).status).toBe(200);
      const { code, ms } = await end(server);
      expect(code).toBe(0);
      expect(ms).toBeLessThan(6000);
      expect(told()).toHaveLength(1);
      expect(server.stderr).toBe('');
    }
    silent.close();
  }, 60_000);

  it.each([
    ['off: nothing of the SDK and of its instrumentations is loaded', false],
    ['on: they are', true],
  ])('%s', async (_, on) => {
    const folder = mkdtempSync(join(temporaryFolder(), 'mintgate-tracing-'));
    const [hook, seen] = [join(folder, 'hook.cjs'), join(folder, 'loaded.txt')];
    writeFileSync(hook, `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(seen)}, Object.keys(require('node:module')._cache).join('\\n')));`);
    const { server } = await start({ NODE_OPTIONS: `--require ${hook}`, ...(on ? { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` } : {}) });
    expect(await end(server)).toMatchObject({ code: 0 });
    const loaded = readFileSync(seen, 'utf8');
    rmSync(folder, { recursive: true });
    expect(loaded).toContain('/express/');
    expect(/@opentelemetry\/(?:sdk-trace|exporter|instrumentation)|require-in-the-middle/.test(loaded)).toBe(on);
  });
});
