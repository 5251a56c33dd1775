import { createDatabase, databaseKinds, mariadbPort, type TestDatabase } from '../support/databases.js';
import { PrivateMariadb } from '../support/private-mariadb.js';
import { TestServer } from '../support/test-server.js';

const RACERS = 20;
const ROUNDS = 3;

interface Setting {
  createDatabase(): Promise<TestDatabase>;
  end(): Promise<void>;
}

async function snapshotIsolation(on: boolean): Promise<Setting> {
  const mariadb = await PrivateMariadb.start([`--innodb-snapshot-isolation=${on ? 1 : 0}`]);
  expect(await mariadb.asRoot('SELECT @@innodb_snapshot_isolation AS value')).toEqual([{ value: on ? 1 : 0 }]);
  return { createDatabase: () => mariadb.createDatabase(), end: () => mariadb.remove() };
}

const SETTINGS: [string, () => Promise<Setting>][] = [
  ...databaseKinds().map((kind): [string, () => Promise<Setting>] => [kind, async () => ({ createDatabase: () => createDatabase(kind), end: async () => undefined })]),
  ...(mariadbPort() === undefined ? [] : [true, false].map((on): [string, () => Promise<Setting>] => [`MariaDB, innodb_snapshot_isolation=${on ? 'ON' : 'OFF'}`, () => snapshotIsolation(on)])),
];

