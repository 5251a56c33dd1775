import { describeOnEachDatabase } from '../../support/databases.js';
import type { Answer } from '../../support/oauth-driver.js';
import { expectProblem } from '../../support/problems.js';
import { ADMIN, TestServer } from '../../support/test-server.js';

interface Key {
  kid: string;
  alg: string;
  status: string;
  published_at: string;
  activated_at: string | null;
  retired_at: string | null;
  expires_at: string | null;
}

describeOnEachDatabase('signing keys in the admin API', (kind) => {
  let server: TestServer;

  beforeEach(async () => {
    server = await TestServer.start({ kind });
  });
  afterEach(() => server.stop());

  const list = () => server.driver.adminRequest<{ items: Key[]; next_cursor: null }>('GET', '/keys');
  const rotate = (body?: unknown): Promise<Answer> => server.driver.adminRequest('POST', '/keys/rotate', body);
  const statuses = async () => (await list()).body.items.map(({ status }) => status).sort();
  const jwks = async () => (await server.driver.request<{ keys: { kid: string }[] }>('GET', '/.well-known/jwks.json')).body.keys.map(({ kid }) => kid).sort();

  it('are listed by what they are, and never with a private part', async () => {
    const { status, body, text } = await list();
    expect(status).toBe(200);
    expect(body.next_cursor).toBeNull();
    for (const key of body.items) expect(Object.keys(key).sort()).toEqual(['activated_at', 'alg', 'expires_at', 'kid', 'published_at', 'retired_at', 'status']);
    expect(body.items.map(({ alg, status: state }) => `${alg} ${state}`).sort()).toEqual(['ES256 active', 'ES256 next']);
    expect(text).not.toMatch(/"d"|sealed|BEGIN|private/i);
    expect(await jwks()).toEqual(body.items.map(({ kid }) => kid).sort());
  });

  it('take no query parameters', async () => {
    expectProblem(await server.driver.adminRequest('GET', '/keys?status=active'), 400, '/status');
  });

  it('rotate: the next one is active, the active one retired but still published, and a fresh next one is there', async () => {
    const before = (await list()).body.items;
    const token = await server.driver.accessToken(ADMIN);
    expect((await rotate()).status).toBe(200);
    const after = (await list()).body.items;
    const of = (items: Key[], status: string) => items.find((key) => key.status === status)!;
    expect(of(after, 'active').kid).toBe(of(before, 'next').kid);
    expect(of(after, 'retired')).toMatchObject({ kid: of(before, 'active').kid, retired_at: new Date(server.clock.nowMs()).toISOString(), expires_at: expect.any(String) as string });
    expect(await statuses()).toEqual(['active', 'next', 'retired']);
    expect((await server.driver.adminRequest('GET', '/keys', undefined, { token })).status).toBe(200);
  });

  it('rotate again while others may not know the next one is 409 with Retry-After, and works after that', async () => {
    server.clock.advanceSeconds(1);
    await rotate({});
    const answer = await rotate({});
    expectProblem(answer, 409);
    const wait = Number(answer.headers.get('retry-after'));
    expect(wait).toBeGreaterThan(0);
    server.clock.advanceSeconds(wait);
    server.driver.renewAdminToken();
    expect((await rotate({})).status).toBe(200);
  });

  it.each<[unknown, number, string?]>([[{ alg: 'none' }, 400, '/alg'], [{ alg: 7 }, 400, '/alg'], [{ kid: 'x' }, 400, '/kid'], [{ alg: 'EdDSA' }, 409]])('rotate with %j is %d', async (body, status, ...pointers) => {
    expectProblem(await rotate(body), status, ...pointers.filter((pointer) => typeof pointer === 'string'));
    expect(await statuses()).toEqual(['active', 'next']);
  });

  it('deleting the active one ends every token that it signed at once, the caller’s own too, and the next one signs', async () => {
    const token = await server.driver.accessToken(ADMIN);
    const active = (await list()).body.items.find(({ status }) => status === 'active')!.kid;
    expect((await server.driver.adminRequest('DELETE', `/keys/${active}`)).status).toBe(204);
    expect((await server.driver.adminRequest('GET', '/keys', undefined, { token })).status).toBe(401);
    server.driver.renewAdminToken();
    expect(await statuses()).toEqual(['active', 'next']);
    expect(await jwks()).not.toContain(active);
    expectProblem(await server.driver.adminRequest('DELETE', `/keys/${active}`), 404);
  });

  it('an unknown kid is 404', async () => {
    for (const kid of ['nothing', 'A'.repeat(43), '%00', '[object%20Object]', 'x'.repeat(10_000)]) expectProblem(await server.driver.adminRequest('DELETE', `/keys/${kid}`), 404);
    expect(await statuses()).toEqual(['active', 'next']);
  });
});

describe('revoking all tokens of a client', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server.stop());

  it.each(['jwt', 'opaque'])('ends what it holds (%s), and it can get new ones', async (access_token_format) => {
    const client = await server.driver.registerClient({ scope: 'a', access_token_format });
    const bystander = await server.driver.registerClient({ scope: 'a', access_token_format });
    const [token, second, other] = [await server.driver.accessToken(client), await server.driver.accessToken(client), await server.driver.accessToken(bystander)];
    const answer = await server.driver.adminRequest('DELETE', `/clients/${client.clientId}/tokens`);
    expect([answer.status, answer.text]).toEqual([204, '']);
    for (const each of [token, second]) expect((await server.driver.introspect(client, each)).body).toEqual({ active: false });
    expect((await server.driver.introspect(bystander, other)).body['active']).toBe(true);
    expect((await server.driver.introspect(client, await server.driver.accessToken(client))).body['active']).toBe(true);
  });

  it('may be repeated', async () => {
    const { clientId } = await server.driver.registerClient();
    for (let i = 0; i < 3; i++) expect((await server.driver.adminRequest('DELETE', `/clients/${clientId}/tokens`)).status).toBe(204);
  });

  it('of a client that is not there is 404', async () => {
    expectProblem(await server.driver.adminRequest('DELETE', '/clients/nobody/tokens'), 404);
  });
});
