import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, createRemoteJWKSet, type JWK, jwtVerify } from 'jose';
import { KeySchedule } from '../../../src/keys/key-schedule.js';
import { eventually } from '../../support/eventually.js';
import { flipCase, ownKey, signedJwt, withSegment } from '../../support/forged-tokens.js';
import { type Credentials, decodeJwt } from '../../support/oauth-driver.js';
import { JWKS_MAX_AGE } from '../../support/signing-keys.js';
import { TestServer } from '../../support/test-server.js';

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

const KINDS = {
  ES256: { kty: 'EC', crv: 'P-256' },
  RS256: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
} as const;

type Algorithm = keyof typeof KINDS;

const generate = promisify(generateKeyPair);

/** Made beside the event loop: an RSA key would hold it up for longer than the server bears. */
async function strangersKey(alg: Algorithm): Promise<KeyObject> {
  if (alg === 'ES256') return (await generate('ec', { namedCurve: 'P-256' })).privateKey;
  if (alg === 'EdDSA') return (await generate('ed25519')).privateKey;
  return (await generate('rsa', { modulusLength: 2048 })).privateKey;
}

const jwksOf = async (server: TestServer) => (await server.driver.request<{ keys: JWK[] }>('GET', '/.well-known/jwks.json')).body.keys;

describe.each(Object.keys(KINDS) as Algorithm[])('RFC 7517 and RFC 7518 with ACCESS_TOKEN_SIGNING_ALG=%s', (alg) => {
  let server: TestServer;
  let client: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ env: { ACCESS_TOKEN_SIGNING_ALG: alg } });
    client = await server.driver.registerClient({ scope: 'a' });
  });
  afterAll(() => server.stop());

  const introspected = async (token: string) => (await server.driver.introspect(client, token)).body;

  it('publishes public members only, with use, alg and a kid of its own for each key', async () => {
    const answer = await server.driver.request<{ keys: JWK[] }>('GET', '/.well-known/jwks.json');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/jwk-set+json');
    expect(Object.keys(answer.body)).toEqual(['keys']);
    const { keys } = answer.body;
    expect(keys).toHaveLength(2);
    for (const key of keys) {
      expect(key).toMatchObject({ ...KINDS[alg], use: 'sig', alg });
      for (const member of PRIVATE_MEMBERS) expect(key).not.toHaveProperty(member);
      expect(key.kid).toBe(await calculateJwkThumbprint(key));
      if (key.kty === 'RSA') expect(Buffer.from(key.n!, 'base64url').length).toBeGreaterThanOrEqual(256);
    }
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(2);
  });

  it('issues tokens that jose verifies by the JWKS, and that introspection calls active', async () => {
    const token = await server.driver.accessToken(client);
    const { protectedHeader, payload } = await jwtVerify(token, createRemoteJWKSet(new URL(`${server.issuer}/.well-known/jwks.json`)), {
      issuer: server.issuer, audience: server.issuer, typ: 'at+jwt', algorithms: [alg], requiredClaims: ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'],
      currentDate: new Date(server.clock.nowMs()),
    });
    expect(Object.keys(protectedHeader).sort()).toEqual(['alg', 'kid', 'typ']);
    expect(payload['client_id']).toBe(client.clientId);
    expect(await introspected(token)).toMatchObject({ active: true, jti: payload.jti });
    expect((await server.driver.adminRequest('GET', '/clients')).status).toBe(200);
  });

  it('calls a token inactive when its signature is not that of its key over just these bytes', async () => {
    const token = await server.driver.accessToken(client);
    const { header, claims } = decodeJwt(token);
    const other = await server.driver.accessToken(client);
    const forged = [
      withSegment(token, 2, flipCase),
      withSegment(token, 2, (s) => s.slice(0, -4)),
      withSegment(token, 2, (s) => `${s}AAAA`),
      withSegment(token, 2, () => ''),
      withSegment(token, 2, () => 'AA'),
      withSegment(token, 2, () => other.split('.')[2]),
      withSegment(token, 1, flipCase),
      signedJwt(header, claims, await strangersKey(alg), alg),
      signedJwt(header, { ...claims, scope: 'a b' }, await strangersKey(alg), alg),
    ];
    for (const each of forged) expect(await introspected(each)).toEqual({ active: false });
    expect(await introspected(token)).toMatchObject({ active: true });
  });

  it('calls a token inactive that its key signed by another algorithm, or whose payload is no JSON object', async () => {
    const { header, claims } = decodeJwt(await server.driver.accessToken(client));
    const { privateKey } = ownKey(server, alg);
    expect(await introspected(signedJwt(header, claims, privateKey, alg))).toMatchObject({ active: true });
    const otherAlg = ({ RS256: 'PS256', PS256: 'RS256', ES256: 'EdDSA', EdDSA: 'ES256' } as const)[alg];
    const byOther = alg === 'RS256' || alg === 'PS256' ? otherAlg : alg;
    const forged = [
      signedJwt({ ...header, alg: otherAlg }, claims, privateKey, byOther),
      signedJwt(header, claims, await strangersKey(otherAlg), otherAlg),
      ...(alg === 'RS256' || alg === 'PS256' ? [signedJwt(header, claims, privateKey, otherAlg)] : []),
      ...['null', '[]', '1', '"x"', '', '{', 'x'].map((payload) => signedJwt(header, payload, privateKey, alg)),
    ];
    for (const each of forged) {
      const answer = await server.driver.introspect(client, each);
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({ active: false });
    }
  });

  it('revokes a token, and rotates the key', async () => {
    const [token, other] = [await server.driver.accessToken(client), await server.driver.accessToken(client)];
    await server.driver.revoke(client, token);
    expect(await introspected(token)).toEqual({ active: false });
    expect((await server.driver.adminRequest('POST', '/keys/rotate', {})).status).toBe(200);
    const fresh = await server.driver.accessToken(client);
    expect(decodeJwt(fresh).header['kid']).not.toBe(decodeJwt(other).header['kid']);
    expect(await introspected(fresh)).toMatchObject({ active: true });
    expect(await introspected(other)).toMatchObject({ active: true });
  });
});

