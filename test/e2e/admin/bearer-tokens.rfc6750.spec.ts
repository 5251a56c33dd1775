import { type Answer, basic, type Credentials } from '../../support/oauth-driver.js';
import { expectProblem } from '../../support/problems.js';
import { ADMIN, TestServer } from '../../support/test-server.js';

const challengeOf = (answer: Answer): string => answer.headers.get('www-authenticate') ?? '';

describe('RFC 6750 §2 how the access token is sent', () => {
  let server: TestServer;
  let token: string;

  beforeAll(async () => {
    server = await TestServer.start();
    token = await server.driver.accessToken(ADMIN);
  });
  afterAll(() => server.stop());

  const list = (headers: Record<string, string>, query = '') => server.driver.request('GET', `/admin/v1/clients${query}`, { headers });

  it.each(['Bearer', 'bearer', 'BEARER', 'bEaReR'])('the scheme may be written %s', async (scheme) => {
    expect((await list({ authorization: `${scheme} ${token}` })).status).toBe(200);
  });

  it('a token in the query is not looked at', async () => {
    const answer = await list({}, `?access_token=${token}`);
    expectProblem(answer, 401);
    expect(challengeOf(answer)).not.toContain('error');
    expect(server.logLines.join('\n')).not.toContain(token);
  });

  it('a token in the query beside the header is refused, not ignored', async () => {
    expectProblem(await list({ authorization: `Bearer ${token}` }, `?access_token=${token}`), 400);
  });

  it('a token in a form body is not looked at', async () => {
    expectProblem(await server.driver.form('/admin/v1/clients', { access_token: token }), 401);
  });

  it.each([
    ['the same token twice', () => [`Bearer ${token}`, `Bearer ${token}`]],
    ['Basic before Bearer', () => [basic(ADMIN), `Bearer ${token}`]],
    ['Bearer before Basic', () => [`Bearer ${token}`, basic(ADMIN)]],
  ])('two Authorization headers are 400 invalid_request: %s', async (_, headers) => {
    const lines = headers().map((value) => `Authorization: ${value}\r\n`).join('');
    const answer = await server.driver.raw(`GET /admin/v1/clients HTTP/1.1\r\nHost: localhost\r\n${lines}Connection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toMatch(/www-authenticate: Bearer .*error="invalid_request"/i);
  });

  it('§3.1 another scheme is 401 with a challenge that names no error', async () => {
    const answer = await list({ authorization: basic(ADMIN) });
    expectProblem(answer, 401);
    expect(challengeOf(answer)).toMatch(/^Bearer\b/);
    expect(challengeOf(answer)).not.toContain('error');
  });

  it.each([
    ['no token', () => 'Bearer'],
    ['an empty token', () => 'Bearer '],
    ['two tokens', () => `Bearer ${token} ${token}`],
    ['a comma behind the token', () => `Bearer ${token},`],
    ['a quoted token', () => `Bearer "${token}"`],
    ['a name before the token', () => `Bearer token=${token}`],
    ['a tab for the space', () => `Bearer\t${token}`],
    ['a token of 10 KB', () => `Bearer ${'a'.repeat(10_000)}`],
    ['another scheme that ends in bearer', () => `XBearer ${token}`],
  ])('a malformed header is refused: %s', async (_, header) => {
    const answer = await list({ authorization: header() });
    expect([400, 401]).toContain(answer.status);
    expectProblem(answer, answer.status);
  });
});

describe('an admin token that is not good any more is 401 invalid_token', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server.stop());

  const status = async (token: string) => {
    const answer = await server.driver.adminRequest('GET', '/clients', undefined, { token });
    return [answer.status, /error="(\w+)"/.exec(challengeOf(answer))?.[1]];
  };
  const reader = (more: Record<string, unknown> = {}): Promise<Credentials> => server.driver.registerClient({ scope: 'clients:read', ...more });

  describe.each(['jwt', 'opaque'])('%s', (format) => {
    it.each<[string, (client: Credentials, token: string) => Promise<unknown>]>([
      ['revoked', (client, token) => server.driver.revoke(client, token)],
      ['its client disabled', ({ clientId }) => server.driver.adminRequest('PATCH', `/clients/${clientId}`, { enabled: false })],
      ['its client disabled and enabled again', async ({ clientId }) => {
        await server.driver.adminRequest('PATCH', `/clients/${clientId}`, { enabled: false });
        await server.driver.adminRequest('PATCH', `/clients/${clientId}`, { enabled: true });
      }],
      ['its client deleted', ({ clientId }) => server.driver.adminRequest('DELETE', `/clients/${clientId}`)],
      ['its client deleted and made anew under the same id', async ({ clientId }) => {
        await server.driver.adminRequest('DELETE', `/clients/${clientId}`);
        await server.driver.registerClient({ client_id: clientId, scope: 'clients:read' });
      }],
      ['all tokens of its client revoked', ({ clientId }) => server.driver.adminRequest('DELETE', `/clients/${clientId}/tokens`)],
    ])('%s', async (_, end) => {
      const client = await reader({ access_token_format: format });
      const token = await server.driver.accessToken(client);
      expect(await status(token)).toEqual([200, undefined]);
      await end(client, token);
      expect(await status(token)).toEqual([401, 'invalid_token']);
    });
  });

  it.each(['jwt', 'opaque'])('expired (%s)', async (format) => {
    const token = await server.driver.accessToken(await reader({ access_token_format: format, access_token_lifetime: 10 }));
    server.clock.advanceSeconds(9);
    expect(await status(token)).toEqual([200, undefined]);
    server.clock.advanceSeconds(1);
    expect(await status(token)).toEqual([401, 'invalid_token']);
    server.driver.renewAdminToken();
  });

  it('a client secret is no access token', async () => {
    expect(await status((await reader()).clientSecret)).toEqual([401, 'invalid_token']);
  });
});
