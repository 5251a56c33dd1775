import { describeOnEachDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { flipCase, mirroredEcdsa, nonCanonical, ownKey, signedJwt, withSegment } from '../../support/forged-tokens.js';
import { type Credentials, decodeJwt, type RegisteredUser } from '../../support/oauth-driver.js';
import { Scrape } from '../../support/scrape.js';
import { DAY, kidOf, rotate, wait } from '../../support/signing-keys.js';
import { TestServer } from '../../support/test-server.js';

const CACHE = 'cache="verified_tokens"';

/** What introspection, and what a gateway hears of a token. */
async function verdictsOn(server: TestServer, caller: Credentials, token: string): Promise<[active: unknown, status: number]> {
  const { body } = await server.driver.introspect(caller, token);
  const { status } = await server.driver.request('GET', '/gateway/verify', { headers: { authorization: `Bearer ${token}` } });
  return [body['active'], status];
}

const GOOD = [true, 204];
const BAD = [false, 401];

describeOnEachDatabase('a JWT whose signature was verified before', (kind) => {
  let server: TestServer;
  let client: Credentials;
  let token: string;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
  });
  beforeEach(async () => {
    server.driver.renewAdminToken();
    client = await server.driver.registerClient({ scope: 'a', grant_types: ['client_credentials', 'password', 'refresh_token'] });
    token = await server.driver.accessToken(client);
    expect(await verdictsOn(server, client, token)).toEqual(GOOD);
  });
  afterAll(() => server.stop());

  it('is not verified again by introspection or for a gateway, and says the same', async () => {
    const before = await Scrape.of(server.url);
    const said = (await server.driver.introspect(client, token)).body;
    expect(said).toEqual({ active: true, token_type: 'Bearer', ...decodeJwt(token).claims });
    expect(await verdictsOn(server, client, token)).toEqual(GOOD);
    const after = await Scrape.of(server.url);
    expect([after.rise(before, 'mintgate_cache_hits_total', CACHE), after.rise(before, 'mintgate_cache_misses_total', CACHE)]).toEqual([3, 0]);
  });

  describe('is dead at once', () => {
    it.each<[string, () => Promise<unknown>]>([
      ['when it is revoked', () => server.driver.revoke(client, token)],
      ["when all of its client's tokens are revoked", () => server.driver.adminRequest('DELETE', `/clients/${client.clientId}/tokens`)],
    ])('%s', async (_, happen) => {
      await happen();
      expect(await verdictsOn(server, client, token)).toEqual(BAD);
    });

    it.each<[string, () => Promise<unknown>]>([
      ['disabled', () => server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { enabled: false })],
      ['deleted', () => server.driver.adminRequest('DELETE', `/clients/${client.clientId}`)],
    ])('when its client is %s', async (_, happen) => {
      await happen();
      expect((await verdictsOn(server, client, token))[1]).toBe(401);
    });

    it.each<[string, (user: RegisteredUser, refreshToken: string) => Promise<unknown>]>([
      ['is signed out everywhere', ({ userId }) => server.driver.adminRequest('DELETE', `/users/${userId}/tokens`)],
      ['is disabled', ({ userId }) => server.driver.adminRequest('PATCH', `/users/${userId}`, { enabled: false })],
      ['is deleted', ({ userId }) => server.driver.adminRequest('DELETE', `/users/${userId}`)],
      ['has the refresh token revoked that it came with', (_, refreshToken) => server.driver.revoke(client, refreshToken)],
    ])('when its user %s', async (what, happen) => {
      const user = await server.driver.registerUser({ username: `${kind} ${what}` });
      const { accessToken, refreshToken } = await server.driver.signIn(client, user);
      expect(await verdictsOn(server, client, accessToken)).toEqual(GOOD);
      await happen(user, refreshToken);
      expect(await verdictsOn(server, client, accessToken)).toEqual(BAD);
      expect(await verdictsOn(server, client, token)).toEqual(GOOD);
    });

    it('when its key is deleted in an emergency', async () => {
      expect((await server.driver.adminRequest('DELETE', `/keys/${kidOf(token)}`)).status).toBe(204);
      expect(await verdictsOn(server, client, token)).toEqual(BAD);
    });

    it('in the second in which it expires', async () => {
      server.clock.advanceSeconds(299);
      expect(await verdictsOn(server, client, token)).toEqual(GOOD);
      server.clock.advanceSeconds(1);
      expect(await verdictsOn(server, client, token)).toEqual(BAD);
    });

    it('when its key, retired, comes to its end, though the token says that it is good for longer', async () => {
      const { header, claims } = decodeJwt(token);
      const lasting = signedJwt(header, { ...claims, exp: (claims['exp'] as number) + 30 * DAY }, ownKey(server).privateKey);
      wait(server);
      expect((await rotate(server)).status).toBe(200);
      expect(await verdictsOn(server, client, lasting)).toEqual(GOOD);
      server.clock.advanceSeconds(3 * DAY);
      expect(await verdictsOn(server, client, lasting)).toEqual(BAD);
    });
  });

  describe('leaves every other token what it is', () => {
    it('one that differs in a single character, wherever it is', async () => {
      const changed = Array.from(token, (character, at) => token.slice(0, at) + (character === 'A' ? 'B' : 'A') + token.slice(at + 1));
      changed.push(`${token}A`, `${token}=`, ` ${token}`, `${token} `, token.slice(0, -1), token.toUpperCase());
      for (let at = 0; at < changed.length; at += 10) {
        const answers = await Promise.all(changed.slice(at, at + 10).map((each) => server.driver.introspect(client, each)));
        expect(answers.map(({ text }) => text)).toEqual(answers.map(() => '{"active":false}'));
      }
      expect(await verdictsOn(server, client, token)).toEqual(GOOD);
    });

    it('one of the same claims without a signature, with another one, or with the same one spelt otherwise', async () => {
      for (const other of [() => '', flipCase, nonCanonical]) expect(await verdictsOn(server, client, withSegment(token, 2, other))).toEqual(BAD);
    });

    it('one with the second signature that anybody can make of an ECDSA signature is verified for itself, and revoked with the first', async () => {
      const mirrored = withSegment(token, 2, mirroredEcdsa);
      const before = await Scrape.of(server.url);
      await server.driver.introspect(client, mirrored);
      expect((await Scrape.of(server.url)).rise(before, 'mintgate_cache_misses_total', CACHE)).toBe(1);
      await server.driver.revoke(client, token);
      for (const each of [token, mirrored]) expect(await verdictsOn(server, client, each)).toEqual(BAD);
    });
  });

  it('what is not a good token is not kept', async () => {
    const { header, claims } = decodeJwt(token);
    const bad = [withSegment(token, 2, flipCase), 'x', 'a.b.c', signedJwt(header, { ...claims, exp: 1 }, ownKey(server).privateKey), signedJwt(header, { ...claims, iss: 'https://other.example' }, ownKey(server).privateKey)];
    const before = await Scrape.of(server.url);
    for (const each of [...bad, ...bad]) expect(await verdictsOn(server, client, each)).toEqual(BAD);
    const after = await Scrape.of(server.url);
    expect([after.rise(before, 'mintgate_cache_entries', CACHE), after.rise(before, 'mintgate_cache_hits_total', CACHE)]).toEqual([0, 0]);
  });

  it('memory is bounded: of long tokens fewer are kept, and those that were asked about longest ago are verified anew', async () => {
    const { header, claims } = decodeJwt(token);
    const { privateKey } = ownKey(server);
    const long = (index: number): string => signedJwt(header, { ...claims, scope: `${index} ${'x'.repeat(8000)}` }, privateKey);
    const first = long(0);
    const many = Math.ceil(8_000_000 / first.length) + 5;
    for (let index = 0; index < many; index += 25) {
      const answers = await Promise.all(Array.from({ length: 25 }, (_, more) => server.driver.introspect(client, long(index + more))));
      expect(new Set(answers.map(({ body }) => body['active']))).toEqual(new Set([true]));
    }
    const before = await Scrape.of(server.url);
    expect(before.value('mintgate_cache_entries', CACHE)).toBeLessThanOrEqual(8_000_000 / first.length);
    expect(before.value('mintgate_cache_entries_limit', CACHE)).toBe(10_000);
    expect((await server.driver.introspect(client, token)).body['active']).toBe(true);
    expect((await Scrape.of(server.url)).rise(before, 'mintgate_cache_misses_total', CACHE)).toBe(1);
  });
});

