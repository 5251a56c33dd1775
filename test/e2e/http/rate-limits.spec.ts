import { AuditLog } from '../../../src/audit/audit-log.js';
import { Metrics } from '../../../src/common/metrics/metrics.js';
import { RATE_LIMIT_NAMES } from '../../../src/config/rate-limits.js';
import { ChangeFeed } from '../../../src/database/change-feed.js';
import { RateLimit, type RateLimitWorld } from '../../../src/rate-limits/rate-limit.js';
import { authorizationQuery, authorizationUrl, CALLBACK } from '../../support/authorization-url.js';
import { Browser } from '../../support/browser.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { FakeClock } from '../../support/fake-clock.js';
import { HtmlDocument } from '../../support/html-document.js';
import { type Answer, basic, type Credentials, type RegisteredUser } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { expectProblem } from '../../support/problems.js';
import { ADMIN, TestServer } from '../../support/test-server.js';

const HEADERS = ['ratelimit-policy', 'ratelimit', 'retry-after'] as const;
const limitHeaders = ({ headers }: Pick<Answer, 'headers'>) => HEADERS.map((name) => headers.get(name));
/** Apart from what differs with each request and each second. */
const seen = ({ status, headers, text }: Answer) => ({ status, text, headers: [...headers].filter(([name]) => !['date', 'x-request-id', 'retry-after', 'ratelimit'].includes(name)) });
const from = (address: string) => ({ 'x-forwarded-for': address });
const UNLIMITED = Object.fromEntries(RATE_LIMIT_NAMES.map((name) => [`RATE_LIMIT_${name.toUpperCase()}_PER_${name.endsWith('failures') ? '5_MINUTES' : 'MINUTE'}`, '0']));
const NO_STORAGE_LIMIT = { RATE_LIMIT_AUTHORIZATION_KIB_PER_HOUR: '0' };

/** A server with these limits and no others, which believes callers about their addresses. */
const limited = (limits: Record<string, string>, kind: 'SQLite' | 'MariaDB' = 'SQLite') => TestServer.start({ kind, env: { RATE_LIMIT_ENABLED: 'true', TRUST_PROXY: 'loopback', ...UNLIMITED, ...NO_STORAGE_LIMIT, ...limits } });

/** The refusal by a limit: all of its headers, the seconds to wait among them. */
function expectRefusal(answer: Pick<Answer, 'status' | 'headers'>, limit: string, quota: number, windowSeconds = 60): number {
  expect(answer.status).toBe(429);
  const seconds = Number(answer.headers.get('retry-after'));
  expect(limitHeaders(answer)).toEqual([`"${limit}";q=${quota};w=${windowSeconds}`, `"${limit}";r=0;t=${seconds}`, String(seconds)]);
  expect(seconds).toBeGreaterThanOrEqual(1);
  expect(seconds).toBeLessThanOrEqual(2 * windowSeconds);
  return seconds;
}

/** Sends many at a time, so that it does not take long, and answers all. */
async function many(times: number, send: (i: number) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let i = 0; i < times; i += 20) answers.push(...(await Promise.all(Array.from({ length: Math.min(20, times - i) }, (_, j) => send(i + j)))));
  return answers;
}

