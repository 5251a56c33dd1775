import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { type Credentials, decodeJwt, type Form } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';

describe.each(['ES256', 'RS256', 'PS256', 'EdDSA'])('RFC 9068 §2 JWT access tokens, signed with %s', (alg) => {
  let server: TestServer;
  let client: Credentials;

  const issue = async (form: Form = {}, credentials = client) => (await server.driver.token(credentials, form)).body;

  beforeAll(async () => {
    server = await TestServer.start({ env: { ACCESS_TOKEN_SIGNING_ALG: alg } });
    client = await server.driver.registerClient({ scope: 'read write', access_token_lifetime: 120 });
  });
  afterAll(() => server.stop());

  it('verify against the published keys, with the type, issuer, audience and times that a resource server checks', async () => {
    const token = (await issue())['access_token'] as string;
    const keys = createLocalJWKSet((await server.driver.request('GET', '/.well-known/jwks.json')).body as unknown as JSONWebKeySet);
    const { protectedHeader } = await jwtVerify(token, keys, { issuer: server.issuer, audience: server.issuer, typ: 'at+jwt', algorithms: [alg], currentDate: new Date(server.clock.nowMs()), requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id'] });
    expect(protectedHeader.kid).toEqual(expect.any(String));
  });

  it('§2.1: the header is typ at+jwt, alg and kid, and nothing else', async () => {
    const { kid, ...header } = decodeJwt((await issue())['access_token'] as string).header;
    expect(header).toEqual({ typ: 'at+jwt', alg });
    expect(kid).toMatch(/^[\w-]+$/);
  });

  it('§2.2: the claims are iss, exp, aud, sub, client_id, iat, jti and scope, and nothing else', async () => {
    const { jti, ...claims } = decodeJwt((await issue({ scope: 'read' }))['access_token'] as string).claims;
    const now = Math.floor(server.clock.nowMs() / 1000);
    expect(claims).toEqual({ iss: server.issuer, sub: client.clientId, client_id: client.clientId, aud: server.issuer, scope: 'read', iat: now, exp: now + 120 });
    expect(typeof jti).toBe('string');
  });

  it('expires_in is exp - iat, and the client\'s request does not choose it', async () => {
    for (const form of [{}, { expires_in: '999999' }, { exp: '9999999999', lifetime: '1', ttl: '1', access_token_lifetime: '86400' }] as Form[]) {
      const body = await issue(form);
      const { claims } = decodeJwt(body['access_token'] as string);
      expect(body['expires_in']).toBe(120);
      expect((claims['exp'] as number) - (claims['iat'] as number)).toBe(120);
    }
  });

  it('parameters of a request do not become claims', async () => {
    const { claims } = decodeJwt((await issue({ sub: 'root', client_id: client.clientId, aud: 'x', audience: 'x', iss: 'x', roles: 'admin', act: 'x', alg: 'none' }))['access_token'] as string);
    expect(claims).toMatchObject({ sub: client.clientId, aud: server.issuer, iss: server.issuer });
    expect(Object.keys(claims).sort()).toEqual(['aud', 'client_id', 'exp', 'iat', 'iss', 'jti', 'scope', 'sub']);
  });

  it('each has a jti of its own, of 128 bits at least', async () => {
    const ids: string[] = [];
    for (let round = 0; round < 20; round++) {
      const bodies = await Promise.all(Array.from({ length: 10 }, () => issue()));
      ids.push(...bodies.map((body) => decodeJwt(body['access_token'] as string).claims['jti'] as string));
    }
    expect(new Set(ids).size).toBe(200);
    for (const id of ids) expect(id).toMatch(/^[\w-]{22,}$/);
    // The part that makes it unique is the random one, and it does not merely count.
    expect(new Set(ids.map((id) => id.slice(0, 8))).size).toBe(200);
  });
});