describe.each(SETTINGS)('20 at once over two instances (%s)', (_, open) => {
  let setting: Setting;
  let database: TestDatabase;
  let servers: [TestServer, TestServer];

  beforeAll(async () => {
    setting = await open();
    database = await setting.createDatabase();
    const one = await TestServer.start({ database });
    servers = [one, await TestServer.start({ database, issuer: one.issuer, clock: one.clock })];
  }, 60_000);
  afterAll(async () => {
    for (const server of servers) await server.stop();
    await database.drop();
    await setting.end();
  });

  /** The sorted statuses of as many requests at once, by turns to the one and the other. */
  async function race(request: (server: TestServer, racer: number) => Promise<{ status: number }>): Promise<number[]> {
    const answers = await Promise.all(Array.from({ length: RACERS }, (_each, i) => request(servers[i % 2], i)));
    return answers.map(({ status }) => status).sort();
  }

  const outcome = (winner: number, loser: number): number[] => [winner, ...Array<number>(RACERS - 1).fill(loser)].sort();

  async function events(type: string, clientId?: string): Promise<number> {
    const { body } = await servers[0].driver.adminRequest<{ items: unknown[] }>('GET', `/audit-events?type=${type}&limit=200${clientId === undefined ? '' : `&client_id=${clientId}`}`);
    return body.items.length;
  }

  it('revocations of one opaque token: every one is answered 200, one is recorded', async () => {
    const client = await servers[0].driver.registerClient({ access_token_format: 'opaque' });
    for (let round = 1; round <= ROUNDS; round++) {
      const token = await servers[0].driver.accessToken(client);
      expect(await race(({ driver }) => driver.revoke(client, token))).toEqual(Array(RACERS).fill(200));
      expect(await events('token.revoked', client.clientId)).toBe(round);
      for (const { driver } of servers) expect((await driver.introspect(client, token)).body).toEqual({ active: false });
    }
  });

  it('revocations of one JWT: every one is answered 200, one is recorded, and it is dead', async () => {
    const client = await servers[0].driver.registerClient();
    const token = await servers[0].driver.accessToken(client);
    expect(await race(({ driver }) => driver.revoke(client, token))).toEqual(Array(RACERS).fill(200));
    for (const { driver } of servers) expect((await driver.introspect(client, token)).body).toEqual({ active: false });
    expect(await events('token.revoked', client.clientId)).toBe(1);
  });

  it('creations of one client id: one is 201, the others 409, one client is there', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const id = `wanted-${round}`;
      expect(await race(({ driver }, racer) => driver.adminRequest('POST', '/clients', { client_id: id, client_name: `racer ${racer}` }))).toEqual(outcome(201, 409));
      expect((await servers[1].driver.adminRequest<{ items: unknown[] }>('GET', `/clients?q=${id}`)).body.items).toHaveLength(1);
      expect(await events('client.created', id)).toBe(1);
    }
  });

  it('PUTs of one client id that is not there: all say 200 or 201, one of them 201', async () => {
    const statuses = await race(({ driver }) => driver.adminRequest('PUT', '/clients/declared', { client_name: 'Declared' }));
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status !== 201 && status !== 200)).toEqual([]);
    expect(await events('client.created', 'declared')).toBe(1);
  });

  it('PATCHes with the same ETag: one is 200, the others 412', async () => {
    const { clientId } = await servers[0].driver.registerClient();
    const etag = (await servers[0].driver.adminRequest('GET', `/clients/${clientId}`)).headers.get('etag')!;
    expect(await race(({ driver }, racer) => driver.adminRequest('PATCH', `/clients/${clientId}`, { client_name: `racer ${racer}` }, { headers: { 'if-match': etag } }))).toEqual(outcome(200, 412));
    expect(await events('client.updated', clientId)).toBe(1);
  });

  it('deletions of one client: one is 204, the others 404', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { clientId } = await servers[0].driver.registerClient();
      expect(await race(({ driver }) => driver.adminRequest('DELETE', `/clients/${clientId}`))).toEqual(outcome(204, 404));
      expect(await events('client.deleted', clientId)).toBe(1);
    }
  });

  it('additions of a secret to one client: 20 are the most that it gets, and every one that was given works', async () => {
    const client = await servers[0].driver.registerClient();
    const secrets = [client.clientSecret];
    const statuses = await race(async ({ driver }) => {
      const answer = await driver.adminRequest('POST', `/clients/${client.clientId}/secrets`, {});
      if (answer.status === 201) secrets.push(answer.body['client_secret'] as string);
      return answer;
    });
    expect(statuses).toEqual(outcome(409, 201));
    expect((await servers[0].driver.adminRequest<{ items: unknown[] }>('GET', `/clients/${client.clientId}/secrets`)).body.items).toHaveLength(20);
    for (const clientSecret of secrets) expect((await servers[0].driver.token({ clientId: client.clientId, clientSecret })).status).toBe(200);
  });

  it('creations of one resource: one is 201, the others 409', async () => {
    expect(await race(({ driver }) => driver.adminRequest('POST', '/resources', { identifier: 'https://api.example.com', name: 'API', scopes: [{ name: 'api:read', description: 'Read' }] }))).toEqual(outcome(201, 409));
  });

  it('rotations of the signing keys: one rotates, and there is one active and one next key at every instance', async () => {
    const ring = async (server: TestServer) => (await server.driver.adminRequest<{ items: { kid: string; status: string }[] }>('GET', '/keys')).body.items;
    const before = await ring(servers[0]);
    for (let round = 1; round <= ROUNDS; round++) {
      const statuses = await race(({ driver }) => driver.adminRequest('POST', '/keys/rotate', {}));
      expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(1);
      expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([]);
      expect(await events('signing_key.rotated')).toBe(round);
      for (const server of servers) {
        const keys = await ring(server);
        expect(keys.map(({ status }) => status).sort()).toEqual(['active', 'next', ...Array<string>(round).fill('retired')]);
        expect(new Set(keys.map(({ kid }) => kid)).size).toBe(before.length + round);
        expect((await server.driver.token({ clientId: 'test-admin', clientSecret: 'test-admin-secret-0123456789abcdef' })).status).toBe(200);
      }
      servers[0].clock.advanceSeconds(400);
      for (const { driver } of servers) driver.renewAdminToken();
    }
  });

  it('deletions of the active key: one is 204, and the next key signs', async () => {
    const { body } = await servers[0].driver.adminRequest<{ items: { kid: string; status: string }[] }>('GET', '/keys');
    const active = body.items.find(({ status }) => status === 'active')!;
    const next = body.items.find(({ status }) => status === 'next')!;
    const tokens = servers.map(({ driver }) => driver.accessToken({ clientId: 'test-admin', clientSecret: 'test-admin-secret-0123456789abcdef' }));
    await Promise.all(tokens);
    // A token that the key signed dies with it: those that come late hear 401.
    const statuses = await race(({ driver }) => driver.adminRequest('DELETE', `/keys/${active.kid}`));
    expect(statuses.filter((status) => status === 204)).toHaveLength(1);
    expect(statuses.filter((status) => ![204, 404, 401].includes(status))).toEqual([]);
    for (const { driver } of servers) driver.renewAdminToken();
    const after = (await servers[0].driver.adminRequest<{ items: { kid: string; status: string }[] }>('GET', '/keys')).body.items;
    expect(after.filter(({ status }) => status === 'active').map(({ kid }) => kid)).toEqual([next.kid]);
    expect(after.filter(({ status }) => status === 'next')).toHaveLength(1);
    expect(await events('signing_key.deleted')).toBe(1);
  });
});