describeOnOneDatabase('by default', (kind) => {
  let server: TestServer;
  let client: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: { RATE_LIMIT_ENABLED: 'true', TRUST_PROXY: 'loopback' } });
    client = await server.driver.registerClient({ scope: 'read' });
  });
  afterAll(() => server.stop());
  const guess = (clientId: string, address: string, clientSecret = 'wrong') => server.driver.form('/oauth/token', { grant_type: 'client_credentials' }, { clientId, clientSecret }, from(address));

  it('CA12: of 1000 wrong secrets for a client from one address 600 are looked at; the right one works from another', async () => {
    const answers = await many(1000, () => guess(client.clientId, '192.0.2.1'));
    answers.slice(0, 580).forEach((answer) => expectOAuthError(answer, 401, 'invalid_client'));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(600);
    expectRefusal(answers.at(-1)!, 'client_failures', 600, 300);
    expectOAuthError(await guess(client.clientId, '192.0.2.1', client.clientSecret), 429, 'temporarily_unavailable');
    expect((await guess(client.clientId, '192.0.2.2', client.clientSecret)).status).toBe(200);
    expect((await guess(ADMIN.clientId, '192.0.2.1', ADMIN.clientSecret)).status).toBe(200);
  });

  it('CA11: whether there is such a client is not told by a limit either', async () => {
    const clients = [client.clientId, 'nobody'];
    const answers = await Promise.all(clients.map((clientId, i) => many(610, () => guess(clientId, `192.0.2.${10 + i}`))));
    expect(answers.map((ofOne) => ofOne.filter(({ status }) => status === 401).length)).toEqual([600, 600]);
    expect(seen(answers[0].at(-1)!)).toEqual(seen(answers[1].at(-1)!));
    expect(answers[0].at(-1)!.status).toBe(429);
  });

  it('I8: 1000 random tokens of one client are fished for in vain, and good ones are told of all the while', async () => {
    const good = await server.driver.accessToken(client);
    const answers = await many(1000, (i) => server.driver.introspect(client, `mg_at_${i}${'x'.repeat(30)}`));
    expect(answers.filter(({ status, body }) => status === 200 && body['active'] === false)).toHaveLength(600);
    expectRefusal(answers.at(-1)!, 'inactive_tokens', 600);
    expectOAuthError(answers.at(-1)!, 429, 'temporarily_unavailable');
    expect((await server.driver.introspect(client, good)).body).toMatchObject({ active: true });
    expect((await server.driver.introspect(ADMIN, 'another client')).body).toEqual({ active: false });
  });

  it('answers tell what is left', async () => {
    const [token, introspection, admin] = [await server.driver.token(client), await server.driver.introspect(client, await server.driver.accessToken(client)), await server.driver.adminRequest('GET', '/clients')];
    expect(limitHeaders(token)).toEqual(['"token";q=60000;w=60', expect.stringMatching(/^"token";r=5999\d;t=\d{1,2}$/), null]);
    expect(limitHeaders(introspection)).toEqual(['"introspection";q=60000;w=60', expect.stringMatching(/^"introspection";r=5[89]\d\d\d;t=\d{1,2}$/), null]);
    expect(limitHeaders(admin)).toEqual(['"admin";q=6000;w=60', expect.stringMatching(/^"admin";r=599\d;t=\d{1,2}$/), null]);
  });

  it.each(['/.well-known/jwks.json', '/.well-known/openid-configuration', '/health/live', '/health/ready'])('%s has no limit', async (path) => {
    const answers = await many(40, () => server.driver.request('GET', path));
    expect(answers.map((answer) => [answer.status, ...limitHeaders(answer)])).toEqual(Array(40).fill([200, null, null, null]));
  });
});

describe('RATE_LIMIT_ENABLED=false', () => {
  it('nothing is limited, whatever the other settings say, and no answer speaks of limits', async () => {
    const server = await TestServer.start({ env: { RATE_LIMIT_ENABLED: 'false', RATE_LIMIT_TOKEN_PER_MINUTE: '1', RATE_LIMIT_CLIENT_FAILURES_PER_5_MINUTES: '1' } });
    try {
      const answers = [...(await many(3, () => server.driver.token(ADMIN))), ...(await many(3, () => server.driver.token({ clientId: 'nobody', clientSecret: 'x' })))];
      expect(answers.map((answer) => [answer.status, ...limitHeaders(answer)])).toEqual([200, 200, 200, 401, 401, 401].map((status) => [status, null, null, null]));
    } finally {
      await server.stop();
    }
  });
});

