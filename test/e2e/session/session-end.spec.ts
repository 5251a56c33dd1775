import { Cleanup } from '../../../src/database/cleanup.js';
import { Database } from '../../../src/database/database.js';
import { Transactions } from '../../../src/database/transactions.js';
import { randomId } from '../../../src/common/crypto/random-id.js';
import { TokenFamiliesRepository } from '../../../src/tokens/token-families.repository.js';
import { authorizationUrl, CALLBACK } from '../../support/authorization-url.js';
import { Browser, formAction, hiddenFields } from '../../support/browser.js';
import { CodeFlow, type IssuedTokens } from '../../support/code-flow.js';
import { describeOnEachDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { holdNextTransaction } from '../../support/held-transaction.js';
import { HttpTarget } from '../../support/http-target.js';
import { type Credentials, decodeJwt, PASSWORD, type RegisteredUser } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';
import { countTransactions } from '../../support/transaction-count.js';

const HOUR = 3600;
const DAY = 24 * HOUR;
const SESSION = 'mintgate_session';

describeOnEachDatabase('The end of a session', (kind) => {
  let server: TestServer;
  /** Another instance on the same database. */
  let sibling: TestServer;
  /** Where clients are told of logouts. */
  let receiver: HttpTarget;
  /** A client of OAuth 2.0 with refresh tokens of 30 days, and one of OpenID Connect. */
  let api: Credentials;
  let web: Credentials;
  let serial = 0;

  beforeAll(async () => {
    receiver = await HttpTarget.start();
    const env = { OUTBOUND_ALLOWED_HOSTS: receiver.host, CHANGE_FEED_INTERVAL_MS: '100', SESSION_IDLE_LIFETIME_SECONDS: '86400' };
    server = await TestServer.start({ kind, env });
    sibling = await TestServer.start({ database: server.database, issuer: server.issuer, clock: server.clock, env });
    [api, web] = [await register(), await register()];
  });
  beforeEach(() => {
    server.driver.renewAdminToken();
    receiver.requests.length = 0;
  });
  afterAll(async () => {
    await sibling?.stop();
    await server?.stop();
    await receiver?.close();
  });

  const register = (metadata: Record<string, unknown> = {}) =>
    server.driver.registerClient({
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [CALLBACK],
      scope: 'openid offline_access read',
      default_scope: 'read',
      skip_consent: true,
      backchannel_logout_uri: `http://${receiver.host}/bcl`,
      ...metadata,
    });
  const newUser = () => server.driver.registerUser({ username: `user-${++serial}` });
  const signIn = async (user?: RegisteredUser) => CodeFlow.signedIn(server, user ?? (await newUser()));
  const logout = (browser: Browser, hint: IssuedTokens) =>
    browser.get(`/oauth/logout?${new URLSearchParams({ id_token_hint: hint.id_token }).toString()}`);
  const refresh = async (client: Credentials, tokens: IssuedTokens) =>
    (await server.driver.refresh(client, tokens.refresh_token)).status;
  const isActive = async (client: Credentials, tokens: IssuedTokens, at = server) =>
    (await at.driver.introspect(client, tokens.access_token)).body['active'];
  const sidOf = ({ id_token: token }: IssuedTokens) => decodeJwt(token).claims['sid'] as string;
  /** Which clients were told that a session has ended. */
  const toldOf = (sid: string) =>
    receiver.requests
      .map(({ body }) => decodeJwt(new URLSearchParams(body).get('logout_token')!).claims)
      .filter((claims) => claims['sid'] === sid)
      .map(({ aud }) => aud as string);
  const expectTold = (sid: string, ...clients: Credentials[]) =>
    eventually(() => expect(toldOf(sid).sort()).toEqual(clients.map(({ clientId }) => clientId).sort()));
  const countRows = async (table: string, where: string, value: string) => {
    const sql = `SELECT COUNT(*) AS n FROM ${table} WHERE ${where} = ?`;
    return Number((await server.get(Database).query<{ n: number | string }>(sql, [value]))[0].n);
  };
  const endings = async (sid: string) => {
    const { items } = (
      await server.driver.adminRequest<{ items: { detail: Record<string, unknown> }[] }>(
        'GET',
        '/audit-events?type=session.ended&limit=200',
      )
    ).body;
    return items.filter(({ detail }) => detail['session_id'] === sid).length;
  };
  /** The session runs out, and its row is cleaned away. */
  async function letRunOut(sid: string): Promise<void> {
    server.clock.advanceSeconds(DAY + 1);
    server.driver.renewAdminToken();
    await server.get(Cleanup).run();
    expect(await countRows('sessions', 'session_id', sid)).toBe(0);
  }

  /** One more family like that of some tokens, as a silent sign-in makes them. */
  async function addFamilies(tokens: IssuedTokens, count: number, changes: object = {}): Promise<void> {
    const families = server.get(TokenFamiliesRepository);
    const { jti } = decodeJwt(tokens.access_token).claims as { jti: string };
    const family = (await families.find(jti.slice(-22)))!;
    await server.get(Transactions).run(async (manager) => {
      for (let i = 0; i < count; i++) await families.insert({ ...family, ...changes, familyId: randomId() }, manager);
    });
  }

  describe('a logout after the session ran out (OpenID Connect Back-Channel Logout 1.0 §2.5, §2.7)', () => {
    it('ends the tokens of all clients of that session and tells them, once', async () => {
      const flow = await signIn();
      const [signedIn, held] = [await flow.tokens(web, { scope: 'openid' }), await flow.tokens(api)];
      const offline = await flow.tokens(web, { scope: 'openid offline_access' });
      const sid = sidOf(signedIn);
      await letRunOut(sid);
      expect(await refresh(api, held)).toBe(200);

      expect((await logout(flow.browser, signedIn)).text).toContain('You are signed out');
      expect(await refresh(api, held)).toBe(400);
      expect(await refresh(web, offline)).toBe(200);
      await expectTold(sid, web, api);

      const again = new Browser(server.url);
      expect((await logout(again, signedIn)).status).toBe(200);
      expect([await endings(sid), toldOf(sid).length]).toEqual([1, 2]);
    });

    it('from a browser that cannot show that the session was its own ends the tokens of that client alone', async () => {
      const flow = await signIn();
      const signedIn = await flow.tokens(web, { scope: 'openid' });
      const [own, other] = [await flow.tokens(web), await flow.tokens(api)];
      await letRunOut(sidOf(signedIn));
      const strange = new Browser(server.url);
      strange.setCookie(SESSION, (await signIn()).browser.cookie(SESSION)!);
      await letRunOut(sidOf(signedIn));
      await logout(strange, signedIn);
      expect([await refresh(web, own), await refresh(api, other)]).toEqual([400, 200]);
      expect(toldOf(sidOf(signedIn))).toEqual([]);
      expect(await endings(sidOf(signedIn))).toBe(0);
    });

    it('by two instances at once is told once', async () => {
      const flow = await signIn();
      const signedIn = await flow.tokens(web, { scope: 'openid' });
      await flow.tokens(api);
      const sid = sidOf(signedIn);
      await letRunOut(sid);
      const elsewhere = new Browser(sibling.url, server.issuer);
      elsewhere.setCookie(SESSION, flow.browser.cookie(SESSION)!);
      await Promise.all([logout(flow.browser, signedIn), logout(elsewhere, signedIn)]);
      await expectTold(sid, web, api);
      expect(await endings(sid)).toBe(1);
    });
  });

  it('a session that runs out ends nothing else: tokens live on until their own end', async () => {
    const flow = await signIn();
    const [signedIn, held] = [await flow.tokens(web, { scope: 'openid' }), await flow.tokens(api)];
    await letRunOut(sidOf(signedIn));
    expect(await refresh(api, held)).toBe(200);
    expect([await endings(sidOf(signedIn)), toldOf(sidOf(signedIn))]).toEqual([0, []]);
  });

  it('a client that redeems its code while the session is being ended is told as well', async () => {
    const flow = await signIn();
    const signedIn = await flow.tokens(web, { scope: 'openid' });
    const code = await flow.code(api);
    const ending = holdNextTransaction(server);
    const answer = logout(flow.browser, signedIn);
    await ending.reached;
    const late = await flow.redeem(api, code);
    ending.release();
    expect([late.status, (await answer).status]).toEqual([200, 200]);
    expect(await isActive(api, late.body as unknown as IssuedTokens)).toBe(false);
    await expectTold(sidOf(signedIn), web, api);
  });

  it('a client that signed the user in days before is told, when the user signed in again and again meanwhile', async () => {
    const user = await newUser();
    const flow = await signIn(user);
    const early = await flow.tokens(web, { scope: 'openid' });
    let last = early;
    for (let day = 0; day < 4; day++) {
      server.clock.advanceSeconds(20 * HOUR);
      server.driver.renewAdminToken();
      const page = await flow.browser.follow(await flow.browser.get(authorizationUrl(api, { prompt: 'login', scope: 'openid' })));
      await flow.browser.post(formAction(page), { ...hiddenFields(page.text), ...user, decision: 'sign_in' });
      last = await flow.tokens(api, { scope: 'openid' });
      await server.get(Cleanup).run();
    }
    expect(sidOf(last)).toBe(sidOf(early));
    await logout(flow.browser, last);
    await expectTold(sidOf(early), web, api);
  });

  it('families go when their session is over and none of their tokens can be valid', async () => {
    const flow = await signIn();
    const sid = sidOf(await flow.tokens(web, { scope: 'openid' }));
    server.clock.advanceSeconds(23 * HOUR);
    await server.get(Cleanup).run();
    expect(await countRows('token_families', 'session_id', sid)).toBe(1);
    server.clock.advanceSeconds(3 * DAY);
    server.driver.renewAdminToken();
    for (let round = 0; round < 2; round++) await server.get(Cleanup).run();
    expect(await countRows('token_families', 'session_id', sid)).toBe(0);
  });

  describe('of hundreds of silent sign-ins', () => {
    const MANY = 1_100;

    it('is one transaction of few statements', async () => {
      const flow = await signIn();
      const [signedIn, held] = [await flow.tokens(web, { scope: 'openid' }), await flow.tokens(api)];
      await addFamilies(held, MANY);
      const { transactions, statements } = await countTransactions(server, () => logout(flow.browser, signedIn));
      expect(transactions).toBe(1);
      expect(statements).toBeLessThan(60);
      expect([await refresh(api, held), await isActive(web, signedIn)]).toEqual([400, false]);
      await expectTold(sidOf(signedIn), web, api);
    });

    it('writes nothing for those whose access tokens have expired', async () => {
      const flow = await signIn();
      const early = await flow.tokens(web, { scope: 'openid' });
      await addFamilies(early, MANY);
      server.clock.advanceSeconds(HOUR);
      const signedIn = await flow.tokens(web, { scope: 'openid' });
      const revoked = () => countRows('changes', 'topic', 'revoked-token');
      const before = await revoked();
      expect((await countTransactions(server, () => logout(flow.browser, signedIn))).transactions).toBe(1);
      expect((await revoked()) - before).toBe(1);
      await expectTold(sidOf(signedIn), web);
    });

    it('ends families of the previous version, whose rows do not tell when their access tokens expire', async () => {
      const flow = await signIn();
      const signedIn = await flow.tokens(web, { scope: 'openid' });
      const nowMs = server.clock.nowMs();
      await addFamilies(signedIn, 3, { issuedAt: nowMs, expiresAt: nowMs, idleExpiresAt: nowMs });
      server.clock.advanceSeconds(HOUR);
      const revoked = () => countRows('changes', 'topic', 'revoked-token');
      const before = await revoked();
      await logout(flow.browser, signedIn);
      expect((await revoked()) - before).toBe(3);
    });
  });

  describe('of a user who is put out, on every instance, with every client told once', () => {
    it.each<[string, string, string, unknown]>([
      ['disabled', 'PATCH', '', { enabled: false }],
      ['deleted', 'DELETE', '', undefined],
      ['given a password by an admin', 'PUT', '/password', { password: PASSWORD }],
      ['signed out everywhere by an admin', 'DELETE', '/sessions', undefined],
      ['taken all tokens by an admin', 'DELETE', '/tokens', undefined],
    ])('%s', async (_, method, path, body) => {
      const user = await newUser();
      const past = await signIn(user);
      const ranOut = await past.tokens(web, { scope: 'openid' });
      const held = await past.tokens(api);
      await letRunOut(sidOf(ranOut));
      const present = await signIn(user);
      const signedIn = await present.tokens(web, { scope: 'openid' });

      const answer = await server.driver.adminRequest(method, `/users/${user.userId}${path}`, body);
      expect([200, 204]).toContain(answer.status);
      for (const at of [server, sibling]) {
        await eventually(async () => expect(await isActive(web, signedIn, at)).toBe(false), { withinMs: 1000 });
      }
      expect(await refresh(api, held)).toBe(400);
      await expectTold(sidOf(signedIn), web);
      await expectTold(sidOf(ranOut), web, api);
      expect([await endings(sidOf(signedIn)), await endings(sidOf(ranOut))]).toEqual([1, 1]);
      expect(await countRows('sessions', 'user_id', user.userId)).toBe(0);
    });
  });

  it('a user who was put out while an instance missed changes is not missed: the clients are told', async () => {
    const user = await newUser();
    const flow = await signIn(user);
    const signedIn = await flow.tokens(web, { scope: 'openid' });
    const sql = 'UPDATE users SET token_generation = ? WHERE user_id = ?';
    await server.get(Database).execute(sql, ['another1', user.userId]);
    // Without a look at the feed for so long, its notices may have expired.
    server.clock.advanceSeconds(HOUR);
    await expectTold(sidOf(signedIn), web);
  });

  it('"sign out everywhere else" ends the tokens of all other sessions, of those that ran out too, and of no other user', async () => {
    const [user, somebody] = [await newUser(), await newUser()];
    const [past, bystander] = [await signIn(user), await signIn(somebody)];
    const ranOut = await past.tokens(web, { scope: 'openid' });
    const [held, foreign] = [await past.tokens(api), await bystander.tokens(api)];
    await letRunOut(sidOf(ranOut));
    const [here, there] = [await signIn(user), await signIn(user)];
    const [own, other] = [await here.tokens(api), await there.tokens(api)];
    const page = await here.browser.get('/account');
    await here.browser.post('/account/sessions/end-others', hiddenFields(page.text));
    expect([await refresh(api, held), await refresh(api, other)]).toEqual([400, 400]);
    expect([await refresh(api, own), await refresh(api, foreign)]).toEqual([200, 200]);
    await expectTold(sidOf(ranOut), web, api);
  });
});