describe('A change of ACCESS_TOKEN_SIGNING_ALG', () => {
  let first: TestServer;
  let second: TestServer;
  let client: Credentials;

  beforeEach(async () => {
    first = await TestServer.start();
    client = await first.driver.registerClient({ access_token_lifetime: 3600 });
    second = await TestServer.start({ database: first.database, issuer: first.issuer, clock: first.clock, env: { ACCESS_TOKEN_SIGNING_ALG: 'EdDSA' } });
  });
  afterEach(async () => {
    await second.stop();
    await first.stop();
  });

  const algOf = (token: string) => decodeJwt(token).header['alg'];
  const algsOf = async (server: TestServer) => (await jwksOf(server)).map(({ alg }) => alg).sort();

  it('publishes the first key of the new algorithm, and signs by the earlier one until others can know it', async () => {
    expect(await algsOf(second)).toEqual(['ES256', 'ES256', 'EdDSA']);
    expect(algOf(await second.driver.accessToken(client))).toBe('ES256');
    second.clock.advanceSeconds(JWKS_MAX_AGE - 1);
    await second.get(KeySchedule).check();
    expect(algOf(await second.driver.accessToken(client))).toBe('ES256');
    second.clock.advanceSeconds(1);
    await second.get(KeySchedule).check();
    expect(algOf(await second.driver.accessToken(client))).toBe('EdDSA');
    expect(await algsOf(second)).toEqual(['ES256', 'ES256', 'EdDSA', 'EdDSA']);
  });

  it('leaves the tokens of the earlier algorithm valid until they expire', async () => {
    const earlier = await first.driver.accessToken(client);
    second.clock.advanceSeconds(JWKS_MAX_AGE);
    await second.get(KeySchedule).check();
    const later = await second.driver.accessToken(client);
    for (const token of [earlier, later]) expect((await second.driver.introspect(client, token)).body).toMatchObject({ active: true });
    second.clock.advanceSeconds(3600 - JWKS_MAX_AGE);
    expect((await second.driver.introspect(client, earlier)).body).toEqual({ active: false });
  });

  it('lets the other instance of a rolling restart verify tokens of the new algorithm within one second', async () => {
    second.clock.advanceSeconds(JWKS_MAX_AGE);
    await second.get(KeySchedule).check();
    const token = await second.driver.accessToken(client);
    expect(algOf(token)).toBe('EdDSA');
    await eventually(async () => expect((await first.driver.introspect(client, token)).body).toMatchObject({ active: true }), { withinMs: 1000 });
  });
});