describeOnOneDatabase('clients', (kind) => {
  let server: TestServer;
  let client: Credentials;
  let other: Credentials;
  let app: Credentials;

  beforeEach(async () => {
    server = await limited({ RATE_LIMIT_TOKEN_PER_MINUTE: '5', RATE_LIMIT_INTROSPECTION_PER_MINUTE: '4', RATE_LIMIT_ADMIN_PER_MINUTE: '6' }, kind);
    client = await server.driver.registerClient({ scope: 'read' });
    other = await server.driver.registerClient({ scope: 'read' });
    app = await server.driver.registerClient({ grant_types: ['authorization_code'], redirect_uris: [CALLBACK], scope: 'read', token_endpoint_auth_method: 'none' });
  });
  afterEach(() => server.stop());

  it('a client gets so many tokens in a minute, from all addresses, and then others still do', async () => {
    const ask = (address: string, credentials = client) => server.driver.form('/oauth/token', { grant_type: 'client_credentials' }, credentials, from(address));
    const remaining = [];
    for (let i = 0; i < 5; i++) remaining.push(/r=(\d+)/.exec((await ask(`192.0.2.${i}`)).headers.get('ratelimit')!)![1]);
    expect(remaining).toEqual(['4', '3', '2', '1', '0']);
    const refused = await ask('192.0.2.9');
    expectOAuthError(refused, 429, 'temporarily_unavailable');
    const seconds = expectRefusal(refused, 'token', 5);
    expect((await ask('192.0.2.9', other)).status).toBe(200);
    server.clock.advanceSeconds(seconds - 1);
    expect((await ask('192.0.2.1')).status).toBe(429);
    server.clock.advanceSeconds(1);
    expect((await ask('192.0.2.1')).status).toBe(200);
    expect((await ask('192.0.2.1')).status).toBe(429);
    server.clock.advanceSeconds(120);
    expect((await many(6, () => ask('192.0.2.1'))).map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 429]);
  });

  it('the window slides: the end of one does not let through what belongs to two', async () => {
    const statuses = async () => (await many(6, () => server.driver.token(client))).filter(({ status }) => status === 200).length;
    expect(await statuses()).toBe(5);
    let within = 0;
    for (let second = 0; second < 59; second++) {
      server.clock.advanceSeconds(1);
      within += await statuses();
    }
    expect(within).toBeLessThanOrEqual(5);
  });

  it('a refused grant counts like a token', async () => {
    const statuses = (await many(6, () => server.driver.token(client, { scope: 'unknown' }))).map(({ status }) => status);
    expect(statuses.sort()).toEqual([400, 400, 400, 400, 400, 429]);
  });

  it('a public client, which anybody can name, is counted by address as well', async () => {
    const ask = (address: string) => server.driver.form('/oauth/token', { grant_type: 'authorization_code', code: 'mg_ac_none', client_id: app.clientId, redirect_uri: CALLBACK }, undefined, from(address));
    expect((await many(6, () => ask('192.0.2.1'))).map(({ status }) => status).sort()).toEqual([400, 400, 400, 400, 400, 429]);
    expect((await ask('192.0.2.2')).status).toBe(400);
  });

  it('introspections are counted apart from tokens', async () => {
    await many(5, () => server.driver.token(client));
    expect((await many(4, () => server.driver.introspect(client, 'x'))).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expectRefusal(await server.driver.introspect(client, 'x'), 'introspection', 4);
  });

  it('an admin client is told in problem details; HEAD counts like the GET that it is', async () => {
    const token = await server.driver.accessToken(ADMIN);
    const ask = (method = 'GET') => server.driver.adminRequest(method, '/clients', undefined, { token });
    // Three made the clients.
    expect([(await ask()).status, (await ask('HEAD')).status, (await ask()).status]).toEqual([200, 200, 200]);
    const refused = await ask();
    expectProblem(refused, 429);
    expectRefusal(refused, 'admin', 6);
    expect((await ask('HEAD')).status).toBe(429);
  });

  it('methods that an endpoint does not have are not counted', async () => {
    for (const method of ['HEAD', 'GET', 'OPTIONS', 'PUT']) for (let i = 0; i < 7; i++) expect((await server.driver.request(method, '/oauth/token')).status).toBe(405);
    expect((await server.driver.token(client)).headers.get('ratelimit')).toMatch(/;r=4;/);
  });
});