describeOnEachDatabase('a JWT whose signature another instance has verified before', (kind) => {
  let a: TestServer;
  let b: TestServer;
  let client: Credentials;
  let token: string;

  beforeAll(async () => {
    a = await TestServer.start({ kind });
    b = await TestServer.start({ database: a.database, issuer: a.issuer, clock: a.clock });
  });
  beforeEach(async () => {
    a.driver.renewAdminToken();
    client = await a.driver.registerClient({ scope: 'a', grant_types: ['client_credentials', 'password'] });
    token = await a.driver.accessToken(client);
    await eventually(async () => expect(await verdictsOn(b, client, token)).toEqual(GOOD));
  });
  afterAll(async () => {
    await b?.stop();
    await a?.stop();
  });

  const deadOnTheOther = (each = token) => eventually(async () => expect((await verdictsOn(b, client, each))[1]).toBe(401), { withinMs: 1000 });

  it.each<[string, () => Promise<unknown>]>([
    ['is revoked', () => a.driver.revoke(client, token)],
    ["goes with all of its client's tokens", () => a.driver.adminRequest('DELETE', `/clients/${client.clientId}/tokens`)],
    ['loses its client', () => a.driver.adminRequest('DELETE', `/clients/${client.clientId}`)],
    ['loses its key', () => a.driver.adminRequest('DELETE', `/keys/${kidOf(token)}`)],
  ])('is dead there within one second when it %s here', async (_, happen) => {
    await happen();
    await deadOnTheOther();
  });

  it('is dead there within one second when its user is signed out everywhere here', async () => {
    const user = await a.driver.registerUser({ username: `grace-${kind}` });
    const { accessToken } = await a.driver.signIn(client, user);
    await eventually(async () => expect(await verdictsOn(b, client, accessToken)).toEqual(GOOD));
    await a.driver.adminRequest('DELETE', `/users/${user.userId}/tokens`);
    await deadOnTheOther(accessToken);
  });
});
