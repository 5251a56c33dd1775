import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { flipCase, mirroredEcdsa, nonCanonical, ownKey, segment, signedJwt, withSegment } from '../../support/forged-tokens.js';
import { type Credentials, decodeJwt } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';

type Jwk = Record<string, unknown>;

describe('RFC 8725 forged and malformed tokens at introspection', () => {
  let server: TestServer;
  let client: Credentials;
  let token: string;
  let header: Record<string, unknown>;
  let claims: Record<string, unknown>;
  let key: KeyObject;
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  beforeAll(async () => {
    server = await TestServer.start();
    client = await server.driver.registerClient({ scope: 'a b' });
    token = await server.driver.accessToken(client);
    ({ header, claims } = decodeJwt(token));
    key = ownKey(server).privateKey;
  });
  afterAll(() => server.stop());

  async function expectInactive(forged: string): Promise<void> {
    const answer = await server.driver.introspect(client, forged);
    expect(answer.text).toBe('{"active":false}');
    expect(answer.status).toBe(200);
  }

  it('the tools of this suite make an active token when nothing is wrong with it', async () => {
    expect((await server.driver.introspect(client, signedJwt(header, claims, key))).body).toEqual({ active: true, token_type: 'Bearer', ...claims });
  });

  describe('a token that was altered', () => {
    const opaque = async () => server.driver.accessToken(await server.driver.registerClient({ access_token_format: 'opaque' }));

    it.each<[string, (token: string) => string]>([
      ['one character short', (t) => t.slice(0, -1)],
      ['without its first character', (t) => t.slice(1)],
      ['one character longer', (t) => `${t}A`],
      ['with one letter of the header in the other case', (t) => withSegment(t, 0, flipCase)],
      ['with one letter of the payload in the other case', (t) => withSegment(t, 1, flipCase)],
      ['with one letter of the signature in the other case', (t) => withSegment(t, 2, flipCase)],
      ['with a non-canonical last character of the signature', (t) => withSegment(t, 2, nonCanonical)],
      ['with a padded header', (t) => withSegment(t, 0, (s) => `${s}=`)],
      ['with a padded payload', (t) => withSegment(t, 1, (s) => `${s}=`)],
      ['with a padded signature', (t) => withSegment(t, 2, (s) => `${s}==`)],
      ['with a signature in base64 in place of base64url', (t) => withSegment(t, 2, (s) => Buffer.from(s, 'base64url').toString('base64'))],
      ['with its signature in DER', (t) => withSegment(t, 2, () => sign('sha256', Buffer.from(t.split('.').slice(0, 2).join('.')), key).toString('base64url'))],
      ['with an empty signature', (t) => withSegment(t, 2, () => '')],
      ['with a signature of zeros', (t) => withSegment(t, 2, () => Buffer.alloc(64).toString('base64url'))],
      ['with an empty header', (t) => withSegment(t, 0, () => '')],
      ['with an empty payload', (t) => withSegment(t, 1, () => '')],
      ['without its signature segment', (t) => t.split('.').slice(0, 2).join('.')],
      ['with a fourth segment', (t) => `${t}.${t.split('.')[2]}`],
      ['with a space in front', (t) => ` ${t}`],
      ['with a space behind', (t) => `${t} `],
      ['with spaces around its dots', (t) => t.split('.').join(' . ')],
      ['with a line feed behind', (t) => `${t}\n`],
      ['with a line feed inside the signature', (t) => withSegment(t, 2, (s) => `${s.slice(0, 40)}\n${s.slice(40)}`)],
      ['with a “Bearer ” in front', (t) => `Bearer ${t}`],
      ['twice, separated by a comma', (t) => `${t},${t}`],
    ])('%s is inactive', async (_, alter) => {
      await expectInactive(alter(token));
    });

    it.each<[string, (token: string) => string]>([
      ['one character short', (t) => t.slice(0, -1)],
      ['one character longer', (t) => `${t}A`],
      ['with one letter in the other case', flipCase],
      ['with its prefix in the other case', (t) => t.replace('mg_at_', 'MG_AT_')],
      ['with the prefix of a client secret', (t) => t.replace('mg_at_', 'mg_cs_')],
      ['without its prefix', (t) => t.slice('mg_at_'.length)],
      ['as a pattern', (t) => `${t.slice(0, -1)}_`],
      ['with a space behind', (t) => `${t} `],
    ])('an opaque token %s is inactive', async (_, alter) => {
      await expectInactive(alter(await opaque()));
    });
  });

  describe('a token signed with a key of somebody else', () => {
    it('and the kid of ours is inactive', () => expectInactive(signedJwt(header, claims, stranger.privateKey)));
    it('and a kid that we do not have is inactive', () => expectInactive(signedJwt({ ...header, kid: 'unknown' }, claims, stranger.privateKey)));
    it('that it brings along in jwk is inactive', () => expectInactive(signedJwt({ ...header, jwk: stranger.publicKey.export({ format: 'jwk' }) }, claims, stranger.privateKey)));
    it('and no kid at all is inactive', () => expectInactive(signedJwt({ alg: 'ES256', typ: 'at+jwt' }, claims, stranger.privateKey)));
  });

  describe('§3.1 a token whose alg is not that of its key', () => {
    it.each(['none', 'None', 'NONE', ''])('alg %p without a signature is inactive', async (alg) => {
      await expectInactive(`${segment({ ...header, alg })}.${segment(claims)}.`);
      await expectInactive(`${segment({ ...header, alg })}.${token.split('.').slice(1).join('.')}`);
    });

    it.each<[string, (jwk: Jwk) => string | Buffer]>([
      ['PEM', (jwk) => createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' })],
      ['trimmed PEM', (jwk) => String(createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' })).trim()],
      ['DER', (jwk) => createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' })],
      ['JWK', (jwk) => JSON.stringify(jwk)],
    ])('HS256 with our public key (%s) as its secret is inactive', async (_, secretOf) => {
      const secret = secretOf((await jwks()).find(({ kid }) => kid === header['kid'])!);
      const input = `${segment({ ...header, alg: 'HS256' })}.${segment(claims)}`;
      await expectInactive(`${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`);
    });

    it.each(['ES384', 'ES256K', 'RS256', 'PS256', 'EdDSA', 'es256', 'ES256 '])('alg %p over a signature by ES256 is inactive', async (alg) => {
      await expectInactive(signedJwt({ ...header, alg }, claims, key));
    });

    const jwks = async () => (await server.driver.request<{ keys: Jwk[] }>('GET', '/.well-known/jwks.json')).body.keys;
  });

  describe('a header that we never write, over a signature by our own key', () => {
    it.each<[string, (header: Record<string, unknown>) => Record<string, unknown> | string | null]>([
      ['typ JWT', (h) => ({ ...h, typ: 'JWT' })],
      ['typ application/at+jwt in other case', (h) => ({ ...h, typ: 'AT+JWT' })],
      ['no typ', ({ alg, kid }) => ({ alg, kid })],
      ['no kid', ({ alg, typ }) => ({ alg, typ })],
      ['jku', (h) => ({ ...h, jku: 'https://evil.example/jwks.json' })],
      ['jwk', (h) => ({ ...h, jwk: { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' } })],
      ['x5u', (h) => ({ ...h, x5u: 'https://evil.example/cert.pem' })],
      ['x5c', (h) => ({ ...h, x5c: ['MIIB'] })],
      ['an unknown crit', (h) => ({ ...h, crit: ['b64'], b64: false })],
      ['an empty crit', (h) => ({ ...h, crit: [] })],
      ['zip', (h) => ({ ...h, zip: 'DEF' })],
      ['a repeated alg', (h) => `{"alg":"none",${JSON.stringify(h).slice(1)}`],
      ['a repeated kid', (h) => `{"kid":"other",${JSON.stringify(h).slice(1)}`],
      ['a space in its JSON', (h) => JSON.stringify(h, null, 1)],
      ['a byte order mark', (h) => `\ufeff${JSON.stringify(h)}`],
      ['null', () => null],
      ['an array', () => '[]'],
      ['a number', () => '1'],
      ['no JSON', () => '{'],
      ['a kid that is an object', (h) => ({ ...h, kid: { toString: 'x' } })],
      ['a kid that is __proto__', (h) => ({ ...h, kid: '__proto__' })],
      ['a kid that climbs paths', (h) => ({ ...h, kid: '../../../dev/null' })],
      ['a kid with SQL in it', (h) => ({ ...h, kid: "' OR 1=1 --" })],
    ])('%s is inactive', async (_, change) => {
      await expectInactive(signedJwt(change(header), claims, key));
    });

    it('a kid of 5 KB is inactive', () => expectInactive(signedJwt({ ...header, kid: 'k'.repeat(5_000) }, claims, key)));
    it('a kid of 10 KB is inactive', () => expectInactive(signedJwt({ ...header, kid: 'k'.repeat(10_240) }, claims, key)));
  });

  describe('RFC 9068 §2.2 and §4 claims that we never write, over a signature by our own key', () => {
    it.each<[string, (claims: Record<string, unknown>) => Record<string, unknown> | string | null]>([
      ['another issuer', (c) => ({ ...c, iss: 'https://evil.example' })],
      ['our issuer with a slash behind', (c) => ({ ...c, iss: `${String(c['iss'])}/` })],
      ['our issuer in other case', (c) => ({ ...c, iss: String(c['iss']).toUpperCase() })],
      ['an issuer that begins with ours', (c) => ({ ...c, iss: `${String(c['iss'])}.evil.example` })],
      ['a list of issuers', (c) => ({ ...c, iss: [c['iss']] })],
      ['an exp in the past', (c) => ({ ...c, exp: (c['iat'] as number) - 1 })],
      ['an exp of now', (c) => ({ ...c, exp: c['iat'] })],
      ['an exp that is text', (c) => ({ ...c, exp: '9999999999' })],
      ['an exp that is a list', (c) => ({ ...c, exp: [9_999_999_999] })],
      ['a client that is unknown', (c) => ({ ...c, client_id: 'nobody' })],
      ['a client_id that is an object', (c) => ({ ...c, client_id: { $ne: null } })],
      ['a jti without the end of ours', (c) => ({ ...c, jti: String(c['jti']).slice(0, 22) })],
      ...['iss', 'exp', 'aud', 'sub', 'client_id', 'jti'].map((name): [string, (claims: Record<string, unknown>) => Record<string, unknown>] => [
        `no ${name}`, (c) => Object.fromEntries(Object.entries(c).filter(([each]) => each !== name)),
      ]),
      ['a payload of null', () => null],
      ['a payload of a list', () => '[]'],
      ['a payload of text', () => '"x"'],
      ['a payload that is empty', () => ''],
      ['a payload that is no JSON', () => '{"iss":'],
    ])('%s is inactive', async (_, change) => {
      await expectInactive(signedJwt(header, change(claims), key));
    });
  });

  describe('what is no token of ours', () => {
    const theirs = { iss: 'https://evil.example', sub: 'x', aud: 'x', exp: 9_999_999_999, client_id: 'x', jti: 'x' };
    const foreign = signedJwt({ alg: 'ES256', typ: 'at+jwt', kid: 'theirs' }, theirs, stranger.privateKey);

    it.each([
      ['a token of another server', foreign],
      ['a word', 'garbage'],
      ['one character', 'x'],
      ['dots', '..'],
      ['more dots', '.....'],
      ['100 dots', '.'.repeat(100)],
      ['the prefix of an opaque token alone', 'mg_at_'],
      ['a random opaque token', `mg_at_${'A'.repeat(43)}`],
      ['a JWE', 'a.b.c.d.e'],
      ['JSON', '{"active":true}'],
      ['SQL', "' OR '1'='1"],
      ['a LIKE pattern', 'mg_at_%'],
      ['emoji', '🔑.🔑.🔑'],
      ['an opaque prefix and emoji', 'mg_at_🔑'],
      ['a control character', 'a\u0001b'],
      ['9 KB', 'x'.repeat(9 * 1024)],
      ['9 KB of an opaque token', `mg_at_${'x'.repeat(9 * 1024)}`],
      ['9 KB in three segments', Array(3).fill('A'.repeat(3 * 1024)).join('.')],
    ])('%s is inactive', (_, value) => expectInactive(value));

    it('our own token with 9 KB more is inactive', () => expectInactive(token + 'x'.repeat(9 * 1024)));
    it('a client secret is inactive', () => expectInactive(client.clientSecret));
  });

  it('a revoked token stays revoked in the other valid form of its ECDSA signature', async () => {
    const revoked = await server.driver.accessToken(client);
    await server.driver.revoke(client, revoked);
    await expectInactive(withSegment(revoked, 2, mirroredEcdsa));
  });

  it('after all of this the token itself is active, and nothing has failed inside', async () => {
    expect((await server.driver.introspect(client, token)).body).toMatchObject({ active: true });
    expect(server.logLines.filter((line) => !/"level":"(info|debug)"/.test(line))).toEqual([]);
  });
});
