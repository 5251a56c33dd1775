import { CALLBACK } from '../../support/authorization-url.js';
import { CodeFlow } from '../../support/code-flow.js';
import { corsHeaders, preflight } from '../../support/cross-origin.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import type { Answer } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { TestServer } from '../../support/test-server.js';

const APP = new URL(CALLBACK).origin;
const OTHER = 'https://other.example';
const STRANGER = 'https://evil.example';
const READABLE = { 'access-control-allow-origin': APP, 'access-control-expose-headers': 'WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy' };

describeOnOneDatabase('S1: the userinfo endpoint and pages of other origins', (kind) => {
  let server: TestServer;
  let token: string;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    const flow = await CodeFlow.signedIn(server, await server.driver.registerUser({ username: 'margaret' }));
    const spa = await register(CALLBACK);
    await register(`${OTHER}/cb`);
    token = (await flow.tokens(spa, { scope: 'openid' })).access_token;
  });
  afterAll(() => server.stop());

  const register = (redirectUri: string) =>
    server.driver.registerClient({ token_endpoint_auth_method: 'none', grant_types: ['authorization_code'], redirect_uris: [redirectUri], scope: 'openid read', skip_consent: true });
  const ask = (origin: string, authorization?: string): Promise<Answer> => server.driver.request('GET', '/oauth/userinfo', { headers: { origin, ...(authorization === undefined ? {} : { authorization }) } });

  function expectCors(answer: Answer, headers: Record<string, string>): void {
    expect(corsHeaders(answer)).toEqual(headers);
    expect(answer.headers.get('vary')).toBe('Origin');
  }

  it.each(['GET', 'POST'])('a preflight for %s of a registered origin: 204 with both methods, without credentials', async (method) => {
    const answer = await preflight(server, '/oauth/userinfo', APP, method);
    expect(answer).toMatchObject({ status: 204, text: '' });
    expectCors(answer, { ...READABLE, 'access-control-allow-methods': 'GET, POST', 'access-control-allow-headers': 'authorization, content-type', 'access-control-max-age': '600' });
  });

  it.each([STRANGER, 'null'])('a preflight of %s: 204 without leave', async (origin) => {
    const answer = await preflight(server, '/oauth/userinfo', origin, 'GET');
    expect(answer.status).toBe(204);
    expectCors(answer, {});
  });

  it('the client’s own pages may read the claims, by GET and POST', async () => {
    for (const answer of [await ask(APP, `Bearer ${token}`), await server.driver.form('/oauth/userinfo', { access_token: token }, undefined, { origin: APP })]) {
      expect(answer.status).toBe(200);
      expectCors(answer, READABLE);
    }
  });

  it('they may read the refusals, challenge included', async () => {
    for (const authorization of [undefined, 'Bearer x', 'Bearer a b']) {
      const answer = await ask(APP, authorization);
      expectOAuthError(answer, 401, 'invalid_token');
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
      expectCors(answer, READABLE);
    }
    const twice = await server.driver.form('/oauth/userinfo', { access_token: token }, undefined, { origin: APP, authorization: `Bearer ${token}` });
    expectOAuthError(twice, 400, 'invalid_request');
    expectCors(twice, READABLE);
  });

  it.each([OTHER, STRANGER, 'null', `${APP}.evil.example`])('no page of %s may read what the token opens', async (origin) => {
    const answer = await ask(origin, `Bearer ${token}`);
    expect(answer.status).toBe(200);
    expectCors(answer, {});
  });
});
