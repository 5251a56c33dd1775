import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { authorizationUrl, PKCE } from '../support/authorization-url.js';
import { Browser } from '../support/browser.js';
import { createMariadb, mariadbPort, type TestDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { segment, signature, signedJwt } from '../support/forged-tokens.js';
import { commandsOf, GatewayExample } from '../support/gateway-example.js';
import { freePort } from '../support/mariadb.js';
import { type Credentials, decodeJwt, OAuthDriver } from '../support/oauth-driver.js';
import { rawAnswer, type RawAnswer, type RawHeaders } from '../support/raw-http.js';
import { selfSignedCertificate } from '../support/self-signed-certificate.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { TlsClient } from '../support/tls-client.js';

const EXAMPLES = resolve(__dirname, '../../examples/gateway');
const AUDIENCE = 'https://api.example.com/orders';
const CALLBACK = 'http://127.0.0.1:8080/callback';
const CALLER = '127.0.0.2';
const LIAR = '203.0.113.9';

/** All that may look like the word of a proxy. */
const SPOOFED: RawHeaders = [
  ['X-Forwarded-For', LIAR], ['X-Forwarded-Proto', 'http'], ['X-Forwarded-Host', 'evil.example'], ['X-Forwarded-Port', '666'], ['X-Forwarded-Prefix', '/evil'], ['X-Forwarded-Server', 'evil.example'],
  ['Forwarded', `for=${LIAR};host=evil.example;proto=http`], ['X-Real-IP', LIAR],
];
const IMPOSTOR: RawHeaders = ['Client-Id', 'Subject', 'Scope', 'Roles', 'Token-Id', 'Email'].flatMap((name): RawHeaders => [[`X-Auth-${name}`, 'root'], [`x-auth-${name.toLowerCase()}`, 'root'], [`X_Auth_${name.replace('-', '_')}`, 'root']]);

const bearer = (token: string): RawHeaders => [['Authorization', `Bearer ${token}`]];
const challengeOf = ({ headers }: RawAnswer) => headers.get('www-authenticate') ?? '';
const identityOf = (headers: Record<string, string>) => Object.fromEntries(Object.entries(headers).filter(([header, value]) => /^x[-_]auth[-_]/.test(header) && value !== ''));

/** What the API was sent, by an answer that must be a yes. */
function seenBy(answer: RawAnswer): { method: string; path: string; token: boolean; headers: Record<string, string> } {
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
  return answer.body as never;
}

/** A user's tokens, by the pages behind the gateway. */
async function signIn(example: GatewayExample, url: string, scope: string): Promise<{ access_token: string; refresh_token: string; id_token: string }> {
  const { stage } = example;
  const end = await new Browser(url, stage.issuer).authorize(authorizationUrl(stage.client, { scope, redirect_uri: CALLBACK }), stage.user);
  expect(end.location?.href).toMatch(/^http:\/\/127\.0\.0\.1:8080\/callback\?/);
  expect(end.location!.searchParams.get('iss')).toBe(stage.issuer);
  const answer = await new OAuthDriver(url, stage.adminClient).redeem(stage.client, { code: end.location!.searchParams.get('code')!, redirect_uri: CALLBACK, code_verifier: PKCE.verifier });
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
  return answer.body as never;
}

/** What holds for both, however they check tokens. */
function describeProxy(get: () => { example: GatewayExample; url: string; ask: (path: string, headers?: RawHeaders, method?: string) => Promise<RawAnswer> }): void {
  describe('Mintgate behind it', () => {
    it.each(['/admin/v1/clients', '/health/ready', '/metrics', '/docs', '/openapi.json', '/gateway/verify', '/x/admin/v1/clients', '//admin/v1/clients', '/%61dmin/v1/clients', '/ADMIN/v1/clients', '/oauth/../admin/v1/clients', '/oauth/%2e%2e/admin/v1/clients', '/.well-known/../admin/v1/clients', '/api/../admin/v1/clients', '/'])(
      'shows nothing of %s to the outside',
      async (path) => {
        const { example, ask } = get();
        const answer = await ask(path, bearer(await example.driver.accessToken(example.stage.adminClient)));
        expect([401, 403, 404]).toContain(answer.status);
        expect(answer.text).not.toMatch(/"client_id|"checks"|"method"/);
      },
    );

    it('G15: names its own issuer, whatever the caller says of host and scheme', async () => {
      const { example, url, ask } = get();
      const metadata = await ask('/.well-known/openid-configuration', SPOOFED);
      expect(metadata).toMatchObject({ status: 200, body: { issuer: example.stage.issuer, token_endpoint: `${example.stage.issuer}/oauth/token` } });
      const login = await ask(authorizationUrl(example.stage.client, { redirect_uri: CALLBACK, scope: 'orders:read' }), SPOOFED);
      expect(login.headers.get('location')).toMatch(/^(https:\/\/localhost:\d+)?\/oauth\/authorize\//);
      for (const answer of [metadata, login]) expect([answer.text, ...answer.headers].flat().join()).not.toMatch(/evil|:666/);
      const spoofed = Object.fromEntries(SPOOFED.map(([header, value]) => [header.toLowerCase(), value]));
      const { body } = await new OAuthDriver(url, example.stage.adminClient).form('/oauth/token', { grant_type: 'client_credentials', scope: 'orders:read' }, example.stage.client, spoofed);
      expect(decodeJwt(body['access_token'] as string).claims['iss']).toBe(example.stage.issuer);
    });

    it("G16: audits the caller's address, and none that the caller made up", async () => {
      const { example, url } = get();
      const driver = new OAuthDriver(url, example.stage.adminClient);
      const token = await driver.accessToken(example.stage.client, { scope: 'orders:read' });
      const spoofed = Object.fromEntries(SPOOFED.map(([header, value]) => [header.toLowerCase(), value]));
      expect((await driver.form('/oauth/revoke', { token }, example.stage.client, spoofed)).status).toBe(200);
      const events = await example.driver.adminRequest<{ items: { actor: { address: string } }[] }>('GET', '/audit-events?type=token.revoked&limit=1');
      expect(events.body.items[0].actor).toMatchObject({ client_id: example.stage.client.clientId, address: CALLER });
    });
  });
}

async function expectToEnd(example: GatewayExample, ...ports: number[]): Promise<void> {
  const all = [example.port, ...ports, ...example.stage.instances.map((instance) => Number(new URL(instance).port))];
  expect(await example.stop()).toBe(0);
  for (const port of all) await expect(new Promise((resolve, reject) => connect(port, '127.0.0.1', () => resolve('listens')).on('error', reject))).rejects.toThrow('ECONNREFUSED');
}

describe.each(['haproxy', 'apache'])('examples/gateway/%s', (name) => {
  it('runs in two commands', () => {
    expect(commandsOf(name)).toEqual(['npm ci && npm run build', `node examples/gateway/${name}/run.mjs`]);
  });
});

describe('examples/gateway/haproxy: a token has to be right in everything', () => {
  const ISSUER = 'https://id.example.com';
  const PAIRS = { ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }), RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }) };
  const OTHERS = { ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }), RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }) };
  type Alg = keyof typeof PAIRS;
  const jwk = (key: KeyObject, kid: string, alg: string) => ({ ...key.export({ format: 'jwk' }), kid, alg, use: 'sig' });
  const folder = mkdtempSync(join(temporaryFolder(), 'mintgate-haproxy-'));
  const published = [jwk(PAIRS.ES256.publicKey, 'es', 'ES256'), jwk(PAIRS.RS256.publicKey, 'rs', 'RS256')];
  let servers: Server[];
  let jwks: object[] = published;
  let gateway: ChildProcess;
  let tls: TlsClient;
  let keysUrl: string;

  beforeAll(async () => {
    const serve = async (answer: (headers: object) => unknown) => {
      const server = createServer((req, res) => {
        const body = JSON.stringify(answer(req.headers));
        res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }).end(body);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    };
    servers = [await serve((headers) => ({ headers })), await serve(() => ({ keys: jwks }))];
    const [api, keys] = servers.map((server) => `127.0.0.1:${(server.address() as AddressInfo).port}`);
    keysUrl = `http://${keys}/`;
    await follow();
    const { cert, key } = selfSignedCertificate('localhost');
    writeFileSync(join(folder, 'gateway.pem'), cert + key);
    const port = await freePort();
    const files = ['-f', join(EXAMPLES, 'haproxy/haproxy.cfg'), '-f', 'keys.cfg'];
    gateway = spawn('haproxy', ['-W', '-db', '-C', folder, ...files], { cwd: folder, env: { PATH: `${process.env['PATH']}:/usr/sbin`, GATEWAY_PORT: String(port), ISSUER, AUDIENCE, API: api }, stdio: 'ignore', timeout: 120_000 });
    tls = await TlsClient.to(port, { cert, servername: 'localhost' });
    await eventually(() => ask('/'), { withinMs: 20_000 });
  }, 60_000);
  afterAll(async () => {
    await tls?.close();
    if (gateway?.exitCode === null && gateway.kill()) await once(gateway, 'exit');
    for (const server of servers ?? []) server.close().closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  });

  /** As its own first lines say. */
  const follow = (...command: string[]) => promisify(execFile)(process.execPath, [join(EXAMPLES, 'haproxy/jwks-to-pem.mjs'), keysUrl, folder, ...command]);
  const ask = (path: string, headers: RawHeaders = [], method = 'GET') => rawAnswer(tls.url, method, path, headers);
  const now = () => Math.floor(Date.now() / 1000);
  const header = (alg: Alg) => ({ typ: 'at+jwt', alg, kid: alg === 'ES256' ? 'es' : 'rs' });
  const claims = () => ({ iss: ISSUER, sub: 'usr_1', aud: AUDIENCE as unknown, exp: now() + 300, iat: now(), jti: 'id-1', client_id: 'desk', name: '"roles":["root"]', scope: 'openid orders:read orders:write', roles: ['clerk', 'a,b', 'night-shift'] });
  const jwt = (alg: Alg, changes: object = {}, headerChanges: object = {}, key: KeyObject = PAIRS[alg].privateKey) => signedJwt({ ...header(alg), ...headerChanges }, { ...claims(), ...changes }, key, alg);
  const refusal = async (headers: RawHeaders, status: number, challenge: string, method = 'GET', path = '/api/orders') => {
    const answer = await ask(path, [...IMPOSTOR, ...headers], method);
    expect([answer.status, challengeOf(answer), answer.text]).toEqual([status, challenge, '']);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  };
  const INVALID = `Bearer realm="${AUDIENCE}", error="invalid_token"`;

  describe.each<Alg>(['ES256', 'RS256'])('%s', (alg) => {
    it('passes when it is, with the caller in headers, for one audience or several', async () => {
      for (const aud of [AUDIENCE, [AUDIENCE], ['https://stock.example', AUDIENCE], ['a', 'b', 'c', AUDIENCE]]) {
        const { headers } = seenBy(await ask('/api/orders/7?x=1', [...IMPOSTOR, ...bearer(jwt(alg, { aud }))]));
        expect(identityOf(headers)).toEqual({ 'x-auth-client-id': 'desk', 'x-auth-subject': 'usr_1', 'x-auth-scope': 'openid orders:read orders:write', 'x-auth-roles': 'clerk a,b night-shift', 'x-auth-token-id': 'id-1' });
        expect(headers['authorization']).toBeUndefined();
      }
      for (const roles of [[], undefined, 'root', [7], ['"],"roles":["root"']]) expect(identityOf(seenBy(await ask('/api/orders', bearer(jwt(alg, { roles })))).headers)).not.toHaveProperty('x-auth-roles');
    });

    it.each<[string, () => string]>([
      ['an issuer that is another one', () => jwt(alg, { iss: 'https://evil.example' })],
      ['an issuer that only begins like ours', () => jwt(alg, { iss: `${ISSUER}.evil.example` })],
      ['no issuer', () => jwt(alg, { iss: undefined })],
      ['another audience', () => jwt(alg, { aud: 'https://stock.example' })],
      ['an audience that only begins like ours', () => jwt(alg, { aud: `${AUDIENCE}/admin` })],
      ['several audiences, none of them ours', () => jwt(alg, { aud: [`${AUDIENCE}/admin`, `x${AUDIENCE}`] })],
      ['no audience', () => jwt(alg, { aud: undefined })],
      ['an expiry that has come', () => jwt(alg, { exp: now() - 1 })],
      ['no expiry', () => jwt(alg, { exp: undefined })],
      ['an expiry that is no number', () => jwt(alg, { exp: 'never' })],
      ['the type of an ID token', () => jwt(alg, {}, { typ: 'JWT' })],
      ['no type', () => jwt(alg, {}, { typ: undefined })],
      ['a kid that nobody knows', () => jwt(alg, {}, { kid: 'other' })],
      ['no kid', () => jwt(alg, {}, { kid: undefined })],
      ['a kid that is a path', () => jwt(alg, {}, { kid: '../keys/es' })],
      ['a kid with the other key\'s algorithm', () => jwt(alg, {}, { kid: alg === 'ES256' ? 'rs' : 'es' })],
      ["a stranger's signature", () => jwt(alg, {}, {}, OTHERS[alg].privateKey)],
      ['claims that were changed afterwards', () => jwt(alg).replace(/\.[^.]+\./, `.${segment({ ...claims(), sub: 'root' })}.`)],
      ['no signature', () => jwt(alg).replace(/[^.]+$/, '')],
      ['a part too few', () => jwt(alg).replace(/\.[^.]+$/, '')],
      ['a part too many', () => `${jwt(alg)}.x`],
      ['alg none', () => `${segment({ ...header(alg), alg: 'none' })}.${segment(claims())}.`],
      ['alg HS256, by the public key for a secret', () => {
        const input = `${segment({ ...header(alg), alg: 'HS256' })}.${segment(claims())}`;
        return `${input}.${signature(input, PAIRS[alg].privateKey, alg).toString('base64url')}`;
      }],
      ['nothing of a JWT', () => `mg_at_${'A'.repeat(43)}`],
    ])('is 401 with %s', async (_, token) => {
      await refusal(bearer(token()), 401, INVALID);
    });
  });

  it('RFC 6750 §3.1: 401 names no error without a token, and invalid_token when it comes twice or otherwise', async () => {
    await refusal([], 401, `Bearer realm="${AUDIENCE}"`);
    await refusal([...bearer(jwt('ES256')), ...bearer('x')], 401, INVALID);
    await refusal([['Authorization', `Basic ${jwt('ES256')}`]], 401, INVALID);
    await refusal([], 401, `Bearer realm="${AUDIENCE}"`, 'GET', `/api/orders?access_token=${jwt('ES256')}`);
  });

  it('needs the scope of path and method: 403 names it', async () => {
    const insufficient = (scope: string) => `Bearer realm="${AUDIENCE}", error="insufficient_scope", scope="${scope}"`;
    for (const scope of ['orders:write', 'orders:reader', 'xorders:read orders:read:x', '', undefined]) await refusal(bearer(jwt('ES256', { scope })), 403, insufficient('orders:read'));
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND']) await refusal(bearer(jwt('RS256', { scope: 'orders:read' })), 403, insufficient('orders:write'), method);
    seenBy(await ask('/api/orders', bearer(jwt('ES256', { scope: 'orders:write' })), 'POST'));
    for (const path of ['/api/stock', '/api/ordersx', '/api/', '/api/orders%2f', '/apix']) expect((await ask(path, bearer(jwt('ES256')))).status).toBe(404);
  });

  it('passes a preflight on, and tells of no caller', async () => {
    const { headers } = seenBy(await ask('/api/orders', [['Origin', 'https://app.example'], ['Access-Control-Request-Method', 'GET'], ...IMPOSTOR, ...bearer(jwt('ES256'))], 'OPTIONS'));
    expect([identityOf(headers), headers['authorization']]).toEqual([{}, undefined]);
  });

  describe('its keys follow the JWKS', () => {
    const files = () => Object.fromEntries(['keys.map', 'keys.cfg', 'keys.loaded'].map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
    const reload = () => follow('kill', '-USR2', String(gateway.pid));
    afterAll(() => (jwks = published));

    it('by a reload that loses no request: a new one is good from then on, and one that was withdrawn is not', async () => {
      const answers: unknown[] = [];
      let over = false;
      const callers = Array.from({ length: 4 }, async () => {
        const headers = { authorization: `Bearer ${jwt('RS256')}` };
        while (!over) answers.push(await fetch(`${tls.url}/api/orders`, { headers }).then(async (answer) => (await answer.text(), answer.status), String));
      });
      const fresh = jwt('ES256', {}, { kid: 'new' }, OTHERS.ES256.privateKey);
      try {
        await refusal(bearer(fresh), 401, INVALID);
        jwks = [jwk(OTHERS.ES256.publicKey, 'new', 'ES256'), jwk(PAIRS.RS256.publicKey, 'rs', 'RS256')];
        await reload();
        await eventually(async () => expect((await ask('/api/orders', bearer(fresh))).status).toBe(200), { withinMs: 10_000 });
        await eventually(() => refusal(bearer(jwt('ES256')), 401, INVALID));
      } finally {
        over = true;
        await Promise.all(callers);
      }
      expect(answers.length).toBeGreaterThan(50);
      expect(answers.filter((answer) => answer !== 200)).toEqual([]);
      expect(readdirSync(join(folder, 'keys')).sort()).toEqual(['new.pem', 'rs.pem']);
    });

    it('nothing is touched, and nothing reloaded, without a change, or with nothing to have', async () => {
      const before = files();
      await follow('false');
      for (const [keys, complaint] of [[[], /no key for ES256 or RS256/], [[jwk(generateKeyPairSync('ed25519').publicKey, 'ed', 'EdDSA')], /no key/], [[{ ...published[0], kid: '../../x' }], /no key/], [[{ ...published[0], alg: 'RS256' }], /no key/]] as [object[], RegExp][]) {
        jwks = keys;
        await expect(reload()).rejects.toThrow(complaint);
      }
      expect(files()).toEqual(before);
    });

    it('a reload that failed is tried again the next time', async () => {
      jwks = published;
      await expect(follow('false')).rejects.toThrow('false has failed');
      await reload();
      await eventually(async () => expect((await ask('/api/orders', bearer(jwt('ES256')))).status).toBe(200), { withinMs: 10_000 });
    });
  });
});