describeOnOneDatabase('failed authentications', (kind) => {
  let server: TestServer;
  let client: Credentials;

  beforeEach(async () => {
    server = await limited({ RATE_LIMIT_CLIENT_FAILURES_PER_5_MINUTES: '4', RATE_LIMIT_ADDRESS_FAILURES_PER_5_MINUTES: '10' }, kind);
    client = await server.driver.registerClient({ scope: 'read', redirect_uris: ['https://app.example/cb'], grant_types: ['client_credentials', 'authorization_code'] });
    // The news of it, which would drop it from memory once more.
    await server.get(ChangeFeed).poll();
  });
  afterEach(() => server.stop());
  const ask = (address: string, credentials: Credentials = { ...client, clientSecret: 'wrong' }, path = '/oauth/token') => server.driver.form(path, { grant_type: 'client_credentials', token: 'x' }, credentials, from(address));
  const bearer = (address: string, token = 'wrong') => server.driver.adminRequest('GET', '/clients', undefined, { token, headers: from(address) });

  it.each([
    ['addresses of one /64 (S4)', ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff', '[2001:db8:1:2::9]:4711', '2001:DB8:1:2::3'], '2001:db8:1:2:3::4', '2001:db8:1:3::1'],
    ['an IPv4 address and its form in IPv6', ['192.0.2.7', '::ffff:192.0.2.7', '::ffff:c000:207', '192.0.2.7:4711'], '192.0.2.7', '192.0.2.8'],
  ])('%s are one caller', async (_, addresses, sameCaller, another) => {
    for (const address of addresses) expect((await ask(address)).status).toBe(401);
    expectRefusal(await ask(sameCaller, client), 'client_failures', 4, 300);
    expect((await ask(another, client)).status).toBe(200);
  });

  it('all endpoints and both methods count together, and what is refused is not counted', async () => {
    for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke', '/oauth/par']) expect((await ask('192.0.2.1', undefined, path)).status).toBe(401);
    for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke', '/oauth/par']) expectRefusal(await ask('192.0.2.1', client, path), 'client_failures', 4, 300);
    const post = await server.driver.form('/oauth/token', { grant_type: 'client_credentials', client_id: client.clientId, client_secret: client.clientSecret }, undefined, from('192.0.2.1'));
    const seconds = expectRefusal(post, 'client_failures', 4, 300);
    server.clock.advanceSeconds(seconds);
    expect((await ask('192.0.2.1', client)).status).toBe(200);
  });

  it('an address that tries many clients is refused what would fail, and what would have to be looked up; clients that work there go on', async () => {
    expect((await ask('192.0.2.1', client)).status).toBe(200);
    for (let i = 0; i < 10; i++) expect((await ask('192.0.2.1', { clientId: `nobody-${i}`, clientSecret: 'x' })).status).toBe(401);
    const [unknown, known] = [await ask('192.0.2.1', { clientId: 'nobody-11', clientSecret: 'x' }), await ask('192.0.2.1')];
    expectRefusal(unknown, 'address_failures', 10, 300);
    expect(seen(known)).toEqual(seen(unknown));
    expect((await ask('192.0.2.1', client)).status).toBe(200);
    expect((await ask('192.0.2.2', { clientId: 'nobody-11', clientSecret: 'x' })).status).toBe(401);
  });

  it('invalid tokens at the admin API count by address; good ones go on there', async () => {
    const good = await server.driver.accessToken(ADMIN);
    for (let i = 0; i < 10; i++) expectProblem(await bearer('192.0.2.1'), 401);
    const refused = await bearer('192.0.2.1');
    expectProblem(refused, 429);
    expectRefusal(refused, 'address_failures', 10, 300);
    expect((await bearer('192.0.2.1', good)).status).toBe(200);
    expect((await bearer('192.0.2.2')).status).toBe(401);
  });

  it('S1: the page of a registered origin can read that it should wait', async () => {
    for (let i = 0; i < 4; i++) await ask('192.0.2.1');
    const { headers } = await server.driver.form('/oauth/token', { grant_type: 'client_credentials' }, client, { ...from('192.0.2.1'), origin: 'https://app.example' });
    expect([headers.get('retry-after'), headers.get('access-control-allow-origin')]).toEqual([expect.stringMatching(/^\d+$/), 'https://app.example']);
    expect(headers.get('access-control-expose-headers')!.split(', ')).toEqual(expect.arrayContaining(['Retry-After', 'RateLimit', 'RateLimit-Policy']));
  });

  it('client ids of any length, and headers that hold none, are counted too', async () => {
    const long = { clientId: 'x'.repeat(8000), clientSecret: 'x' };
    const broken = (header: string) => server.driver.request('POST', '/oauth/token', { headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: header, ...from('192.0.2.3') }, body: 'grant_type=client_credentials' });
    expect((await many(5, () => ask('192.0.2.2', long))).map(({ status }) => status).sort()).toEqual([401, 401, 401, 401, 429]);
    expect((await many(5, (i) => broken(`Basic ${i}!`))).map(({ status }) => status).sort()).toEqual([401, 401, 401, 401, 429]);
  });

  it('a refusal is told once for each caller and window, in the log and the audit log, without what was tried; the metric counts each', async () => {
    await many(9, () => ask('192.0.2.1'));
    await many(6, () => ask('192.0.2.9', { clientId: 'nobody-at-all', clientSecret: 'x' }));
    const lines = () => server.logLines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === 'rate limit reached');
    expect(lines()).toEqual([
      expect.objectContaining({ level: 'warn', limit: 'client_failures', address: '192.0.2.1', client_id: client.clientId, request_id: expect.any(String) as string }),
      expect.not.objectContaining({ client_id: expect.anything() as string }),
    ]);
    await server.get(AuditLog).flush();
    const { body } = await server.driver.adminRequest<{ items: { type: string }[] }>('GET', '/audit-events?type=rate_limit.exceeded');
    expect(body.items.filter(({ type }) => type === 'rate_limit.exceeded')).toEqual([
      expect.objectContaining({ client_id: null, detail: { limit: 'client_failures' } }),
      expect.objectContaining({ client_id: client.clientId, detail: { limit: 'client_failures' }, actor: expect.objectContaining({ address: '192.0.2.1' }) as object }),
    ]);
    const metric = server.get(Metrics).snapshot().find(({ name }) => name === 'mintgate_rate_limited_requests_total');
    expect(metric!.values.filter(({ value }) => value > 0)).toEqual([{ labels: { limit: 'client_failures' }, value: 5 + 2 }]);
    expect(server.logLines.join('\n')).not.toContain('nobody-at-all');
    expect(server.logLines.filter((line) => line.includes('"status":429'))).toEqual([]);
    expect(server.logLines.join('\n')).not.toContain(basic({ ...client, clientSecret: 'wrong' }).slice(6));
    server.clock.advanceSeconds(601);
    await many(5, () => ask('192.0.2.1'));
    expect(lines()).toHaveLength(3);
  });
});

