import { setImmediate } from 'node:timers/promises';
import { describeOnEachDatabase } from '../../support/databases.js';
import type { Credentials } from '../../support/oauth-driver.js';
import { DAY, type Key, keyIn, keysOf, kidOf, kidsOf, rotate, sorted, wait } from '../../support/signing-keys.js';
import { TestServer } from '../../support/test-server.js';

describeOnEachDatabase('Deleting a signing key in an emergency', (kind) => {
  let server: TestServer;
  let client: Credentials;

  beforeEach(async () => {
    server = await TestServer.start({ kind });
    client = await server.driver.registerClient({ access_token_lifetime: DAY });
    server.clock.advanceSeconds(1);
  });
  afterEach(() => server.stop());

  /** Opaque, so that it outlives the keys. */
  async function opaqueAdminToken(): Promise<string> {
    return server.driver.accessToken(await server.driver.registerClient({ scope: 'keys:read keys:write', access_token_format: 'opaque', access_token_lifetime: DAY }));
  }

  const isActive = async (token: string) => (await server.driver.introspect(client, token)).body['active'];

  it('takes the active one out of the JWKS and its tokens out of use at once; the next one signs', async () => {
    const [active, next] = [await keyIn(server, 'active'), await keyIn(server, 'next')];
    const token = await server.driver.accessToken(client);
    expect(await isActive(token)).toBe(true);
    expect((await server.driver.adminRequest('DELETE', `/keys/${active.kid}`)).status).toBe(204);
    expect(await isActive(token)).toBe(false);
    expect(await kidsOf(server)).not.toContain(active.kid);
    const fresh = await server.driver.accessToken(client);
    expect(kidOf(fresh)).toBe(next.kid);
    expect(await isActive(fresh)).toBe(true);
    const keys = await keysOf(server);
    expect(keys.map(({ status }) => status).sort()).toEqual(['active', 'next']);
    expect(sorted(await kidsOf(server))).toEqual(sorted(keys.map(({ kid }) => kid)));
  });

  it('makes the admin’s own token invalid when that key signed it', async () => {
    const active = await keyIn(server, 'active');
    await server.driver.adminRequest('DELETE', `/keys/${active.kid}`);
    expect((await server.driver.adminRequest('GET', '/keys')).status).toBe(401);
    expect((await keysOf(server)).map(({ kid }) => kid)).not.toContain(active.kid);
  });

  it('takes a retired one out of the JWKS, and its tokens out of use', async () => {
    const token = await server.driver.accessToken(client);
    await rotate(server);
    const fresh = await server.driver.accessToken(client);
    expect((await server.driver.adminRequest('DELETE', `/keys/${kidOf(token)}`)).status).toBe(204);
    expect(await isActive(token)).toBe(false);
    expect(await isActive(fresh)).toBe(true);
    expect(await kidsOf(server)).not.toContain(kidOf(token));
  });

  it('puts another in the place of the next one, which may not sign before others know it', async () => {
    await rotate(server);
    const next = await keyIn(server, 'next');
    wait(server);
    server.driver.renewAdminToken();
    expect((await server.driver.adminRequest('DELETE', `/keys/${next.kid}`)).status).toBe(204);
    const other = await keyIn(server, 'next');
    expect(other.kid).not.toBe(next.kid);
    expect(await kidsOf(server)).toContain(other.kid);
    expect((await rotate(server)).status).toBe(409);
  });

  it.each([
    ['next, active, retired', ['next', 'active', 'retired']],
    ['active, next, retired', ['active', 'next', 'retired']],
    ['retired, active, next', ['retired', 'active', 'next']],
  ] as const)('takes all of them away that are asked for at once (%s), and others take their places', async (_, order) => {
    const token = await opaqueAdminToken();
    await rotate(server);
    const before = await keysOf(server);
    const compromised = order.map((status) => before.find((key) => key.status === status)!.kid);
    const answers = await Promise.all(compromised.map((kid) => server.driver.adminRequest('DELETE', `/keys/${kid}`, undefined, { token })));
    expect(answers.map(({ status }) => status)).toEqual([204, 204, 204]);
    const keys = await keysOf(server);
    expect(keys.map(({ status }) => status).sort()).toEqual(['active', 'next']);
    for (const kids of [keys.map(({ kid }) => kid), await kidsOf(server)]) expect(kids.filter((kid) => compromised.includes(kid))).toEqual([]);
    expect(await isActive(await server.driver.accessToken(client))).toBe(true);
  });

  it('takes both away, one after the other: the next one that stepped in, too', async () => {
    const token = await opaqueAdminToken();
    const compromised = (await keysOf(server)).map(({ kid }) => kid);
    for (const kid of compromised) expect((await server.driver.adminRequest('DELETE', `/keys/${kid}`, undefined, { token })).status).toBe(204);
    const keys = await keysOf(server);
    expect(keys.map(({ status }) => status).sort()).toEqual(['active', 'next']);
    expect(keys.filter(({ kid }) => compromised.includes(kid))).toEqual([]);
    expect(await isActive(await server.driver.accessToken(client))).toBe(true);
  });

  it('does not miss its key when a rotation comes between', async () => {
    const missed: string[] = [];
    for (let round = 0; round < 20; round++) {
      wait(server);
      const { kid } = await keyIn(server, 'active');
      const token = await opaqueAdminToken();
      const rotation = server.driver.adminRequest('POST', '/keys/rotate', {}, { token });
      const deletions = [0, 1, 2, 3].map(async (place) => {
        for (let turns = 0; turns < round + 5 * place; turns++) await setImmediate();
        const { status } = await server.driver.adminRequest('DELETE', `/keys/${kid}`, undefined, { token });
        const { items } = (await server.driver.adminRequest<{ items: Key[] }>('GET', '/keys', undefined, { token })).body;
        if (items.some((key) => key.kid === kid)) missed.push(`round ${round}: answered ${status}, and the key is still there`);
      });
      await Promise.all([rotation, ...deletions]);
      expect((await keysOf(server)).map(({ status }) => status).filter((status) => status !== 'retired').sort()).toEqual(['active', 'next']);
    }
    expect(missed).toEqual([]);
  });

  it.each(['unknown', 'A'.repeat(43), '..%2f..%2fx', "'%20OR%201=1"])('of a kid that there is not (%s) is 404', async (kid) => {
    const keys = await keysOf(server);
    expect((await server.driver.adminRequest('DELETE', `/keys/${kid}`)).status).toBe(404);
    expect(await keysOf(server)).toEqual(keys);
  });

  it('is audited, as is a rotation, with the kid and who did it', async () => {
    const active = await keyIn(server, 'active');
    await rotate(server);
    await server.driver.adminRequest('DELETE', `/keys/${active.kid}`);
    server.driver.renewAdminToken();
    for (const type of ['signing_key.rotated', 'signing_key.deleted']) {
      const { body } = await server.driver.adminRequest<{ items: Record<string, unknown>[] }>('GET', `/audit-events?type=${type}`);
      expect(body.items).toHaveLength(1);
      expect(body.items[0]).toMatchObject({ actor: { client_id: 'test-admin', address: '127.0.0.1' } });
      expect(JSON.stringify(body.items[0]['detail'])).toContain(active.kid);
    }
  });
});