describe('examples/gateway/haproxy, as its README runs it', () => {
  let example: GatewayExample;
  let url: string;
  let outside: OAuthDriver;
  let client: Credentials;

  beforeAll(async () => {
    example = await GatewayExample.start('haproxy', { JWKS_POLL_SECONDS: '0.5' });
    url = await example.from(CALLER);
    outside = new OAuthDriver(url, example.stage.adminClient);
    client = example.stage.client;
  }, 90_000);
  afterAll(async () => {
    await example?.stop();
  });

  const ask = (path: string, headers: RawHeaders = [], method = 'GET') => rawAnswer(url.replace('localhost', '127.0.0.1'), method, path, [['Host', new URL(example.stage.origin).host], ...headers]);
  const at = (instance: string) => new OAuthDriver(instance, example.stage.adminClient);
  const log = () => readFileSync(join(example.folder, 'haproxy.log'), 'utf8');

  describeProxy(() => ({ example, url, ask }));

  it('the API hears who calls, and nothing of what the caller says of itself', async () => {
    const token = await outside.accessToken(client, { scope: 'orders:read' });
    const { token: sent, headers } = seenBy(await ask('/api/orders', [...SPOOFED, ...IMPOSTOR, ...bearer(token)]));
    expect(sent).toBe(false);
    expect(identityOf(headers)).toEqual({ 'x-auth-client-id': client.clientId, 'x-auth-subject': client.clientId, 'x-auth-scope': 'orders:read', 'x-auth-token-id': decodeJwt(token).claims['jti'] });
    expect(headers).toMatchObject({ 'x-forwarded-for': CALLER, 'x-forwarded-proto': 'https', 'x-forwarded-host': new URL(example.stage.origin).host });
    for (const header of ['forwarded', 'x-real-ip', 'x-forwarded-port', 'x-forwarded-prefix', 'x-forwarded-server']) expect(headers).not.toHaveProperty(header);
  });

  describe('two instances, without stickiness', () => {
    it('carry a sign-in, and refreshes, that go to either one', async () => {
      const tokens = await signIn(example, url, 'orders:read orders:write');
      expect(identityOf(seenBy(await ask('/api/orders', bearer(tokens.access_token))).headers)).toMatchObject({ 'x-auth-subject': decodeJwt(tokens.access_token).claims['sub'], 'x-auth-roles': 'clerk night-shift' });
      let refreshToken = tokens.refresh_token;
      for (let i = 0; i < 6; i++) ({ refreshToken } = await outside.refreshed(client, refreshToken));
      for (const server of ['one', 'two']) expect(log()).toMatch(new RegExp(` /oauth/[^ ]+ \\d+ \\d+ mintgate/${server} `));
    });

    it('both know within a second that a token was revoked', async () => {
      const token = await outside.accessToken(client, { scope: 'orders:read' });
      for (const instance of example.stage.instances) expect((await at(instance).introspect(client, token)).body).toMatchObject({ active: true });
      expect((await outside.revoke(client, token)).status).toBe(200);
      await eventually(async () => {
        for (const instance of example.stage.instances) expect((await at(instance).introspect(client, token)).body).toEqual({ active: false });
      }, { withinMs: 1000 });
    });

    it('F18: lose no request while they are restarted, one after the other', async () => {
      const failures: string[] = [];
      let [restarted, count] = [false, 0];
      const load = async () => {
        while (!restarted) {
          try {
            const token = await outside.accessToken(client, { scope: 'orders:read' });
            for (const [path, headers] of [['/api/orders', { authorization: `Bearer ${token}` }], ['/.well-known/openid-configuration', {}]] as const) {
              const { status } = await outside.request('GET', path, { headers });
              if (status !== 200) failures.push(`${path}: ${status}`);
            }
          } catch (error) {
            failures.push(String(error));
          }
          count += 3;
          await pause(40);
        }
      };
      const callers = Array.from({ length: 4 }, load);
      const readies = (number: number) => readFileSync(join(example.folder, `mintgate-${number}.log`), 'utf8').split('"msg":"ready"').length - 1;
      try {
        example.signal('SIGHUP');
        await eventually(() => expect([readies(1), readies(2)]).toEqual([2, 2]), { withinMs: 60_000, everyMs: 50 });
      } finally {
        restarted = true;
        await Promise.all(callers);
      }
      expect(failures).toEqual([]);
      expect(count).toBeGreaterThan(200);
    }, 90_000);
  });

  it('a signing key that is deleted in an emergency is refused soon, and the next one is taken at once', async () => {
    const old = await outside.accessToken(client, { scope: 'orders:read' });
    const { kid } = decodeJwt(old).header;
    expect((await example.driver.adminRequest('DELETE', `/keys/${String(kid)}`)).status).toBe(204);
    await eventually(async () => {
      const fresh = await outside.accessToken(client, { scope: 'orders:read' });
      expect(decodeJwt(fresh).header['kid']).not.toBe(kid);
      expect((await fetch(`${url}/api/orders`, { headers: { authorization: `Bearer ${fresh}` } })).status).toBe(200);
      expect((await ask('/api/orders', bearer(old))).status).toBe(401);
    }, { withinMs: 15_000, everyMs: 50 });
  });

  it('writes no query and no token into its log', async () => {
    const token = await outside.accessToken(client, { scope: 'orders:read' });
    await ask('/oauth/authorize?login_hint=canary-4711', bearer(token));
    await eventually(() => expect(log()).toContain('GET /oauth/authorize '));
    for (const secret of ['canary-4711', token.slice(0, 30), 'Bearer']) expect(log()).not.toContain(secret);
  });

  it('ends whole when it is told to', () => expectToEnd(example), 60_000);
});

