import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { FakeClock } from '../../support/fake-clock.js';
import { flipCase, withSegment } from '../../support/forged-tokens.js';
import { freePort } from '../../support/mariadb.js';
import { ADMIN, TestServer } from '../../support/test-server.js';
import { OAuthDriver } from '../../support/oauth-driver.js';

const RESOURCE = 'https://api.example.com';
/** These clients speak https only, unless told that this is a loopback address. */
const INSECURE = { [oauth.allowInsecureRequests]: true } as const;
const ODD_SECRET = 'p:q r+%20é~/=&?#"\\ß€🔑-0123456789';

const METHODS = ['client_secret_basic', 'client_secret_post'] as const;
const ISSUERS: [string, string][] = [['an issuer without a path', ''], ['an issuer with a path', '/tenants/t1']];

describe.each(ISSUERS)('Unmodified clients from npm against %s', (_, path) => {
  let server: TestServer;
  let driver: OAuthDriver;

  beforeAll(async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    // The clients look at the real time.
    server = await TestServer.start({ clock: new FakeClock(Date.now()), env: { PORT: String(port), ISSUER: url + path, BOOTSTRAP_CLIENT_SECRET: ODD_SECRET } });
    driver = new OAuthDriver(url, { clientId: ADMIN.clientId, clientSecret: ODD_SECRET });
    await driver.registerResource({ identifier: RESOURCE, scopes: [{ name: 'read' }, { name: 'write' }] });
  });
  afterAll(() => server.stop());

  const register = (method: string, metadata = {}) => driver.registerClient({ scope: 'read write', token_endpoint_auth_method: method, ...metadata });

  describe.each(['oidc', 'oauth2'] as const)('openid-client, discovery by %s', (algorithm) => {
    it.each(METHODS)('gets, introspects and revokes a token by %s', async (method) => {
      const { clientId, clientSecret } = await register(method);
      const authentication = method === 'client_secret_basic' ? openid.ClientSecretBasic(clientSecret) : openid.ClientSecretPost(clientSecret);
      const config = await openid.discovery(new URL(server.issuer), clientId, undefined, authentication, { algorithm, execute: [openid.allowInsecureRequests] });
      expect(config.serverMetadata().issuer).toBe(server.issuer);

      const tokens = await openid.clientCredentialsGrant(config, { scope: 'read', resource: RESOURCE });
      expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'read', expires_in: 300 });
      expect(tokens.expiresIn()).toBeGreaterThan(290);
      expect(await openid.tokenIntrospection(config, tokens.access_token)).toMatchObject({ active: true, client_id: clientId, scope: 'read', aud: RESOURCE, iss: server.issuer });
      await openid.tokenRevocation(config, tokens.access_token, { token_type_hint: 'access_token' });
      expect(await openid.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false });
    });

    it('tells a refusal by its code', async () => {
      const { clientId, clientSecret } = await register('client_secret_basic');
      const options = { algorithm, execute: [openid.allowInsecureRequests] };
      const discover = (secret: string) => openid.discovery(new URL(server.issuer), clientId, undefined, openid.ClientSecretBasic(secret), options);
      await expect(openid.clientCredentialsGrant(await discover('wrong'))).rejects.toMatchObject({ status: 401, code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE' });
      await expect(openid.clientCredentialsGrant(await discover(clientSecret), { scope: 'admin' })).rejects.toMatchObject({ status: 400, error: 'invalid_scope' });
    });
  });

  it('openid-client authenticates by Basic with a secret of any characters', async () => {
    const config = await openid.discovery(new URL(server.issuer), ADMIN.clientId, undefined, openid.ClientSecretBasic(ODD_SECRET), { execute: [openid.allowInsecureRequests] });
    const { access_token: token } = await openid.clientCredentialsGrant(config);
    const answer = await openid.fetchProtectedResource(config, token, new URL(`${server.issuer}/admin/v1/clients`), 'GET');
    expect(answer.status).toBe(200);
  });

  describe.each(['oidc', 'oauth2'] as const)('oauth4webapi, discovery by %s', (algorithm) => {
    async function discover(): Promise<oauth.AuthorizationServer> {
      const issuer = new URL(server.issuer);
      return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...INSECURE }));
    }

    it.each(METHODS)('gets, validates by RFC 9068, introspects and revokes a token by %s', async (method) => {
      const as = await discover();
      const { clientId, clientSecret } = await register(method);
      const client: oauth.Client = { client_id: clientId };
      const authentication = method === 'client_secret_basic' ? oauth.ClientSecretBasic(clientSecret) : oauth.ClientSecretPost(clientSecret);
      const introspect = async (token: string) => oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, authentication, token, INSECURE));

      const issued = await oauth.clientCredentialsGrantRequest(as, client, authentication, { scope: 'read write' }, INSECURE);
      const { access_token: token, scope } = await oauth.processClientCredentialsResponse(as, client, issued);
      expect(scope).toBe('read write');
      const called = (bearer: string) => new Request(`${RESOURCE}/things`, { headers: { authorization: `Bearer ${bearer}` } });
      const claims = await oauth.validateJwtAccessToken(as, called(token), RESOURCE, INSECURE);
      expect(claims).toMatchObject({ iss: server.issuer, aud: RESOURCE, sub: clientId, client_id: clientId, scope: 'read write' });
      await expect(oauth.validateJwtAccessToken(as, called(token), 'https://other.example.com', INSECURE)).rejects.toThrow();
      await expect(oauth.validateJwtAccessToken(as, called(withSegment(token, 2, flipCase)), RESOURCE, INSECURE)).rejects.toThrow();

      expect(await introspect(token)).toMatchObject({ active: true, client_id: clientId, token_type: 'Bearer' });
      expect(await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, authentication, token, INSECURE))).toBeUndefined();
      expect(await introspect(token)).toEqual({ active: false });
    });

    it('reads the challenge of a refused client', async () => {
      const as = await discover();
      const { clientId } = await register('client_secret_basic');
      const client: oauth.Client = { client_id: clientId };
      const answer = await oauth.clientCredentialsGrantRequest(as, client, oauth.ClientSecretBasic('wrong'), {}, INSECURE);
      await expect(oauth.processClientCredentialsResponse(as, client, answer)).rejects.toBeInstanceOf(oauth.WWWAuthenticateChallengeError);
    });

    it('reads the error of a client that is refused in the body', async () => {
      const as = await discover();
      const { clientId } = await register('client_secret_post');
      const client: oauth.Client = { client_id: clientId };
      const answer = await oauth.clientCredentialsGrantRequest(as, client, oauth.ClientSecretPost('wrong'), {}, INSECURE);
      await expect(oauth.processClientCredentialsResponse(as, client, answer)).rejects.toMatchObject({ status: 401, error: 'invalid_client' });
    });
  });

  it('jose follows the JWKS over a rotation', async () => {
    const { jwks_uri: uri } = (await driver.request<{ jwks_uri: string }>('GET', `${path}/.well-known/openid-configuration`)).body;
    const keys = createRemoteJWKSet(new URL(uri));
    const client = await register('client_secret_basic');
    const options = { issuer: server.issuer, audience: RESOURCE, typ: 'at+jwt' };
    const before = await driver.accessToken(client);
    await expect(jwtVerify(before, keys, options)).resolves.toMatchObject({ payload: { client_id: client.clientId } });
    expect((await driver.adminRequest('POST', '/keys/rotate', {})).status).toBe(200);
    // Without fetching again: the key was published before it signed.
    for (const token of [before, await driver.accessToken(client)]) await expect(jwtVerify(token, keys, options)).resolves.toBeDefined();
    await expect(jwtVerify(withSegment(before, 2, flipCase), keys, options)).rejects.toMatchObject({ code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' });
    await expect(jwtVerify(before, keys, { ...options, audience: 'https://other.example.com' })).rejects.toMatchObject({ code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' });
  });
});

describe.each(['ES256', 'RS256', 'PS256', 'EdDSA'])('oauth4webapi with ACCESS_TOKEN_SIGNING_ALG=%s', (alg) => {
  it('validates the token by RFC 9068', async () => {
    const server = await TestServer.start({ clock: new FakeClock(Date.now()), env: { ACCESS_TOKEN_SIGNING_ALG: alg } });
    try {
      const issuer = new URL(server.issuer);
      const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...INSECURE }));
      const client = await server.driver.registerClient();
      const request = new Request('https://api.example.com', { headers: { authorization: `Bearer ${await server.driver.accessToken(client)}` } });
      const claims = await oauth.validateJwtAccessToken(as, request, server.issuer, { ...INSECURE, signingAlgorithms: [alg] });
      expect(claims.client_id).toBe(client.clientId);
    } finally {
      await server.stop();
    }
  });
});