describeOnOneDatabase('G16: a proxy that is not trusted', (kind) => {
  it('X-Forwarded-For of any kind leads to the same bucket', async () => {
    const server = await limited({ TRUST_PROXY: '', RATE_LIMIT_CLIENT_FAILURES_PER_5_MINUTES: '4' }, kind);
    try {
      const ask = (headers: Record<string, string>) => server.driver.form('/oauth/token', { grant_type: 'client_credentials' }, { clientId: 'nobody', clientSecret: 'x' }, headers);
      const spoofed: Record<string, string>[] = [from('192.0.2.1'), from('192.0.2.2, 10.0.0.1'), { forwarded: 'for=192.0.2.3' }, { 'x-real-ip': '192.0.2.4' }];
      for (const headers of spoofed) expect((await ask(headers)).status).toBe(401);
      expectRefusal(await ask(from('198.51.100.5')), 'client_failures', 4, 300);
    } finally {
      await server.stop();
    }
  });
});

describeOnOneDatabase('users', (kind) => {
  let server: TestServer;
  let legacy: Credentials;
  let web: Credentials;
  let margaret: RegisteredUser;
  let ada: RegisteredUser;

  const start = async (limits: Record<string, string>) => {
    server = await limited(limits, kind);
    legacy = await server.driver.registerClient({ grant_types: ['password'], scope: 'read' });
    web = await server.driver.registerClient({ grant_types: ['authorization_code'], redirect_uris: [CALLBACK], scope: 'read', skip_consent: true });
    margaret = await server.driver.registerUser({ username: 'margaret' });
    ada = await server.driver.registerUser({ username: 'ada' });
  };
  afterEach(() => server.stop());
  const grant = ({ username, password }: { username: string; password: string }, address: string) => server.driver.form('/oauth/token', { grant_type: 'password', username, password }, legacy, from(address));

  it('passwords for one account from one address, right ones too and however the name is written; nobody shuts her out elsewhere', async () => {
    await start({ RATE_LIMIT_ACCOUNT_LOGINS_PER_MINUTE: '2' });
    expect([(await grant(margaret, '192.0.2.1')).status, (await grant({ username: 'MARGARET', password: 'wrong' }, '192.0.2.1')).status]).toEqual([200, 400]);
    const refused = await grant(margaret, '192.0.2.1');
    expectOAuthError(refused, 429, 'temporarily_unavailable');
    const seconds = expectRefusal(refused, 'account_logins', 2);
    expect(refused.headers.get('deprecation')).not.toBeNull();
    expect([(await grant(margaret, '192.0.2.2')).status, (await grant(ada, '192.0.2.1')).status]).toEqual([200, 200]);
    server.clock.advanceSeconds(seconds);
    expect((await grant(margaret, '192.0.2.1')).status).toBe(200);
  });

  it('a user that there is not is limited in the same way', async () => {
    await start({ RATE_LIMIT_ACCOUNT_LOGINS_PER_MINUTE: '1' });
    const answers = [];
    for (const username of ['margaret', 'nobody', 'x'.repeat(5000)]) {
      expect((await grant({ username, password: 'wrong' }, '192.0.2.1')).status).toBe(400);
      answers.push(seen(await grant({ username, password: 'wrong' }, '192.0.2.1')));
    }
    expect(answers[0].status).toBe(429);
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });

  it('passwords for all accounts from one address, at the pages and by the grant: the page says so in words', async () => {
    await start({ RATE_LIMIT_ADDRESS_LOGINS_PER_MINUTE: '2' });
    const [address, local] = ['192.0.2.1', '127.0.0.1'];
    expect([(await grant(margaret, address)).status, (await grant(ada, address)).status, (await grant(ada, address)).status]).toEqual([200, 200, 429]);
    await grant(margaret, local);
    await grant(ada, local);
    for (const [path, language, words] of [[authorizationUrl(web), 'en', 'Too many requests'], ['/account', 'de', 'zu viele Anfragen']] as const) {
      const browser = new Browser(server.url);
      const page = await browser.follow(await browser.get(path, { 'accept-language': language }));
      const fields = { username: 'margaret', password: margaret.password, decision: 'sign_in' };
      const refused = await browser.post(/<form[^>]*action="([^"]*)"/.exec(page.text)![1], { ...hidden(page.text), ...fields }, { 'accept-language': language });
      expectRefusal(refused, 'address_logins', 2);
      expect(refused.headers.get('content-type')).toMatch(/^text\/html/);
      expect(new HtmlDocument(refused.text).text).toContain(words);
      expect(refused.headers.get('set-cookie')).toBeNull();
    }
  });

  it('requests of browsers by address: authorization endpoint, its pages, pushed requests, the account page', async () => {
    await start({ RATE_LIMIT_AUTHORIZATION_PER_MINUTE: '4' });
    const push = (address: string) => server.driver.request('POST', '/oauth/par', { headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: basic(web), ...from(address) }, body: authorizationQuery(web) });
    const get = (path: string, address: string, method = 'GET') => server.driver.request(method, path, { headers: from(address) });
    const address = '2001:db8::1';
    expect([(await get(authorizationUrl(web), address)).status, (await get('/account', '2001:db8::2')).status, (await push('2001:db8::3')).status, (await get(authorizationUrl(web), address, 'HEAD')).status]).toEqual([303, 200, 201, 303]);
    expectOAuthError(await push(address), 429, 'temporarily_unavailable');
    for (const path of [authorizationUrl(web), '/account', '/oauth/authorize/none', '/oauth/authorize/none/login', '/oauth/authorize/none/consent']) {
      const page = await get(path, address);
      expectRefusal(page, 'authorization', 4);
      expect(new HtmlDocument(page.text).text).toContain('Too many requests');
    }
    expect((await get('/account', '2001:db8:0:1::1')).status).toBe(200);
  });

  it('what is stored of authorization requests and of requests that public clients push, by address and KiB', async () => {
    await start({ RATE_LIMIT_AUTHORIZATION_KIB_PER_HOUR: '8' });
    const app = await server.driver.registerClient({ grant_types: ['authorization_code'], token_endpoint_auth_method: 'none', redirect_uris: [CALLBACK], scope: 'read' });
    const begin = (address: string, state: string) => server.driver.request('GET', authorizationUrl(web, { state }), { headers: from(address) });
    const push = (client: Credentials, address: string) => {
      const authorization: Record<string, string> = client.clientSecret === '' ? {} : { authorization: basic(client) };
      const headers = { 'content-type': 'application/x-www-form-urlencoded', ...authorization, ...from(address) };
      return server.driver.request('POST', '/oauth/par', { headers, body: authorizationQuery(client) });
    };
    const address = '2001:db8::1';
    expect((await begin(address, 'x'.repeat(3_500))).status).toBe(303);
    expect((await begin('2001:db8::2', 'x')).status).toBe(303);
    expect((await push(app, '2001:db8::3')).status).toBe(201);
    const tooMuch = await begin(address, 'x'.repeat(2_500));
    expectRefusal(tooMuch, 'authorization_storage', 8, 3_600);
    expect(new HtmlDocument(tooMuch.text).text).toContain('Too many requests');
    for (let i = 0; i < 2; i++) expect((await push(app, address)).status).toBe(201);
    expectOAuthError(await push(app, address), 429, 'temporarily_unavailable');
    // Many users may come by the address of a client that authenticates, and a request that is answered is not stored.
    expect((await push(web, address)).status).toBe(201);
    expect((await begin('2001:db8:0:1::1', 'x')).status).toBe(303);
    const seconds = expectRefusal(await begin(address, 'x'.repeat(2_500)), 'authorization_storage', 8, 3_600);
    server.clock.advanceSeconds(seconds);
    expect((await begin(address, 'x'.repeat(2_500))).status).toBe(303);
  });
});

