import { isIP } from 'node:net';
import { type DatabaseKind, describeOnEachDatabase } from '../../support/databases.js';
import { basic, type Credentials, decodeJwt } from '../../support/oauth-driver.js';
import { rawAnswer, type RawHeaders } from '../../support/raw-http.js';
import { ADMIN, TestServer } from '../../support/test-server.js';

const ISSUER = 'https://id.example.com';
const FORM: RawHeaders = [['Content-Type', 'application/x-www-form-urlencoded']];

describe.each([['no proxy is trusted', {}], ['the proxy is trusted', { TRUST_PROXY: 'loopback' }]])('the issuer is the configured one when %s', (_, env) => {
  let server: TestServer;
  let client: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ env: { ISSUER, ...env } });
    client = await server.driver.registerClient({ scope: 'read' });
  });
  afterAll(() => server.stop());

  describe.each<[string, RawHeaders]>([
    ['Host: evil.example', [['Host', 'evil.example']]],
    ['Host with a port', [['Host', 'id.example.com:8443']]],
    ['Host with a path', [['Host', 'evil.example/x']]],
    ['Host with user information', [['Host', 'id.example.com@evil.example']]],
    ['an empty Host', [['Host', '']]],
    ['Host with markup', [['Host', '"><script>']]],
    ['X-Forwarded-Host', [['X-Forwarded-Host', 'evil.example']]],
    ['X-Forwarded-Proto: http', [['X-Forwarded-Proto', 'http']]],
    ['X-Forwarded-Port and -Prefix', [['X-Forwarded-Port', '666'], ['X-Forwarded-Prefix', '/evil']]],
    ['Forwarded', [['Forwarded', 'for=evil.example;host=evil.example;proto=http']]],
    ['X-Original-URL and X-Rewrite-URL', [['X-Original-URL', '/evil'], ['X-Rewrite-URL', '/evil']]],
  ])('%s', (_name, headers) => {
    it('changes neither a token nor a URL, or the request is refused', async () => {
      const token = await rawAnswer(server.url, 'POST', '/oauth/token', [...headers, ['Authorization', basic(client)], ...FORM], 'grant_type=client_credentials');
      expect([200, 400, 421]).toContain(token.status);
      if (token.status === 200) expect(decodeJwt(token.body['access_token'] as string).claims).toMatchObject({ iss: ISSUER, aud: ISSUER });
      for (const path of ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration', '/openapi.json']) {
        const answer = await rawAnswer(server.url, 'GET', path, headers);
        expect([200, 400, 421]).toContain(answer.status);
        expect(answer.text + [...answer.headers].flat().join('\n')).not.toMatch(/evil|8443|666|script>|http:\/\/id/);
        if (answer.status === 200) expect(answer.text).toContain(`${ISSUER}/oauth/token`);
      }
      const created = await rawAnswer(server.url, 'POST', '/admin/v1/clients', [...headers, ['Authorization', `Bearer ${await server.driver.accessToken(ADMIN)}`], ['Content-Type', 'application/json']], '{}');
      expect([201, 400, 421]).toContain(created.status);
      if (created.status === 201) expect(created.headers.get('location')).toMatch(/^https:\/\/id\.example\.com\/admin\/v1\/clients\//);
    });
  });

  it('an absolute request target does not either (RFC 9112 §3.2.2)', async () => {
    const answer = await rawAnswer(server.url, 'GET', 'http://evil.example/.well-known/oauth-authorization-server', []);
    expect([200, 400, 404, 421]).toContain(answer.status);
    expect(answer.text).not.toContain('evil');
  });
});

describeOnEachDatabase('the audited address', (kind: DatabaseKind) => {
  let plain: TestServer;
  let behindOthers: TestServer;
  let proxied: TestServer;

  beforeAll(async () => {
    plain = await TestServer.start({ kind });
    behindOthers = await TestServer.start({ kind, env: { TRUST_PROXY: '10.0.0.0/8, 192.0.2.1' } });
    proxied = await TestServer.start({ kind, env: { TRUST_PROXY: 'loopback, 10.0.0.0/8' } });
  });
  afterAll(async () => {
    for (const server of [plain, behindOthers, proxied]) await server.stop();
  });

  /** Makes a client, and answers the address under which that was audited. */
  const auditedAddress = async ({ driver }: TestServer, headers: Record<string, string>): Promise<string> => {
    const created = await driver.adminRequest('POST', '/clients', {}, { headers });
    expect(created).toMatchObject({ status: 201 });
    const events = await driver.adminRequest<{ items: { actor: { address: string } }[] }>('GET', `/audit-events?type=client.created&client_id=${created.body['client_id'] as string}`);
    expect(events.body.items).toHaveLength(1);
    return events.body.items[0].actor.address;
  };

  it.each<Record<string, string>>([
    {},
    { 'x-forwarded-for': '203.0.113.9' },
    { forwarded: 'for=203.0.113.9' },
    { 'x-real-ip': '203.0.113.9', 'x-client-ip': '203.0.113.9', 'cf-connecting-ip': '203.0.113.9', 'true-client-ip': '203.0.113.9' },
  ])('is the socket\'s whatever an untrusted peer says: %j', async (headers) => {
    expect(await auditedAddress(plain, headers)).toBe('127.0.0.1');
  });

  it('is the socket\'s when another address than the peer\'s is trusted', async () => {
    expect(await auditedAddress(behindOthers, { 'x-forwarded-for': '203.0.113.9' })).toBe('127.0.0.1');
  });

  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['198.51.100.1, 203.0.113.9', '203.0.113.9'],
    ['198.51.100.1, 203.0.113.9, 10.1.2.3', '203.0.113.9'],
    ['2001:db8::7', '2001:db8::7'],
    ['10.1.2.3', '10.1.2.3'],
  ])('is the last that is not itself a trusted proxy when a trusted proxy sends X-Forwarded-For: %s', async (header, address) => {
    expect(await auditedAddress(proxied, { 'x-forwarded-for': header })).toBe(address);
  });

  it('is the trusted proxy\'s own when it says nothing', async () => {
    expect(await auditedAddress(proxied, {})).toBe('127.0.0.1');
  });

  it.each([
    ['markup', '<script>alert(1)</script>'],
    ['"unknown"', 'unknown'],
    ['an obfuscated identifier', '_hidden'],
    ['an empty list', ', ,'],
    ['500 digits', '9'.repeat(500)],
    ['an address with a port', '203.0.113.9:51234'],
    ['an IPv6 address with a port', '[2001:db8::7]:443'],
    ['a word behind an address', '203.0.113.9, x\u00e9'],
  ])('is still an address, and the request does not fail, when a trusted proxy passes on what is none: %s', async (_, header) => {
    expect(isIP(await auditedAddress(proxied, { 'x-forwarded-for': header }))).toBeGreaterThan(0);
  });

  it('stands at a revocation too', async () => {
    const client = await proxied.driver.registerClient({ scope: 'read' });
    const token = await proxied.driver.accessToken(client);
    expect((await proxied.driver.form('/oauth/revoke', { token }, client, { 'x-forwarded-for': '203.0.113.9' })).status).toBe(200);
    const events = await proxied.driver.adminRequest<{ items: { actor: unknown }[] }>('GET', '/audit-events?type=token.revoked');
    expect(events.body.items.map(({ actor }) => actor)).toEqual([{ client_id: client.clientId, user_id: null, operator: null, address: '203.0.113.9' }]);
  });
});
