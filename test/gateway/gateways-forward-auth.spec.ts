import { connect } from 'node:net';
import { authorizationUrl, PKCE } from '../support/authorization-url.js';
import { Browser } from '../support/browser.js';
import { createMariadb, mariadbPort, type TestDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { commandsOf, GatewayExample } from '../support/gateway-example.js';
import { type Credentials, decodeJwt, OAuthDriver } from '../support/oauth-driver.js';
import { rawAnswer, type RawHeaders } from '../support/raw-http.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const CALLER = '127.0.0.2';
const LIAR = '203.0.113.9';
const CALLBACK = 'http://127.0.0.1:8080/callback';

/** All that may look like the word of a proxy. */
const SPOOFED: RawHeaders = [
  ['X-Forwarded-For', LIAR], ['X-Forwarded-Proto', 'http'], ['X-Forwarded-Host', 'evil.example'], ['X-Forwarded-Port', '666'], ['X-Forwarded-Prefix', '/evil'], ['X-Forwarded-Uri', '/evil'], ['X-Forwarded-Method', 'OPTIONS'],
  ['Forwarded', `for=${LIAR};host=evil.example;proto=http`], ['X-Real-IP', LIAR], ['X-Original-URI', '/evil'], ['X-Original-URL', '/evil'], ['X-Rewrite-URL', '/evil'],
];
const IMPOSTOR: RawHeaders = ['Client-Id', 'Subject', 'Scope', 'Roles', 'Token-Id'].flatMap((name): RawHeaders => [[`X-Auth-${name}`, 'root'], [`x-auth-${name.toLowerCase()}`, 'root'], [`X_Auth_${name.replace('-', '_')}`, 'root']]);

interface Seen {
  method: string;
  path: string;
  token: boolean;
  headers: Record<string, string>;
}

describe.each(['nginx', 'caddy'])('examples/gateway/%s, as its README runs it', (name) => {
  let example: GatewayExample;
  let url: string;
  let outside: OAuthDriver;
  let client: Credentials;
  let token: string;

  beforeAll(async () => {
    example = await GatewayExample.start(name);
    url = await example.from(CALLER);
    outside = new OAuthDriver(url, example.stage.adminClient);
    client = example.stage.client;
    token = await outside.accessToken(client, { scope: 'orders:read' });
  }, 60_000);
  afterAll(async () => {
    await example?.stop();
  });

  const bearer = (value = token): RawHeaders => [['Authorization', `Bearer ${value}`]];
  const ask = (path: string, headers: RawHeaders = [], method = 'GET', body = '') => rawAnswer(url.replace('localhost', '127.0.0.1'), method, path, [['Host', new URL(example.stage.origin).host], ...headers], body);
  const seen = async (...request: Parameters<typeof ask>): Promise<Seen> => {
    const answer = await ask(...request);
    expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
    return answer.body as unknown as Seen;
  };
  const identity = ({ headers }: Seen) => Object.fromEntries(Object.entries(headers).filter(([header, value]) => /^x[-_]auth[-_]/.test(header) && value !== ''));

  it('runs in two commands', () => {
    expect(commandsOf(name)).toEqual(['npm ci && npm run build', `node examples/gateway/${name}/run.mjs`]);
  });

  describe('the API', () => {
    it("hears who calls: a client for itself. The token stays at the gateway", async () => {
      const request = await seen('/api/orders?x=1', bearer());
      expect(request).toMatchObject({ method: 'GET', path: '/api/orders?x=1', token: false });
      expect(identity(request)).toEqual({ 'x-auth-client-id': client.clientId, 'x-auth-subject': client.clientId, 'x-auth-scope': 'orders:read', 'x-auth-token-id': decodeJwt(token).claims['jti'] });
    });

    it('hears who calls: a user who signed in at the pages behind the gateway', async () => {
      const end = await new Browser(url, example.stage.issuer).authorize(authorizationUrl(client, { scope: 'orders:read orders:write', redirect_uri: CALLBACK }), example.stage.user);
      expect(end.location?.href).toMatch(/^http:\/\/127\.0\.0\.1:8080\/callback\?/);
      expect(end.location!.searchParams.get('iss')).toBe(example.stage.issuer);
      const answer = await outside.redeem(client, { code: end.location!.searchParams.get('code')!, redirect_uri: CALLBACK, code_verifier: PKCE.verifier });
      const accessToken = answer.body['access_token'] as string;
      const { claims } = decodeJwt(accessToken);
      expect(claims).toMatchObject({ iss: example.stage.issuer, aud: 'https://api.example.com/orders' });
      expect(identity(await seen('/api/orders', bearer(accessToken)))).toMatchObject({ 'x-auth-subject': claims['sub'], 'x-auth-scope': 'orders:read orders:write', 'x-auth-roles': 'clerk night-shift' });
    });

    it('hears nothing of what the caller says of itself: neither identity nor address nor host', async () => {
      const [plain, spoofed] = [await seen('/api/orders', bearer()), await seen('/api/orders', [...SPOOFED, ...IMPOSTOR, ...bearer()])];
      expect(identity(spoofed)).toEqual(identity(plain));
      expect(spoofed.headers).toMatchObject({ 'x-forwarded-for': CALLER, 'x-forwarded-proto': 'https', 'x-forwarded-host': new URL(example.stage.origin).host });
      for (const header of ['forwarded', 'x-real-ip', 'x-forwarded-port', 'x-forwarded-prefix']) expect(spoofed.headers[header] ?? '').toBe('');
    });

    it('gets the body of a request that passed', async () => {
      expect(await seen('/api/orders', [['Content-Type', 'text/plain'], ...bearer()], 'POST', 'x'.repeat(100_000))).toMatchObject({ method: 'POST', headers: { 'content-length': '100000' } });
    });

    it('gets a preflight, and hears of no caller', async () => {
      const preflight = await seen('/api/orders', [['Origin', 'https://app.example'], ['Access-Control-Request-Method', 'GET'], ...SPOOFED, ...IMPOSTOR, ...bearer()], 'OPTIONS');
      expect(preflight).toMatchObject({ method: 'OPTIONS', path: '/api/orders', token: false });
      expect(identity(preflight)).toEqual({});
      expect(preflight.headers['x-forwarded-for']).toBe(CALLER);
    });
  });

  describe('no request passes', () => {
    it.each<[string, () => RawHeaders | Promise<RawHeaders>, number, RegExp]>([
      ['without a token', () => [], 401, /^Bearer realm="mintgate"$/],
      ['with nonsense for a token', () => bearer('x'), 401, /error="invalid_token"/],
      ['with a malformed header', () => [['Authorization', 'Bearer a b']], 401, /error="invalid_token"/],
      ['with an admin token', async () => bearer(await outside.accessToken(example.stage.adminClient)), 401, /error="invalid_token"/],
      ['without the scope', async () => bearer(await outside.accessToken(client, { scope: 'orders:write' })), 403, /error="insufficient_scope".*scope="orders:read"/],
    ])('%s', async (_, headers, status, challenge) => {
      for (const [path, method] of [['/api/orders', 'GET'], ['/api/orders?scope=orders:write&audience=x', 'POST'], ['/api/', 'DELETE'], ['/api/%2e%2e/api/orders', 'GET'], ['//api/orders', 'GET']]) {
        const answer = await ask(path, [...SPOOFED, ...IMPOSTOR, ...(await headers())], method);
        expect({ path, status: answer.status }).toEqual({ path, status });
        expect(answer.headers.get('www-authenticate')).toMatch(challenge);
        expect(answer.text).not.toContain('"method"');
      }
    });

    it('with two Authorization headers: 400', async () => {
      expect((await ask('/api/orders', [...bearer(), ...bearer('x')])).status).toBe(400);
    });

    it('with a token that was revoked, from that moment on', async () => {
      const other = await outside.accessToken(client, { scope: 'orders:read' });
      await seen('/api/orders', bearer(other));
      expect((await outside.revoke(client, other)).status).toBe(200);
      expect((await ask('/api/orders', bearer(other))).status).toBe(401);
      await seen('/api/orders', bearer());
    });
  });

  describe('Mintgate', () => {
    it.each(['/admin/v1/clients', '/health/ready', '/metrics', '/docs', '/openapi.json', '/gateway/verify', '/verify-orders-read', '/preflight/api/orders', '/x/admin/v1/clients', '//admin/v1/clients', '/%61dmin/v1/clients', '/ADMIN/v1/clients', '/oauth/../admin/v1/clients', '/oauth/%2e%2e/admin/v1/clients', '/.well-known/../admin/v1/clients', '/api/../admin/v1/clients', '/'])(
      'shows nothing of %s to the outside',
      async (path) => {
        const answer = await ask(path, bearer(await outside.accessToken(example.stage.adminClient)));
        expect(answer.status).toBe(404);
        expect([...answer.headers.keys()].filter((header) => header.startsWith('x-auth-'))).toEqual([]);
      },
    );

    it('names its own issuer, whatever the caller says of host and scheme', async () => {
      for (const path of ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']) {
        const answer = await ask(path, SPOOFED);
        expect(answer).toMatchObject({ status: 200, body: { issuer: example.stage.issuer, token_endpoint: `${example.stage.issuer}/oauth/token` } });
        expect(answer.text).not.toContain('evil');
      }
      const login = await ask(authorizationUrl(client, { redirect_uri: CALLBACK, scope: 'orders:read' }), SPOOFED);
      expect(login.headers.get('location')).toMatch(/^(https:\/\/localhost:\d+)?\/oauth\/authorize\//);
      expect([...login.headers].flat().join()).not.toMatch(/evil|666/);
      const other = await ask('/oauth/token', [...SPOOFED, ['Authorization', `Basic ${Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')}`], ['Content-Type', 'application/x-www-form-urlencoded']], 'POST', 'grant_type=client_credentials&scope=orders:read');
      expect(decodeJwt(other.body['access_token'] as string).claims['iss']).toBe(example.stage.issuer);
    });

    it("audits the caller's address, and none that the caller made up", async () => {
      const other = await outside.accessToken(client, { scope: 'orders:read' });
      const headers = Object.fromEntries(SPOOFED.map(([header, value]) => [header.toLowerCase(), value]));
      expect((await outside.form('/oauth/revoke', { token: other }, client, headers)).status).toBe(200);
      const events = await example.driver.adminRequest<{ items: { actor: { address: string } }[] }>('GET', '/audit-events?type=token.revoked&limit=1');
      expect(events.body.items[0].actor).toMatchObject({ client_id: client.clientId, address: CALLER });
    });
  });

  if (name === 'nginx') {
    it('limits how often one address may ask for tokens, and no other address suffers', async () => {
      const [flood, calm] = [await example.from('127.0.0.3'), new OAuthDriver(url, example.stage.adminClient)];
      const statuses = await Promise.all(Array.from({ length: 150 }, async () => (await fetch(`${flood}/oauth/token`, { method: 'POST' })).status));
      expect(new Set(statuses)).toContain(429);
      expect(statuses.filter((status) => status !== 429).length).toBeGreaterThanOrEqual(40);
      expect((await calm.token(client, { scope: 'orders:read' })).status).toBe(200);
    });
  }

  it('ends whole when it is told to', async () => {
    const ports = [example.port, ...example.stage.instances.map((instance) => Number(new URL(instance).port))];
    expect(await example.stop()).toBe(0);
    for (const port of ports) {
      await expect(new Promise((resolve, reject) => connect(port, '127.0.0.1', () => resolve('listens')).on('error', reject))).rejects.toThrow('ECONNREFUSED');
    }
  });
});

if (mariadbPort() !== undefined) {
  describe.each(['nginx', 'caddy'])('examples/gateway/%s with a path in the issuer, on MariaDB', (name) => {
    let database: TestDatabase;
    let proxy: TcpProxy;
    let example: GatewayExample;
    let origin: string;
    let issuer: OAuthDriver;

    beforeAll(async () => {
      database = await createMariadb();
      proxy = await TcpProxy.to(mariadbPort()!);
      example = await GatewayExample.start(name, { ISSUER_PATH: '/id', DATABASE_URL: database.url.replace(`:${mariadbPort()}/`, `:${proxy.port}/`) });
      origin = await example.from(CALLER);
      issuer = new OAuthDriver(`${origin}/id`, example.stage.adminClient);
    }, 60_000);
    afterAll(async () => {
      await example?.stop();
      await proxy?.close();
      await database?.drop();
    });

    it('serves what is below the path, and the metadata where RFC 8414 §3.1 looks for them', async () => {
      for (const path of ['/.well-known/oauth-authorization-server/id', '/id/.well-known/openid-configuration', '/id/.well-known/jwks.json']) expect((await fetch(origin + path)).status).toBe(200);
      for (const path of ['/id/admin/v1/clients', '/id/gateway/verify', '/id/metrics']) expect((await fetch(origin + path)).status).toBe(404);
      const token = await issuer.accessToken(example.stage.client, { scope: 'orders:read' });
      expect(decodeJwt(token).claims['iss']).toBe(`${example.stage.origin}/id`);
      expect((await fetch(`${origin}/api/orders`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
    });

    it('answers 503 with Retry-After, and no verdict, while Mintgate cannot tell (G19)', async () => {
      const token = await issuer.accessToken(example.stage.client, { scope: 'orders:read' });
      const ask = () => fetch(`${origin}/api/orders`, { headers: { authorization: `Bearer ${token}` } });
      expect((await ask()).status).toBe(200);
      await proxy.close();
      await eventually(async () => expect((await ask()).status).toBe(503));
      const answer = await ask();
      expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('www-authenticate')]).toEqual([503, expect.stringMatching(/^[1-9]\d*$/), null]);
      expect(await answer.text()).not.toContain('"method"');
    });
  });
}
