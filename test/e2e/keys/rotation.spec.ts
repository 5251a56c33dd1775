import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { KeySchedule } from '../../../src/keys/key-schedule.js';
import { describeOnEachDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import type { Credentials } from '../../support/oauth-driver.js';
import { DAY, JWKS_MAX_AGE, jwksOf, keyIn, keysOf, kidOf, kidsOf, rotate, sorted, wait } from '../../support/signing-keys.js';
import { TestServer } from '../../support/test-server.js';

describeOnEachDatabase('Rotation of signing keys', (kind) => {
  let server: TestServer;
  let client: Credentials;

  beforeEach(async () => {
    server = await TestServer.start({ kind });
    client = await server.driver.registerClient({ access_token_lifetime: DAY });
    server.clock.advanceSeconds(1);
  });
  afterEach(() => server.stop());

  const isActive = async (token: string) => (await server.driver.introspect(client, token)).body['active'];

  it('starts with an active key and a next one, both published', async () => {
    const keys = await keysOf(server);
    expect(keys.map(({ status }) => status).sort()).toEqual(['active', 'next']);
    expect(sorted(await kidsOf(server))).toEqual(sorted(keys.map(({ kid }) => kid)));
    expect(kidOf(await server.driver.accessToken(client))).toBe(keys.find(({ status }) => status === 'active')!.kid);
  });

  it('makes the next key sign and publishes another, while tokens of the former one stay good', async () => {
    const [active, next] = [await keyIn(server, 'active'), await keyIn(server, 'next')];
    const before = await server.driver.accessToken(client);
    const published = createLocalJWKSet(await jwksOf(server));

    const answer = await rotate(server);
    expect(answer.status).toBe(200);
    const after = await server.driver.accessToken(client);
    expect(kidOf(after)).toBe(next.kid);
    expect(await isActive(before)).toBe(true);
    expect(await isActive(after)).toBe(true);

    const keys = await keysOf(server);
    expect(answer.body['items']).toEqual(keys);
    expect(keys.find(({ kid }) => kid === active.kid)).toMatchObject({ status: 'retired' });
    expect(keys.find(({ kid }) => kid === next.kid)).toMatchObject({ status: 'active' });
    expect(keys.filter(({ status }) => status === 'next')).toHaveLength(1);
    expect(sorted(await kidsOf(server))).toEqual(sorted(keys.map(({ kid }) => kid)));

    // Whoever fetched the JWKS before the rotation can verify what is signed after it.
    const options = { issuer: server.issuer, typ: 'at+jwt', currentDate: new Date(server.clock.nowMs()) };
    for (const token of [before, after]) await expect(jwtVerify(token, published, options)).resolves.toBeDefined();
  });

  it('is refused with Retry-After while others may hold a JWKS without the next key, and done when that time is over', async () => {
    expect((await rotate(server)).status).toBe(200);
    const keys = await keysOf(server);
    server.clock.advanceSeconds(10);

    const early = await rotate(server);
    expect(early.status).toBe(409);
    expect(early.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(Number(early.headers.get('retry-after'))).toBe(JWKS_MAX_AGE - 10);
    expect(await keysOf(server)).toEqual(keys);

    server.clock.advanceSeconds(JWKS_MAX_AGE - 11);
    expect((await rotate(server)).status).toBe(409);
    server.clock.advanceSeconds(1);
    expect((await rotate(server)).status).toBe(200);
    expect(kidOf(await server.driver.accessToken(client))).toBe(keys.find(({ status }) => status === 'next')!.kid);
  });

  it('keeps a retired key published until the last token that it signed has expired, then forgets it', async () => {
    const token = await server.driver.accessToken(client);
    await rotate(server);
    server.clock.advanceSeconds(DAY - 1);
    expect(await kidsOf(server)).toContain(kidOf(token));
    expect(await isActive(token)).toBe(true);

    const retired = await keyIn(server, 'retired');
    expect(retired.kid).toBe(kidOf(token));
    server.clock.advanceSeconds((Date.parse(retired.expires_at!) - server.clock.nowMs()) / 1000);
    expect(await kidsOf(server)).not.toContain(retired.kid);
    expect((await keysOf(server)).map(({ kid }) => kid)).not.toContain(retired.kid);
    expect(await isActive(token)).toBe(false);
    expect(await isActive(await server.driver.accessToken(client))).toBe(true);

    server.clock.advanceSeconds(1);
    await server.get(KeySchedule).check();
    expect(await kidsOf(server)).toHaveLength(2);
  });

  describe('by the calendar', () => {
    it('happens after 90 days, not sooner', async () => {
      const keys = await keysOf(server);
      server.clock.advanceSeconds(89 * DAY);
      await server.get(KeySchedule).check();
      expect(await keysOf(server)).toEqual(keys);
      server.clock.advanceSeconds(2 * DAY);
      await server.get(KeySchedule).check();
      const rotated = await keysOf(server);
      expect(rotated.find(({ status }) => status === 'active')!.kid).toBe(keys.find(({ status }) => status === 'next')!.kid);
      expect(rotated.filter(({ status }) => status === 'retired')).toHaveLength(1);
      const { body } = await server.driver.adminRequest<{ items: Record<string, unknown>[] }>('GET', '/audit-events?type=signing_key.rotated');
      expect(body.items).toMatchObject([{ actor: { client_id: null } }]);
      await server.get(KeySchedule).check();
      expect(await keysOf(server)).toEqual(rotated);
    });
  });

  describe('with two instances', () => {
    let second: TestServer;

    beforeEach(async () => {
      second = await TestServer.start({ database: server.database, issuer: server.issuer, clock: server.clock });
    });
    afterEach(() => second.stop());

    const agreed = () => eventually(async () => expect(sorted(await kidsOf(second))).toEqual(sorted(await kidsOf(server))));

    it('happens once when ten are asked for at once', async () => {
      wait(server);
      const before = await keysOf(server);
      await keysOf(second);
      const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => (i % 2 ? second : server).driver.adminRequest('POST', '/keys/rotate', {})));
      for (const { status } of answers) expect([200, 409]).toContain(status);
      expect(answers.map(({ status }) => status)).toContain(200);
      const after = await keysOf(server);
      expect(after.map(({ status }) => status).sort()).toEqual(['active', 'next', 'retired']);
      expect(after.find(({ status }) => status === 'active')!.kid).toBe(before.find(({ status }) => status === 'next')!.kid);
      await agreed();
      expect(new Set(await kidsOf(second)).size).toBe(3);
    });

    it('happens once when both find it due', async () => {
      server.clock.advanceSeconds(91 * DAY);
      await Promise.all([server, second].map((each) => each.get(KeySchedule).check()));
      expect((await keysOf(server)).map(({ status }) => status).sort()).toEqual(['active', 'next', 'retired']);
    });

    it('never issues a token that a JWKS fetched shortly before or after cannot verify', async () => {
      const issued: { atSeconds: number; token: string }[] = [];
      const fetched: { atSeconds: number; jwks: JSONWebKeySet }[] = [];
      const now = () => server.clock.nowMs() / 1000;
      const look = async () => {
        for (const each of [server, second]) {
          fetched.push({ atSeconds: now(), jwks: await jwksOf(each) });
          issued.push({ atSeconds: now(), token: await each.driver.accessToken(client) });
        }
      };
      for (let round = 0; round < 4; round++) {
        await look();
        expect((await rotate(round % 2 ? second : server)).status).toBe(200);
        await look();
        await agreed();
        await look();
        for (let third = 0; third < 3; third++) {
          server.clock.advanceSeconds(JWKS_MAX_AGE / 3);
          await look();
        }
      }
      const pairs = issued.flatMap(({ token, atSeconds }) =>
        fetched.filter((each) => each.atSeconds > atSeconds - JWKS_MAX_AGE && each.atSeconds < atSeconds + DAY).map(({ jwks }) => ({ token, jwks, at: atSeconds })),
      );
      expect(pairs.length).toBeGreaterThan(500);
      expect(new Set(issued.map(({ token }) => kidOf(token))).size).toBe(5);
      for (const { token, jwks, at } of pairs) {
        await jwtVerify(token, createLocalJWKSet(jwks), { issuer: server.issuer, audience: server.issuer, typ: 'at+jwt', currentDate: new Date(at * 1000) });
      }
    });
  });
});

describe('Rotation of signing keys by configuration', () => {
  it('KEY_ROTATION_INTERVAL_DAYS=0 leaves it to the admin', async () => {
    const server = await TestServer.start({ env: { KEY_ROTATION_INTERVAL_DAYS: '0' } });
    try {
      const keys = await keysOf(server);
      server.clock.advanceSeconds(4000 * DAY);
      await server.get(KeySchedule).check();
      expect(await keysOf(server)).toEqual(keys);
      expect((await rotate(server)).status).toBe(200);
    } finally {
      await server.stop();
    }
  });

  it('JWKS_MAX_AGE_SECONDS decides how long the next key is published before it signs', async () => {
    const server = await TestServer.start({ env: { JWKS_MAX_AGE_SECONDS: '20' } });
    try {
      server.clock.advanceSeconds(1);
      await rotate(server);
      expect((await rotate(server)).headers.get('retry-after')).toBe('20');
      expect((await server.driver.request('GET', '/.well-known/jwks.json')).headers.get('cache-control')).toBe('public, max-age=18');
      server.clock.advanceSeconds(20);
      expect((await rotate(server)).status).toBe(200);
    } finally {
      await server.stop();
    }
  });
});
