import { createDatabase, mariadbPort, type TestDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { type Answer, type Credentials, PASSWORD, type RegisteredUser, type UserTokens } from '../support/oauth-driver.js';
import { PrivateMariadb } from '../support/private-mariadb.js';
import { TestServer } from '../support/test-server.js';

const RACERS = 20;
const ROUNDS = 6;
/** For the races that end a session. */
const ENDINGS = 3;

let mariadb: PrivateMariadb | undefined;
afterAll(() => mariadb?.remove());

async function withSnapshotIsolation(on: boolean): Promise<TestDatabase> {
  mariadb ??= await PrivateMariadb.start();
  const [row] = (await mariadb.asRoot(`SET GLOBAL innodb_snapshot_isolation = ${on ? 1 : 0}`, 'SELECT @@GLOBAL.innodb_snapshot_isolation AS value')) as { value: number }[];
  expect(row.value).toBe(on ? 1 : 0);
  return mariadb.createDatabase();
}

const SETTINGS: [string, () => Promise<TestDatabase>][] = [
  ['SQLite', () => createDatabase('SQLite')],
  ...(mariadbPort() === undefined ? [] : [true, false].map((on): [string, () => Promise<TestDatabase>] => [`MariaDB, innodb_snapshot_isolation=${on ? 'ON' : 'OFF'}`, () => withSnapshotIsolation(on)])),
];

describe.each(SETTINGS)('RFC 9700 §4.14.2: refreshes at once over two instances (%s)', (_, open) => {
  let database: TestDatabase;
  let servers: TestServer[] = [];
  let strict: TestServer[] = [];
  let client: Credentials;
  let user: RegisteredUser;

  beforeAll(async () => {
    database = await open();
    const one = await TestServer.start({ database });
    const beside = (env: Record<string, string> = {}) => TestServer.start({ database, issuer: one.issuer, clock: one.clock, env });
    servers = [one, await beside()];
    strict = [await beside({ REFRESH_RETRY_WINDOW_SECONDS: '0' }), await beside({ REFRESH_RETRY_WINDOW_SECONDS: '0' })];
    client = await one.driver.registerClient({ grant_types: ['password', 'refresh_token'], scope: 'read write' });
    user = await one.driver.registerUser({ username: 'margaret' });
    // So that every instance has them in memory.
    for (const { driver } of [...servers, ...strict]) await driver.signIn(client, user);
  }, 60_000);
  afterAll(async () => {
    for (const server of [...strict, ...servers]) await server.stop();
    await database.drop();
  });

  /** As many requests at once, by turns to the one and the other. */
  const race = (at: TestServer[], request: (server: TestServer, racer: number) => Promise<Answer>): Promise<Answer[]> => Promise.all(Array.from({ length: RACERS }, (_each, racer) => request(at[racer % 2], racer)));
  const signIn = (at = servers) => at[0].driver.signIn(client, user);
  const statusesOf = (answers: Answer[]) => [...new Set(answers.map(({ status }) => status))].sort();
  const isActive = async (token: string, { driver }: TestServer) => (await driver.introspect(client, token)).body['active'];
  const given = (answers: Answer[], member: string) => [...new Set(answers.flatMap(({ body }) => (body[member] as string | undefined) ?? []))];

  async function reuses(): Promise<number> {
    const { body } = await servers[0].driver.adminRequest<{ items: unknown[] }>('GET', `/audit-events?type=refresh_token.reused&client_id=${client.clientId}&limit=200`);
    return body.items.length;
  }

  /** No refresh token and no access token of the session is good for anything, at any instance, from one second on at the latest. */
  async function expectNothingAlive(at: TestServer[], first: UserTokens, answers: Answer[]): Promise<void> {
    const refreshTokens = [first.refreshToken, ...given(answers, 'refresh_token')];
    const accessTokens = [first.accessToken, ...given(answers, 'access_token')];
    await eventually(async () => {
      for (const server of at) for (const token of [...refreshTokens, ...accessTokens]) expect(await isActive(token, server)).toBe(false);
    }, { withinMs: 1000, everyMs: 50 });
    for (const { driver } of at) for (const token of refreshTokens) expect((await driver.refresh(client, token)).body).toMatchObject({ error: 'invalid_grant' });
  }

  it(`${RACERS} with one token, ${ROUNDS} rounds: all are 200 with one and the same new token, which alone is alive at both, and with which the next round is won`, async () => {
    const reusesBefore = await reuses();
    const { refreshToken } = await signIn();
    let current = refreshToken;
    const before: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const answers = await race(servers, ({ driver }) => driver.refresh(client, current));
      expect(statusesOf(answers)).toEqual([200]);
      const successors = given(answers, 'refresh_token');
      expect(successors).toHaveLength(1);
      before.push(current);
      current = successors[0];
      expect(before).not.toContain(current);
      expect(given(answers, 'access_token')).toHaveLength(RACERS);
      for (const server of servers) {
        expect(await isActive(current, server)).toBe(true);
        for (const token of before.slice(-2)) expect(await isActive(token, server)).toBe(false);
      }
      for (const [racer, { body }] of answers.entries()) if (racer % 7 === 0) expect(await isActive(body['access_token'] as string, servers[(racer + 1) % 2])).toBe(true);
    }
    expect(await reuses()).toBe(reusesBefore);
    // Nothing else works: one from before the last round is reuse, and with it the lineage ends.
    expect((await servers[1].driver.refresh(client, before[0])).body).toMatchObject({ error: 'invalid_grant' });
    expect((await servers[0].driver.refresh(client, current)).body).toMatchObject({ error: 'invalid_grant' });
    expect(await reuses()).toBe(reusesBefore + 1);
  }, 60_000);

  it('with the token used last and its successor mixed: no 5xx, and never two that are alive', async () => {
    for (let round = 0; round < ENDINGS; round++) {
      const first = await signIn();
      const second = await servers[0].driver.refreshed(client, first.refreshToken);
      const answers = await race(servers, ({ driver }, racer) => driver.refresh(client, racer % 3 === 0 ? first.refreshToken : second.refreshToken));
      expect(statusesOf(answers).filter((status) => status !== 200 && status !== 400)).toEqual([]);
      const tokens = [...new Set([first.refreshToken, second.refreshToken, ...given(answers, 'refresh_token')])];
      await eventually(async () => {
        for (const server of servers) expect((await Promise.all(tokens.map((token) => isActive(token, server)))).filter(Boolean).length).toBeLessThanOrEqual(1);
      }, { withinMs: 1000, everyMs: 50 });
    }
  });

  it(`${RACERS} with one token and REFRESH_RETRY_WINDOW_SECONDS=0: one is 200 at most, the others invalid_grant, and as reuse it ends the session, audited once`, async () => {
    for (let round = 0; round < ENDINGS; round++) {
      const reusesBefore = await reuses();
      const first = await signIn(strict);
      const answers = await race(strict, ({ driver }) => driver.refresh(client, first.refreshToken));
      expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
      for (const { status, body } of answers.filter((answer) => answer.status !== 200)) expect([status, body['error']]).toEqual([400, 'invalid_grant']);
      await expectNothingAlive(strict, first, answers);
      expect(await reuses()).toBe(reusesBefore + 1);
    }
  });

  it('with the current token and one of long ago: no 5xx, the session ends, audited once', async () => {
    for (let round = 0; round < ENDINGS; round++) {
      const reusesBefore = await reuses();
      const first = await signIn();
      const second = await servers[0].driver.refreshed(client, first.refreshToken);
      const third = await servers[1].driver.refreshed(client, second.refreshToken);
      const answers = await race(servers, ({ driver }, racer) => driver.refresh(client, racer < RACERS / 2 ? third.refreshToken : first.refreshToken));
      expect(statusesOf(answers).filter((status) => status !== 200 && status !== 400)).toEqual([]);
      expect(statusesOf(answers.slice(RACERS / 2))).toEqual([400]);
      await expectNothingAlive(servers, first, [...answers]);
      expect(await reuses()).toBe(reusesBefore + 1);
    }
  });

  it.each<[string, (server: TestServer, first: UserTokens) => Promise<Answer>]>([
    ['its revocation', ({ driver }, { refreshToken }) => driver.revoke(client, refreshToken)],
    ['a change of the password', ({ driver }) => driver.adminRequest('PUT', `/users/${user.userId}/password`, { password: PASSWORD })],
    ['the sign-out of its user', ({ driver }) => driver.adminRequest('DELETE', `/users/${user.userId}/sessions`)],
  ])('and %s: no 5xx, and afterwards nothing of the session is alive', async (__, end) => {
    for (let round = 0; round < ENDINGS; round++) {
      const first = await signIn();
      const ender = 2 + round * 4;
      const answers = await race(servers, (server, racer) => (racer === ender ? end(server, first) : server.driver.refresh(client, first.refreshToken)));
      expect([200, 204]).toContain(answers[ender].status);
      expect(statusesOf(answers.filter((_each, racer) => racer !== ender)).filter((status) => status !== 200 && status !== 400)).toEqual([]);
      await expectNothingAlive(servers, first, answers);
    }
  });
});
