import { createHash } from 'node:crypto';
import { ClientSecretUsage } from '../../../src/clients/client-secret-usage.js';
import { describeOnEachDatabase } from '../../support/databases.js';
import type { Credentials } from '../../support/oauth-driver.js';
import { expectProblem } from '../../support/problems.js';
import { TestServer } from '../../support/test-server.js';

interface Secret {
  secret_id: string;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
}
interface NewSecret extends Secret {
  client_secret: string;
  client_secret_expires_at: number;
}

describeOnEachDatabase('client secrets', (kind) => {
  let server: TestServer;
  let client: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
  });
  beforeEach(async () => {
    server.driver.renewAdminToken();
    client = await server.driver.registerClient({ scope: 'a' });
  });
  afterAll(() => server.stop());

  const add = (body?: unknown, clientId = client.clientId) => server.driver.adminRequest<NewSecret>('POST', `/clients/${clientId}/secrets`, body);
  const list = async () => (await server.driver.adminRequest<{ items: Secret[]; next_cursor: null }>('GET', `/clients/${client.clientId}/secrets`)).body;
  const remove = (secretId: string, clientId = client.clientId) => server.driver.adminRequest('DELETE', `/clients/${clientId}/secrets/${secretId}`);
  const works = async (clientSecret: string) => (await server.driver.token({ ...client, clientSecret })).status === 200;
  const iso = (seconds = 0) => new Date(server.clock.nowMs() + seconds * 1000).toISOString();

  it('an added one is shown once, in the form of all secrets, and the older one stays valid', async () => {
    const { status, body } = await add();
    expect(status).toBe(201);
    expect(body).toEqual({
      secret_id: expect.any(String) as string, created_at: iso(), expires_at: null, last_used_at: null, client_secret: expect.stringMatching(/^mg_cs_[A-Za-z0-9_-]{43}$/) as string, client_secret_expires_at: 0,
    });
    expect(Buffer.from(body.client_secret.slice(6), 'base64url')).toHaveLength(32);
    expect([await works(client.clientSecret), await works(body.client_secret)]).toEqual([true, true]);
  });

  it('many are all different, and all valid', async () => {
    const secrets = (await Promise.all(Array.from({ length: 5 }, () => add({})))).map(({ body }) => body);
    expect(new Set(secrets.flatMap(({ client_secret: secret, secret_id: id }) => [secret, id])).size).toBe(10);
    for (const { client_secret: secret } of secrets) expect(await works(secret)).toBe(true);
    expect((await list()).items).toHaveLength(6);
  });

  it('the list is newest first and holds no secret', async () => {
    const second = (await add()).body.secret_id;
    const { items, next_cursor: next } = await list();
    expect(items[0].secret_id).toBe(second);
    expect(next).toBeNull();
    for (const item of items) expect(Object.keys(item).sort()).toEqual(['created_at', 'expires_at', 'last_used_at', 'secret_id']);
  });

  it('previous_expires_in ends the older ones then, not before, and not the new one', async () => {
    const { body } = await add({ previous_expires_in: 60 });
    expect((await list()).items.map(({ expires_at: at }) => at)).toEqual([null, iso(60)]);
    server.clock.advanceSeconds(59);
    expect([await works(client.clientSecret), await works(body.client_secret)]).toEqual([true, true]);
    server.clock.advanceSeconds(1);
    expect([await works(client.clientSecret), await works(body.client_secret)]).toEqual([false, true]);
  });

  it('previous_expires_in: 0 ends the older ones at once', async () => {
    const { body } = await add({ previous_expires_in: 0 });
    expect([await works(client.clientSecret), await works(body.client_secret)]).toEqual([false, true]);
  });

  it('previous_expires_in does not lengthen the life of one that ends sooner', async () => {
    const short = (await add({ expires_in: 10 })).body;
    await add({ previous_expires_in: 3600 });
    server.clock.advanceSeconds(10);
    expect(await works(short.client_secret)).toBe(false);
  });

  it('expires_in ends the new one then', async () => {
    const { body } = await add({ expires_in: 60 });
    expect(body).toMatchObject({ expires_at: iso(60), client_secret_expires_at: server.clock.nowMs() / 1000 + 60 });
    server.clock.advanceSeconds(59);
    expect(await works(body.client_secret)).toBe(true);
    server.clock.advanceSeconds(1);
    expect([await works(body.client_secret), await works(client.clientSecret)]).toEqual([false, true]);
  });

  it.each<[unknown, string]>([
    [{ expires_in: 0 }, '/expires_in'], [{ expires_in: -1 }, '/expires_in'], [{ expires_in: '60' }, '/expires_in'], [{ expires_in: 1.5 }, '/expires_in'], [{ expires_in: 1e12 }, '/expires_in'], [{ expires_in: [60] }, '/expires_in'],
    [{ previous_expires_in: -1 }, '/previous_expires_in'], [{ previous_expires_in: true }, '/previous_expires_in'], [{ client_secret: 'chosen-by-the-caller' }, '/client_secret'], [{ digest: 'x' }, '/digest'],
    [{ secret_id: 'x' }, '/secret_id'], [{ last_used_at: null }, '/last_used_at'], ['{"__proto__":{"expires_in":1}}', '/__proto__'],
  ])('%j is 400, and no secret is made', async (body, pointer) => {
    expectProblem(await add(body), 400, pointer);
    expect((await list()).items).toHaveLength(1);
  });

  it('last_used_at shows up after use, for the one that was used', async () => {
    const second = (await add()).body;
    server.clock.advanceSeconds(5);
    expect(await works(second.client_secret)).toBe(true);
    await server.get(ClientSecretUsage).flush();
    expect((await list()).items.map(({ last_used_at: at }) => at)).toEqual([iso(), null]);
    server.clock.advanceSeconds(5);
    expect(await works(second.client_secret)).toBe(true);
    await server.get(ClientSecretUsage).flush();
    expect((await list()).items[0].last_used_at).toBe(iso());
  });

  it('a wrong secret leaves no trace of use', async () => {
    expect(await works(`${client.clientSecret.slice(0, -1)}x`)).toBe(false);
    await server.get(ClientSecretUsage).flush();
    expect((await list()).items[0].last_used_at).toBeNull();
  });

  it('twenty-five rotations in a row that end the older secrets at once all succeed', async () => {
    let last = client.clientSecret;
    for (let rotation = 0; rotation < 25; rotation++) {
      const { status, body } = await add({ previous_expires_in: 0 });
      expect(status).toBe(201);
      expect([await works(last), await works(body.client_secret)]).toEqual([false, true]);
      last = body.client_secret;
    }
    expect((await list()).items.length).toBeLessThanOrEqual(20);
  });

  it('ended secrets do not count towards the limit of twenty, and valid ones do', async () => {
    for (let made = 1; made < 20; made++) await add({ expires_in: 60 });
    expectProblem(await add(), 409);
    server.clock.advanceSeconds(60);
    server.driver.renewAdminToken();
    for (let made = 1; made < 20; made++) expect((await add()).status).toBe(201);
    expectProblem(await add(), 409);
    expect((await add({ previous_expires_in: 0 })).status).toBe(201);
  });

  it('a secret of a client that was made public does not work again when the client authenticates again', async () => {
    const patch = async (method: string) => (await server.driver.adminRequest('PATCH', `/clients/${desk.clientId}`, { token_endpoint_auth_method: method })).status;
    const desk = await server.driver.registerClient({ grant_types: ['authorization_code'], redirect_uris: ['https://desk.example.com/cb'] });
    expect((await server.driver.introspect(desk, 'x')).status).toBe(200);
    expect([await patch('none'), await patch('client_secret_basic')]).toEqual([200, 200]);
    expect((await server.driver.introspect(desk, 'x')).status).toBe(401);
    const added = (await add({}, desk.clientId)).body.client_secret;
    expect((await server.driver.introspect({ ...desk, clientSecret: added }, 'x')).status).toBe(200);
  });

  it('a secret that is added while the client is made public does not survive it', async () => {
    const desk = await server.driver.registerClient({ grant_types: ['authorization_code'], redirect_uris: ['https://desk.example.com/cb'] });
    const set = (method: string) => server.driver.adminRequest('PATCH', `/clients/${desk.clientId}`, { token_endpoint_auth_method: method });
    await Promise.all([add({}, desk.clientId), set('none'), add({}, desk.clientId)]);
    expect((await server.driver.adminRequest<{ items: Secret[] }>('GET', `/clients/${desk.clientId}/secrets`)).body.items).toEqual([]);
  });

  it('a deleted one is dead at once, the others are not', async () => {
    const second = (await add()).body;
    const first = (await list()).items[1].secret_id;
    const answer = await remove(first);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect([await works(client.clientSecret), await works(second.client_secret)]).toEqual([false, true]);
    expectProblem(await remove(first), 404);
  });

  it('the last one may be deleted: then nothing is a secret, the empty text least of all', async () => {
    await remove((await list()).items[0].secret_id);
    for (const secret of [client.clientSecret, '', 'undefined', 'null']) expect(await works(secret)).toBe(false);
  });

  it('one of another client is 404, and stays', async () => {
    const other = await server.driver.registerClient();
    expectProblem(await remove((await list()).items[0].secret_id, other.clientId), 404);
    expect(await works(client.clientSecret)).toBe(true);
  });

  it.each(['nothing', 'AAAAAAAAAAAA', '%00', '[object%20Object]', "'%20OR%201=1--", 'x'.repeat(10_000)])('an unknown secret_id is 404: %#', async (secretId) => {
    expectProblem(await remove(secretId), 404);
  });

  it('a client that is not there is 404', async () => {
    expectProblem(await add({}, 'nobody'), 404);
    expectProblem(await server.driver.adminRequest('GET', '/clients/nobody/secrets'), 404);
    expectProblem(await remove('AAAAAAAAAAAA', 'nobody'), 404);
  });

  it('RFC 6749 §2.1 a public client cannot have one: 409', async () => {
    const spa = await server.driver.registerClient({ token_endpoint_auth_method: 'none', grant_types: ['authorization_code'], redirect_uris: ['https://a.example/'] });
    expectProblem(await add({}, spa.clientId), 409);
  });

  it('a secret of a client that became public authenticates nobody', async () => {
    await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { token_endpoint_auth_method: 'none', grant_types: ['refresh_token'] });
    expect(await works(client.clientSecret)).toBe(false);
  });

  it('no secret and no digest of one is ever shown again, or logged', async () => {
    const added = (await add({ previous_expires_in: 60 })).body.client_secret;
    const secrets = [client.clientSecret, added];
    for (const secret of secrets) await works(secret);
    await server.driver.token({ ...client, clientSecret: `${added}-wrong` });
    await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { client_name: 'After' });
    await add({ client_secret: added });
    const seen = [server.logLines.join('\n')];
    for (const path of [`/clients/${client.clientId}`, `/clients/${client.clientId}/secrets`, '/clients?limit=200', '/audit-events?limit=200']) seen.push((await server.driver.adminRequest('GET', path)).text);
    seen.push((await server.driver.adminRequest('PUT', `/clients/${client.clientId}`, { scope: 'a' })).text, (await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { scope: 'b' })).text);
    const forms = secrets.flatMap((secret) => (['hex', 'base64', 'base64url'] as const).map((form) => createHash('sha256').update(secret).digest(form)).concat(secret.slice(6)));
    for (const text of seen) for (const form of forms) expect(text).not.toContain(form);
    expect(seen.join('\n')).not.toMatch(/mg_cs_|digest/);
  });
});
