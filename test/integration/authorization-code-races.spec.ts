import { DataSource } from 'typeorm';
import { clientAnswer, expectErrorPage } from '../support/authorization-answers.js';
import { authorizationQuery, authorizationUrl, CALLBACK, PKCE } from '../support/authorization-url.js';
import { Browser, hiddenFields, type PageAnswer } from '../support/browser.js';
import { createDatabase, mariadbPort, type TestDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import type { Answer, Credentials, RegisteredUser } from '../support/oauth-driver.js';
import { PrivateMariadb } from '../support/private-mariadb.js';
import { TestServer } from '../support/test-server.js';

const RACERS = 20;
const ROUNDS = 3;
/** For the races that take longer. */
const ENDINGS = 2;
/** What one instance has done, every other one holds to within this time. */
const KNOWN = { withinMs: 1000, everyMs: 50 };

let mariadb: PrivateMariadb | undefined;
afterAll(() => mariadb?.remove());

async function withSnapshotIsolation(on: boolean): Promise<TestDatabase> {
  mariadb ??= await PrivateMariadb.start();
  await mariadb.asRoot(`SET GLOBAL innodb_snapshot_isolation = ${on ? 1 : 0}`);
  return mariadb.createDatabase();
}

const SETTINGS: [string, () => Promise<TestDatabase>][] = [
  ['SQLite', () => createDatabase('SQLite')],
  ...(mariadbPort() === undefined ? [] : [true, false].map((on): [string, () => Promise<TestDatabase>] => [`MariaDB, innodb_snapshot_isolation=${on ? 'ON' : 'OFF'}`, () => withSnapshotIsolation(on)])),
];

describe.each(SETTINGS)('RFC 6749 §4.1.2, §10.5: at the same time over two instances (%s)', (_, open) => {
  let database: TestDatabase;
  let servers: TestServer[] = [];
  let client: Credentials;
  let margaret: RegisteredUser;

  beforeAll(async () => {
    database = await open();
    const one = await TestServer.start({ database });
    servers = [one, await TestServer.start({ database, issuer: one.issuer, clock: one.clock })];
    client = await register();
    margaret = await one.driver.registerUser({ username: 'margaret' });
    // So that both have client and user in memory, and the hashing threads are there.
    for (const server of servers) await eventually(async () => expect((await signedIn(server)).cookie('mintgate_session')).toBeDefined());
  }, 60_000);
  afterAll(async () => {
    for (const server of servers) await server.stop();
    await database.drop();
  });

  const register = (metadata: Record<string, unknown> = {}) =>
    servers[0].driver.registerClient({ grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [CALLBACK], scope: 'openid read', default_scope: 'read', skip_consent: true, ...metadata });

  async function signedIn(server = servers[0], by = client): Promise<Browser> {
    const browser = new Browser(server.url, server.issuer);
    clientAnswer(await browser.authorize(authorizationUrl(by), margaret));
    return browser;
  }

  /** A browser that reaches the other instance with the same cookies. */
  function twin(browser: Browser): Browser {
    const other = new Browser(servers[1].url, servers[1].issuer);
    const session = browser.cookie('mintgate_session');
    if (session !== undefined) other.setCookie('mintgate_session', session);
    const form = browser.formCookie();
    if (form) other.setCookie(form.name, form.value);
    return other;
  }

  const codeOf = (answer: PageAnswer): string => clientAnswer(answer).params['code'];
  const redeem = ({ driver }: TestServer, code: string, by = client): Promise<Answer> => driver.redeem(by, { code, redirect_uri: CALLBACK, code_verifier: PKCE.verifier });
  /** As many as there are racers, by turns to the one and the other. */
  const race = <T>(request: (instance: 0 | 1, racer: number) => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: RACERS }, (_each, racer) => request((racer % 2) as 0 | 1, racer)));
  const given = (answers: Answer[], member: string): string[] => answers.flatMap(({ body }) => (body[member] as string | undefined) ?? []);
  const expectNo5xx = (answers: { status: number }[]) => expect(answers.map(({ status }) => status).filter((status) => status >= 500)).toEqual([]);

  async function replays(): Promise<number> {
    return (await servers[0].driver.adminRequest<{ items: unknown[] }>('GET', `/audit-events?type=authorization_code.replayed&client_id=${client.clientId}&limit=200`)).body.items.length;
  }

  /** No token that was given is good for anything, at either instance, from one second on at the latest. */
  async function expectNothingAlive(answers: Answer[], by = client): Promise<void> {
    const tokens = [...given(answers, 'access_token'), ...given(answers, 'refresh_token')];
    await eventually(async () => {
      for (const { driver } of servers) for (const token of tokens) expect((await driver.introspect(by, token)).text).toBe('{"active":false}');
    }, KNOWN);
    for (const { driver } of servers) for (const token of given(answers, 'refresh_token')) expect((await driver.refresh(by, token)).body).toMatchObject({ error: 'invalid_grant' });
  }

  const codesStored = async () => Number((await servers[0].get(DataSource).query<{ n: number | string }[]>('SELECT COUNT(*) AS n FROM authorization_codes'))[0].n);

  /** Of all answers to the client there is one, and it is the only code that was made; the others are pages that lead nowhere. */
  async function expectOneAnswer(answers: PageAnswer[], codesBefore: number): Promise<string | undefined> {
    const [told, turnedAway] = [answers.filter(({ status }) => status === 303), answers.filter(({ status }) => status !== 303)];
    expect(told).toHaveLength(1);
    for (const answer of turnedAway) expectErrorPage(answer);
    const { code } = clientAnswer(told[0]).params;
    expect(await codesStored()).toBe(codesBefore + (code === undefined ? 0 : 1));
    return code;
  }

  it(`${RACERS} redemptions of one code: one is 200, the others are invalid_grant, and as a replay they end what it gave, audited once`, async () => {
    const browser = await signedIn();
    for (let round = 0; round < ROUNDS; round++) {
      const [code, before] = [codeOf(await browser.get(authorizationUrl(client))), await replays()];
      const answers = await race((instance) => redeem(servers[instance], code));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      for (const { status, body } of answers.filter((answer) => answer.status !== 200)) expect([status, body['error']]).toEqual([400, 'invalid_grant']);
      await expectNothingAlive(answers);
      expect(await replays()).toBe(before + 1);
    }
  });

  it('redemptions of many codes: each is 200 with tokens of its own', async () => {
    const browser = await signedIn();
    const codes: string[] = [];
    for (let i = 0; i < RACERS; i++) codes.push(codeOf(await browser.get(authorizationUrl(client))));
    const answers = await race((instance, racer) => redeem(servers[instance], codes[racer]));
    expect(answers.map(({ status }) => status)).toEqual(codes.map(() => 200));
    expect(new Set(given(answers, 'refresh_token')).size).toBe(RACERS);
    for (const token of given(answers, 'access_token')) expect((await servers[0].driver.introspect(client, token)).body['active']).toBe(true);
  });

  it(`${RACERS} answers of one request that waited for its user: one code is made, which is good`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const browser = new Browser(servers[0].url, servers[0].issuer);
      const login = await browser.follow(await browser.get(authorizationUrl(client)));
      const path = /action="([^"]*)\/login"/.exec(login.text)![1];
      await browser.post(`${path}/login`, { ...hiddenFields(login.text), username: margaret.username, password: margaret.password, decision: 'sign_in' });
      const [browsers, codesBefore] = [[browser, twin(browser)], await codesStored()];
      const code = await expectOneAnswer(await race((instance) => browsers[instance].get(path)), codesBefore);
      expect((await redeem(servers[1], code!)).status).toBe(200);
    }
  });

  it('allowing and denying one request: the client hears one of it', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const asking = await register({ skip_consent: false });
      const browser = await signedIn();
      const consent = await browser.follow(await browser.get(authorizationUrl(asking)));
      const [path, fields] = [/action="([^"]*)\/consent"/.exec(consent.text)![1], hiddenFields(consent.text)];
      const [browsers, codesBefore] = [[browser, twin(browser)], await codesStored()];
      const answers = await race(async (instance, racer) => {
        const answer = await browsers[instance].post(`${path}/consent`, { ...fields, decision: racer % 3 === 0 ? 'deny' : 'allow' });
        return answer.location?.pathname === path ? browsers[instance].get(path) : answer;
      });
      await expectOneAnswer(answers, codesBefore);
    }
  });

  it(`${RACERS} answers of one pushed request: one code is made`, async () => {
    const browsers = await signedIn().then((browser) => [browser, twin(browser)]);
    for (let round = 0; round < ROUNDS; round++) {
      const [url, codesBefore] = [await push(), await codesStored()];
      await expectOneAnswer(await race((instance) => browsers[instance].get(url)), codesBefore);
    }
  });

  it(`${RACERS} refusals of one pushed request with prompt=none: the client hears one of them`, async () => {
    const browsers = servers.map(({ url, issuer }) => new Browser(url, issuer));
    const [url, codesBefore] = [await push({ prompt: 'none' }), await codesStored()];
    expect(await expectOneAnswer(await race((instance) => browsers[instance].get(url)), codesBefore)).toBeUndefined();
  });

  it('redemptions, and the withdrawal of the consent: no 5xx, and afterwards nothing is alive', async () => {
    const asking = await register({ skip_consent: false });
    for (let round = 0; round < ENDINGS; round++) {
      const browser = await signedIn(servers[0], asking);
      await expectNothingAlive(await endedDuringRedemptions(browser, asking, round, ({ driver }) => driver.adminRequest('DELETE', `/users/${margaret.userId}/consents/${asking.clientId}`)), asking);
    }
  });

  it('redemptions, and the end of the session: no 5xx, and afterwards nothing is alive', async () => {
    for (let round = 0; round < ENDINGS; round++) {
      const browser = await signedIn();
      const page = await browser.get('/oauth/logout');
      await expectNothingAlive(await endedDuringRedemptions(browser, client, round, () => browser.post('/oauth/logout/confirm', { ...hiddenFields(page.text), decision: 'sign_out' })));
    }
  });

  async function push(changes: Record<string, string> = {}): Promise<string> {
    const body = new URLSearchParams(authorizationQuery(client, changes));
    const answer = await servers[0].driver.form('/oauth/par', Object.fromEntries(body), client);
    return `/oauth/authorize?${new URLSearchParams({ client_id: client.clientId, request_uri: answer.body['request_uri'] as string }).toString()}`;
  }

  /** Redeems as many codes as there are racers but one, and at some point among them ends what they hang on. */
  async function endedDuringRedemptions(browser: Browser, by: Credentials, round: number, end: (server: TestServer) => Promise<Answer>): Promise<Answer[]> {
    const codes: string[] = [];
    for (let i = 0; i < RACERS; i++) codes.push(codeOf(await browser.get(authorizationUrl(by))));
    const ender = 1 + round * 4;
    const answers = await race((instance, racer) => (racer === ender ? end(servers[instance]) : redeem(servers[instance], codes[racer], by)));
    expectNo5xx(answers);
    expect([200, 204]).toContain(answers[ender].status);
    return answers.filter((_each, racer) => racer !== ender);
  }
});