describe.each(mariadbPort() === undefined ? [] : ['RS256'])('examples/gateway/haproxy with a DATABASE_URL and %s', (alg) => {
  let database: TestDatabase;
  let example: GatewayExample;

  beforeAll(async () => {
    database = await createMariadb();
    example = await GatewayExample.start('haproxy', { DATABASE_URL: database.url, ACCESS_TOKEN_SIGNING_ALG: alg });
  }, 90_000);
  afterAll(async () => {
    await example?.stop();
    await database?.drop();
  });

  it('takes access tokens that Mintgate signs, and no ID token by the same key', async () => {
    const url = await example.from(CALLER);
    const { access_token: accessToken, id_token: idToken } = await signIn(example, url, 'openid orders:read');
    expect([decodeJwt(accessToken).header['alg'], decodeJwt(idToken).header['alg']]).toEqual([alg, 'RS256']);
    const statusOf = async (token: string) => (await fetch(`${url}/api/orders`, { headers: { authorization: `Bearer ${token}` } })).status;
    expect([await statusOf(accessToken), await statusOf(idToken)]).toEqual([200, 401]);
  });
});

describe('examples/gateway/apache, as its README runs it', () => {
  let example: GatewayExample;
  let url: string;
  let sitePort: number;
  let siteTls: TlsClient;
  let outside: OAuthDriver;
  let client: Credentials;

  beforeAll(async () => {
    sitePort = await freePort();
    example = await GatewayExample.start('apache', { SITE_PORT: String(sitePort) });
    url = await example.from(CALLER);
    siteTls = await TlsClient.to(sitePort, { cert: readFileSync(example.stage.certFile, 'utf8'), servername: 'localhost' }, CALLER);
    outside = new OAuthDriver(url, example.stage.adminClient);
    client = example.stage.client;
  }, 90_000);
  afterAll(async () => {
    await siteTls?.close();
    await example?.stop();
  });

  const askAt = (origin: string, port: number) => (path: string, headers: RawHeaders = [], method = 'GET') => rawAnswer(origin.replace('localhost', '127.0.0.1'), method, path, [['Host', `localhost:${port}`], ...headers]);
  const ask = (...request: Parameters<ReturnType<typeof askAt>>) => askAt(url, example.port)(...request);
  const askSite = (...request: Parameters<ReturnType<typeof askAt>>) => askAt(siteTls.url, sitePort)(...request);

  describeProxy(() => ({ example, url, ask }));

  describe.each<['introspection' | 'signature', typeof ask]>([['introspection', ask], ['signature', askSite]])('the API, tokens by %s', (way, askApi) => {
    it('hears who calls: a client for itself, and nothing of what it says of itself. The token stays at the gateway', async () => {
      const token = await outside.accessToken(client, { scope: 'orders:read' });
      const { token: sent, path, headers } = seenBy(await askApi('/api/orders/7?x=1', [...SPOOFED, ...IMPOSTOR, ...bearer(token)]));
      expect([sent, path]).toEqual([false, '/api/orders/7?x=1']);
      expect(identityOf(headers)).toEqual({ 'x-auth-client-id': client.clientId, 'x-auth-subject': client.clientId, 'x-auth-scope': 'orders:read', 'x-auth-token-id': decodeJwt(token).claims['jti'] });
      expect(headers).toMatchObject({ 'x-forwarded-for': CALLER, 'x-forwarded-proto': 'https', 'x-forwarded-host': `localhost:${way === 'introspection' ? example.port : sitePort}`, 'x-forwarded-server': 'localhost' });
      for (const header of ['forwarded', 'x-real-ip', 'x-forwarded-port', 'x-forwarded-prefix']) expect(headers).not.toHaveProperty(header);
      expect(JSON.stringify(headers)).not.toContain(token.slice(0, 30));
    });

    it('hears who calls: a user, with her roles', async () => {
      const { access_token: token } = await signIn(example, url, 'orders:read orders:write');
      const { headers } = seenBy(await askApi('/api/orders', [...IMPOSTOR, ...bearer(token)], 'POST'));
      expect(identityOf(headers)).toMatchObject({ 'x-auth-subject': decodeJwt(token).claims['sub'], 'x-auth-scope': 'orders:read orders:write', 'x-auth-roles': 'clerk night-shift' });
    });

    it.each<[string, (() => RawHeaders | Promise<RawHeaders>), number, RegExp, string?]>([
      ['without a token', () => [], 401, /^Bearer error="invalid_request"/],
      ['with nonsense for a token', () => bearer('x'), 401, /error="invalid_token"/],
      ['with a JWT that was changed', async () => bearer((await outside.accessToken(client)).replace(/\.[^.]+\./, `.${segment({ sub: 'root', scope: 'orders:read' })}.`)), 401, /error="invalid_token"/],
      ['with alg none', async () => bearer(`${segment({ typ: 'at+jwt', alg: 'none' })}.${(await outside.accessToken(client)).split('.')[1]}.`), 401, /error="invalid_token"/],
      ['with a token in the query', () => [], 401, /^Bearer error="invalid_request"/, '/api/orders?access_token=x'],
      ['without the scope', async () => bearer(await outside.accessToken(client, { scope: 'orders:write' })), 403, /error="insufficient_scope"/],
      ['with a scope that only ends so', async () => bearer(await outside.accessToken(await example.driver.registerClient({ scope: 'preorders:read' }))), way === 'introspection' ? 401 : 403, /error="(invalid_token|insufficient_scope)"/],
      ['with an ID token', async () => bearer((await signIn(example, url, 'openid orders:read')).id_token), way === 'introspection' ? 401 : 403, /error="(invalid_token|insufficient_scope)"/],
      ['with a token for another audience', async () => bearer(await outside.accessToken(example.stage.adminClient)), way === 'introspection' ? 401 : 403, /error="(invalid_token|insufficient_scope)"/],
    ])('gets no request %s', async (_, headers, status, challenge, path = '/api/orders') => {
      const answer = await askApi(path, [...SPOOFED, ...IMPOSTOR, ...(await headers())]);
      expect(answer.status).toBe(status);
      expect(challengeOf(answer)).toMatch(challenge);
      expect(answer.text).not.toContain('"method"');
    });

    it('demands another scope for what writes, whatever else is in the token', async () => {
      const [read, both] = [await outside.accessToken(client, { scope: 'orders:read' }), await outside.accessToken(client, { scope: 'orders:write orders:read' })];
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        expect((await askApi('/api/orders', bearer(read), method)).status).toBe(403);
        seenBy(await askApi('/api/orders', bearer(both), method));
      }
      seenBy(await askApi('/api/orders', bearer(both)));
    });

    it('gets a preflight, and hears of no caller', async () => {
      const preflight = seenBy(await askApi('/api/orders', [['Origin', 'https://app.example'], ['Access-Control-Request-Method', 'GET'], ...SPOOFED, ...IMPOSTOR], 'OPTIONS'));
      expect(identityOf(preflight.headers)).toEqual({});
    });

    it(way === 'introspection' ? 'gets no request with a token that was revoked, from that moment on' : 'gets requests with a revoked token until it expires, as the README says', async () => {
      const token = await outside.accessToken(client, { scope: 'orders:read' });
      seenBy(await askApi('/api/orders', bearer(token)));
      expect((await outside.revoke(client, token)).status).toBe(200);
      expect((await askApi('/api/orders', bearer(token))).status).toBe(way === 'introspection' ? 401 : 200);
    });

    it(way === 'introspection' ? 'takes an opaque token' : 'takes no opaque token', async () => {
      const opaque = await example.driver.registerClient({ scope: 'orders:read', access_token_format: 'opaque' });
      const answer = await askApi('/api/orders', bearer(await outside.accessToken(opaque)));
      if (way === 'introspection') expect(identityOf(seenBy(answer).headers)).toMatchObject({ 'x-auth-client-id': opaque.clientId, 'x-auth-subject': opaque.clientId, 'x-auth-scope': 'orders:read' });
      else expect([answer.status, challengeOf(answer)]).toEqual([401, expect.stringContaining('error="invalid_token"')]);
    });
  });

  describe('the site', () => {
    const person = () => ({ site: new Browser(siteTls.url.replace('127.0.0.1', 'localhost'), `https://localhost:${sitePort}`), mintgate: new Browser(url, example.stage.issuer) });
    const SESSION = 'mod_auth_openidc_session';
    /** The module ties a sign-in to it. */
    const AGENT = { 'user-agent': 'a browser' };

    /** Where the site sends somebody who comes to look at a page: others than browsers are answered 401. */
    async function sentTo(site: Browser): Promise<string> {
      const session = site.cookie(SESSION);
      const answer = await askSite('/', [['Accept', 'text/html'], ['User-Agent', AGENT['user-agent']], ...(session === undefined ? [] : [['Cookie', `${SESSION}=${session}`] as [string, string]])]);
      for (const line of answer.headers.getSetCookie()) site.setCookie(line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1, line.indexOf(';')));
      return answer.headers.get('location')!;
    }

    it('sends a visitor to Mintgate, by code with PKCE, to an address that no header of hers changes', async () => {
      for (const headers of [[], [...SPOOFED, ...IMPOSTOR]] as RawHeaders[]) {
        const answer = await askSite('/', [['Accept', 'text/html'], ...headers]);
        const target = new URL(answer.headers.get('location')!);
        expect([answer.status, target.origin + target.pathname]).toEqual([302, `${example.stage.issuer}/oauth/authorize`]);
        expect(Object.fromEntries(target.searchParams)).toMatchObject({ response_type: 'code', client_id: 'orders-site', redirect_uri: `https://localhost:${sitePort}/callback`, code_challenge_method: 'S256', scope: 'openid email' });
        expect(answer.text + target.href).not.toMatch(/evil|root/);
      }
    });

    it('knows her after she has signed in, until she signs out, here and at Mintgate', async () => {
      const { site, mintgate } = person();
      const end = await mintgate.authorize(await sentTo(site), example.stage.user);
      expect(end.location!.href).toContain(`https://localhost:${sitePort}/callback?`);
      const back = await site.get(end.location!.href, AGENT);
      expect([back.status, back.location?.pathname]).toEqual([302, '/']);

      const page = await site.get('/', Object.fromEntries([...SPOOFED, ...IMPOSTOR].map(([header, value]) => [header.toLowerCase(), value])));
      const { headers } = JSON.parse(page.text) as { headers: Record<string, string> };
      const users = await example.driver.adminRequest<{ items: { user_id: string }[] }>('GET', `/users?q=${example.stage.user.username}`);
      expect(identityOf(headers)).toEqual({ 'x-auth-subject': users.body.items[0].user_id });
      expect(headers['x-forwarded-for']).toBe(CALLER);
      expect(Object.keys(headers).filter((header) => /^oidc_/.test(header))).toEqual([]);

      const signedOut = `https://localhost:${sitePort}/signed-out`;
      const leaving = (await site.get(`/callback?logout=${encodeURIComponent(signedOut)}`)).location!;
      expect(leaving.href).toMatch(`${example.stage.issuer}/oauth/logout?`);
      expect((await mintgate.follow(await mintgate.get(leaving.href))).location?.href).toBe(signedOut);
      expect((await site.get('/')).status).toBe(401);
      expect((await mintgate.follow(await mintgate.get(await sentTo(site)))).text).toContain('name="password"');
      expect((await site.get('/signed-out')).status).toBe(200);
    });

    it('refuses an answer that it did not ask for, and a sign-out to elsewhere', async () => {
      const { site } = person();
      const forged = await site.get(`/callback?code=mg_ac_x&state=x&iss=${encodeURIComponent(example.stage.issuer)}`);
      expect([forged.status >= 400, forged.location]).toEqual([true, undefined]);
      const elsewhere = await site.get(`/callback?logout=${encodeURIComponent('https://evil.example/')}`);
      expect([elsewhere.location, elsewhere.headers.get('refresh')]).toEqual([undefined, null]);
      expect(elsewhere.text).toContain('does not match the hostname');
    });
  });

  it('ends whole when it is told to', () => expectToEnd(example, sitePort));
});