const hidden = (html: string) => Object.fromEntries([...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]));

describe('what one process remembers', () => {
  const clock = new FakeClock();
  const world: RateLimitWorld = { clock, share: () => undefined, refused: () => undefined };
  const refuses = (limit: RateLimit, key: string): boolean => {
    try {
      limit.take(key, {});
      return false;
    } catch {
      return true;
    }
  };

  it('is bounded; a caller who keeps coming is not driven out by a flood of others', () => {
    const limit = new RateLimit('address_failures', 10, 300_000, world);
    for (const key of ['busy', 'idle']) for (let i = 0; i < 10; i++) expect(refuses(limit, key)).toBe(false);
    for (let i = 0; i < 100_000; i++) {
      refuses(limit, `other ${i}`);
      if (i % 10_000 === 0) expect(refuses(limit, 'busy')).toBe(true);
    }
    expect(refuses(limit, 'busy')).toBe(true);
    expect(refuses(limit, 'idle')).toBe(false);
    expect((limit as unknown as { counts: Map<string, unknown> }).counts.size).toBe(20_000);
  });

  it('survives a clock that is set back', () => {
    const limit = new RateLimit('token', 2, 60_000, world);
    expect([refuses(limit, 'client'), refuses(limit, 'client'), refuses(limit, 'client')]).toEqual([false, false, true]);
    clock.advanceSeconds(-86_400);
    expect([refuses(limit, 'client'), refuses(limit, 'client'), refuses(limit, 'client')]).toEqual([false, false, true]);
    clock.advanceSeconds(86_400);
  });
});
