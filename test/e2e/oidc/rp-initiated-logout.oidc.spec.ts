import { expectErrorPage } from '../../support/authorization-answers.js';
import { authorizationUrl, CALLBACK } from '../../support/authorization-url.js';
import { Browser, formAction, hiddenFields, type PageAnswer } from '../../support/browser.js';
import { CodeFlow, type IssuedTokens } from '../../support/code-flow.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { flipCase, ownKey, segment, signedJwt, withSegment } from '../../support/forged-tokens.js';
import { HttpTarget } from '../../support/http-target.js';
import { type Answer, type Credentials, decodeJwt, type RegisteredUser } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { TestServer } from '../../support/test-server.js';

const BYE = 'https://app.example/bye';
const BYE_WITH_QUERY = 'https://app.example/bye?from=mintgate';
const SESSION = 'mintgate_session';

/** What a logout token says of whom (OpenID Connect Back-Channel Logout 1.0 §2.4). */
interface LogoutToken {
  aud: string;
  sub: string;
  sid: string;
}

describeOnOneDatabase('OpenID Connect RP-Initiated Logout 1.0', (kind) => {
  let server: TestServer;
  let sibling: TestServer;
  /** Where clients are told of logouts. */
  let receiver: HttpTarget;
  let margaret: RegisteredUser;
  let grace: RegisteredUser;
  let web: Credentials;

  beforeAll(async () => {
    receiver = await HttpTarget.start();
    const env = { OUTBOUND_ALLOWED_HOSTS: receiver.host, CHANGE_FEED_INTERVAL_MS: '100', ID_TOKEN_LIFETIME_SECONDS: '60' };
    server = await TestServer.start({ kind, env });
    sibling = await TestServer.start({ database: server.database, issuer: server.issuer, clock: server.clock, env });
    margaret = await server.driver.registerUser({ username: 'margaret' });
    grace = await server.driver.registerUser({ username: 'grace' });
    web = await register();
  });
  beforeEach(() => server.driver.renewAdminToken());
  afterAll(async () => {
    await sibling?.stop();
    await server?.stop();
    await receiver?.close();
  });

  const register = (metadata: Record<string, unknown> = {}) =>
    server.driver.registerClient({
      client_name: 'The Desk', grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [CALLBACK], post_logout_redirect_uris: [BYE, BYE_WITH_QUERY], scope: 'openid email offline_access', skip_consent: true, ...metadata,
    });
  const logoutPath = (parameters: Record<string, string> = {}) => `/oauth/logout?${new URLSearchParams(parameters).toString()}`;

  /** Signed in, with the tokens that a client got by it. */
  async function signedIn(client = web, user = margaret): Promise<{ browser: Browser; tokens: IssuedTokens; flow: CodeFlow }> {
    const flow = await CodeFlow.signedIn(server, user);
    return { flow, browser: flow.browser, tokens: await flow.tokens(client, { scope: 'openid' }) };
  }

  const isSignedIn = async (browser: Browser, at = server) => (await new BrowserWith(browser, at).get('/account')).text.includes('Where you are signed in');
  const expectSignedIn = async (browser: Browser) => expect(await isSignedIn(browser)).toBe(true);
  const expectSignedOut = async (browser: Browser) => {
    for (const at of [server, sibling]) expect(await isSignedIn(browser, at)).toBe(false);
  };

  function expectSentTo(answer: PageAnswer | Answer, location: string): void {
    expect({ status: answer.status, location: answer.headers.get('location') }).toEqual({ status: 303, location });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
  }

  function expectLoggedOutPage(answer: PageAnswer): void {
    expect({ status: answer.status, location: answer.location }).toEqual({ status: 200, location: undefined });
    expect(answer.text).toContain('You are signed out');
  }

  function expectAsked(answer: PageAnswer): void {
    expect({ status: answer.status, location: answer.location }).toEqual({ status: 200, location: undefined });
    expect(answer.text).toContain('Do you want to sign out?');
    expect(hiddenFields(answer.text)).toMatchObject({ csrf_token: expect.stringMatching(/^[\w-]{43}$/) as string });
  }

  describe('§2: with an ID token of the session', () => {
    it.each(['GET', 'POST'])('%s: it is over, on every instance, and the browser goes where the client wants it', async (method) => {
      const { browser, tokens } = await signedIn();
      const stolen = new Browser(server.url);
      stolen.setCookie(SESSION, browser.cookie(SESSION)!);
      const parameters = { id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE };
      expectSentTo(method === 'GET' ? await browser.get(logoutPath(parameters)) : await browser.post('/oauth/logout', parameters), BYE);
      expect(browser.cookie(SESSION)).toBeUndefined();
      await expectSignedOut(stolen);
    });

    it.each([
      [BYE, 'plain', `${BYE}?state=plain`],
      [BYE, 'a b&c=d#e"é', `${BYE}?state=a+b%26c%3Dd%23e%22%C3%A9`],
      [BYE_WITH_QUERY, 'x', `${BYE_WITH_QUERY}&state=x`],
    ])('to %s with the state %j', async (uri, state, location) => {
      const { browser, tokens } = await signedIn();
      expectSentTo(await browser.get(logoutPath({ id_token_hint: tokens.id_token, post_logout_redirect_uri: uri, state })), location);
    });

    it('and without an address to go to: a page says so', async () => {
      const { browser, tokens } = await signedIn();
      expectLoggedOutPage(await browser.get(logoutPath({ id_token_hint: tokens.id_token, state: 'x', client_id: web.clientId, logout_hint: 'margaret', ui_locales: 'en' })));
      await expectSignedOut(browser);
    });

    it('that has expired long ago, it is as good', async () => {
      const { browser, tokens } = await signedIn();
      server.clock.advanceSeconds(3 * 3600);
      expectSentTo(await browser.get(logoutPath({ id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE })), BYE);
      await expectSignedOut(browser);
    });

    it.each(['ES256', 'PS256', 'EdDSA'])('signed by %s', async (alg) => {
      const { browser, tokens } = await signedIn(await register({ id_token_signed_response_alg: alg }));
      expectSentTo(await browser.get(logoutPath({ id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE })), BYE);
      await expectSignedOut(browser);
    });

    it('of a client with pairwise subjects', async () => {
      const { browser, tokens } = await signedIn(await register({ subject_type: 'pairwise' }));
      expectSentTo(await browser.get(logoutPath({ id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE })), BYE);
      await expectSignedOut(browser);
    });

    it('is audited once, also when it is asked for twice', async () => {
      const { browser, tokens } = await signedIn();
      const { sid } = decodeJwt(tokens.id_token).claims;
      for (let i = 0; i < 2; i++) expectSentTo(await browser.get(logoutPath({ id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE })), BYE);
      const { items } = (await server.driver.adminRequest<{ items: { detail: Record<string, unknown> }[] }>('GET', `/audit-events?type=session.ended&user_id=${margaret.userId}`)).body;
      expect(items.filter(({ detail }) => detail['session_id'] === sid)).toHaveLength(1);
    });
  });

  describe('§2: a hint that is no ID token of this server ends nothing, and is a page', () => {
    const refused: [string, (tokens: IssuedTokens) => string | Promise<string>][] = [
      ['changed in its claims', ({ id_token: token }) => withSegment(token, 1, flipCase)],
      ['with a changed signature', ({ id_token: token }) => withSegment(token, 2, flipCase)],
      ['without a signature', ({ id_token: token }) => withSegment(token, 2, () => '')],
      ['by alg none', ({ id_token: token }) => `${segment({ alg: 'none', typ: 'JWT' })}.${token.split('.')[1]}.`],
      ['of another issuer', ({ id_token: token }) => resigned(token, { iss: 'https://other.example' })],
      ['of an issuer that only begins like this one', ({ id_token: token }) => resigned(token, { iss: `${server.issuer}/` })],
      ['without an audience', ({ id_token: token }) => resigned(token, { aud: undefined })],
      ['without a session', ({ id_token: token }) => resigned(token, { sid: undefined })],
      ['for a client that there is not', ({ id_token: token }) => resigned(token, { aud: 'nobody' })],
      ['signed as an access token', ({ id_token: token }) => resigned(token, {}, { typ: 'at+jwt' })],
      ['signed as a logout token', ({ id_token: token }) => resigned(token, {}, { typ: 'logout+jwt' })],
      ['signed with more in its header', ({ id_token: token }) => resigned(token, {}, { jku: 'https://evil.example/jwks' })],
      ['an access token', ({ access_token: token }) => token],
      ['a refresh token', async () => (await (await CodeFlow.signedIn(server, margaret)).tokens(web, { scope: 'openid offline_access' })).refresh_token],
      ['no token', () => 'x'],
      ['null', ({ id_token: token }) => signedJwt(decodeJwt(token).header, 'null', ownKey(server, 'RS256').privateKey, 'RS256')],
    ];
    const resigned = (token: string, claims: Record<string, unknown>, header: Record<string, unknown> = {}) =>
      signedJwt({ ...decodeJwt(token).header, ...header }, { ...decodeJwt(token).claims, ...claims }, ownKey(server, 'RS256').privateKey, 'RS256');

    it.each(refused)('%s', async (_, hint) => {
      const { browser, tokens } = await signedIn();
      const others: Record<string, string>[] = [{}, { post_logout_redirect_uri: BYE }, { post_logout_redirect_uri: BYE, client_id: web.clientId }];
      for (const parameters of others) expectErrorPage(await browser.get(logoutPath({ id_token_hint: await hint(tokens), ...parameters })));
      expectErrorPage(await browser.post('/oauth/logout', { id_token_hint: await hint(tokens) }));
      await expectSignedIn(browser);
    });

    it('issued to another client than client_id names', async () => {
      const { browser, tokens } = await signedIn();
      const other = await register();
      expectErrorPage(await browser.get(logoutPath({ id_token_hint: tokens.id_token, client_id: other.clientId, post_logout_redirect_uri: BYE })));
      expectErrorPage(await browser.get(logoutPath({ id_token_hint: tokens.id_token, client_id: 'nobody' })));
      await expectSignedIn(browser);
    });

    it.each<[string, (clientId: string) => Promise<unknown>]>([
      ['deleted', (clientId) => server.driver.adminRequest('DELETE', `/clients/${clientId}`)],
      ['disabled', (clientId) => server.driver.adminRequest('PATCH', `/clients/${clientId}`, { enabled: false })],
    ])('of a client that is %s', async (_, change) => {
      const client = await register();
      const { browser, tokens } = await signedIn(client);
      await change(client.clientId);
      expectErrorPage(await browser.get(logoutPath({ id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE })));
      await expectSignedIn(browser);
    });

    it('a repeated parameter', async () => {
      const { browser, tokens } = await signedIn();
      expectErrorPage(await browser.get(`${logoutPath({ id_token_hint: tokens.id_token })}&id_token_hint=${tokens.id_token}`));
      expectErrorPage(await browser.get(`${logoutPath({ client_id: web.clientId, post_logout_redirect_uri: BYE })}&post_logout_redirect_uri=${BYE}`));
      await expectSignedIn(browser);
    });
  });

  describe('§3: a post_logout_redirect_uri that is not registered byte by byte leads nowhere, and ends nothing', () => {
    it.each([
      CALLBACK, `${BYE}/`, `${BYE}?`, `${BYE}?x=1`, `${BYE}#x`, `${BYE_WITH_QUERY}&x=1`, 'https://app.example/BYE', 'https://APP.example/bye', 'https://app.example:443/bye', 'https://app.example/./bye', 'https://app.example', 'http://app.example/bye',
      'https://app.example@evil.example/bye', 'https://evil.example/?https://app.example/bye', '//app.example/bye', '/bye', 'javascript:alert(1)', ` ${BYE}`, `${BYE}\n`,
    ])('%j', async (uri) => {
      const { browser, tokens } = await session();
      expectErrorPage(await browser.get(logoutPath({ id_token_hint: tokens.id_token, post_logout_redirect_uri: uri })));
      expectErrorPage(await browser.get(logoutPath({ client_id: web.clientId, post_logout_redirect_uri: uri })));
      expectErrorPage(await new Browser(server.url).get(logoutPath({ client_id: web.clientId, post_logout_redirect_uri: uri })));
      await expectSignedIn(browser);
    });

    it('of another client', async () => {
      const { browser, tokens } = await session();
      await register({ post_logout_redirect_uris: ['https://other.example/bye'] });
      expectErrorPage(await browser.get(logoutPath({ id_token_hint: tokens.id_token, post_logout_redirect_uri: 'https://other.example/bye' })));
      await expectSignedIn(browser);
    });

    it('when nobody says of which client', async () => {
      const { browser } = await session();
      expectErrorPage(await browser.get(logoutPath({ post_logout_redirect_uri: BYE })));
      expectErrorPage(await new Browser(server.url).get(logoutPath({ post_logout_redirect_uri: BYE, state: 'x' })));
      await expectSignedIn(browser);
    });

    /** One for all of these, since none ends it. */
    let shared: Awaited<ReturnType<typeof signedIn>> | undefined;
    const session = async () => (shared ??= await signedIn());
  });

  describe('L9: without the ID token of this very session the user is asked, and nobody else can say yes for her', () => {
    it('by GET: the page names the client, and ends nothing by itself', async () => {
      const { browser } = await signedIn();
      const page = await browser.get(logoutPath({ client_id: web.clientId, post_logout_redirect_uri: BYE, state: 's', ui_locales: 'en' }));
      expectAsked(page);
      expect(page.text).toMatch(/The Desk.*asks to sign you out/s);
      expect(page.text).toMatch(/signed in as.*margaret/s);
      await expectSignedIn(browser);
      expectSentTo(await browser.submit(page, { decision: 'sign_out' }), `${BYE}?state=s`);
      await expectSignedOut(browser);
    });

    it('in the language that the client named, page after page', async () => {
      const { browser } = await signedIn();
      const page = await browser.get(logoutPath({ client_id: web.clientId, ui_locales: 'de' }));
      expect(page.text).toContain('<html lang="de">');
      expect((await browser.submit(page, { decision: 'sign_out' })).text).toContain('<html lang="de">');
    });

    it('without any parameter', async () => {
      const { browser } = await signedIn();
      const page = await browser.get('/oauth/logout');
      expectAsked(page);
      expectLoggedOutPage(await browser.submit(page, { decision: 'sign_out' }));
      await expectSignedOut(browser);
    });

    it.each([['stay'], ['anything else']])('and who answers %j stays signed in', async (decision) => {
      const { browser } = await signedIn();
      const page = await browser.get(logoutPath({ client_id: web.clientId, post_logout_redirect_uri: BYE }));
      expectSentToAccount(await browser.post(formAction(page), { ...hiddenFields(page.text), decision }));
      await expectSignedIn(browser);
    });

    const expectSentToAccount = (answer: PageAnswer) => expect({ status: answer.status, location: answer.location?.pathname }).toEqual({ status: 303, location: '/account' });

    it('with the ID token of another user: it is she who is asked, and her session that ends', async () => {
      const [ofMargaret, ofGrace] = [await signedIn(), await signedIn(web, grace)];
      const page = await ofMargaret.browser.get(logoutPath({ id_token_hint: ofGrace.tokens.id_token, post_logout_redirect_uri: BYE }));
      expectAsked(page);
      await expectSignedIn(ofMargaret.browser);
      await expectSignedIn(ofGrace.browser);
      expectSentTo(await ofMargaret.browser.submit(page, { decision: 'sign_out' }), BYE);
      await expectSignedOut(ofMargaret.browser);
      await expectSignedIn(ofGrace.browser);
    });

    it('with the ID token of an earlier session of hers', async () => {
      const { browser, tokens } = await signedIn();
      await browser.submit(await browser.get('/account'), {}, '/account/logout');
      const again = (await CodeFlow.signedIn(server, margaret)).browser;
      expectAsked(await again.get(logoutPath({ id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE })));
      await expectSignedIn(again);
    });

    it('the form without a csrf_token, or with that of another session: 403, and nothing ends', async () => {
      const [mine, other] = [await signedIn(), await signedIn(web, grace)];
      const page = await mine.browser.get(logoutPath({ client_id: web.clientId }));
      const foreign = hiddenFields((await other.browser.get(logoutPath({ client_id: web.clientId }))).text)['csrf_token'];
      const { csrf_token: own, ...fields } = hiddenFields(page.text);
      for (const token of [undefined, '', foreign, flipCase(own), `${own}x`]) {
        expectErrorPage(await mine.browser.post(formAction(page), { ...fields, decision: 'sign_out', ...(token === undefined ? {} : { csrf_token: token }) }), 403);
      }
      expectErrorPage(await new Browser(server.url).post(formAction(page), { ...fields, csrf_token: own, decision: 'sign_out' }), 403);
      for (const { browser } of [mine, other]) await expectSignedIn(browser);
    });

    it('the form with another address to go to than was asked about: refused, and nothing ends', async () => {
      const { browser } = await signedIn();
      const page = await browser.get(logoutPath({ client_id: web.clientId, post_logout_redirect_uri: BYE }));
      expectErrorPage(await browser.post(formAction(page), { ...hiddenFields(page.text), post_logout_redirect_uri: 'https://evil.example/', decision: 'sign_out' }));
      await expectSignedIn(browser);
    });
  });

  describe('L9: by a form of another site, with which browsers do not send the session cookie (SameSite=Lax)', () => {
    /** What the browser does with the answer: its cookies are those of before, and of the answer. */
    async function postFromElsewhere(browser: Browser, form: Record<string, string>): Promise<PageAnswer> {
      const answer = await server.driver.form('/oauth/logout', form, undefined, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' });
      expect(answer.headers.getSetCookie()).toEqual([]);
      const location = answer.headers.get('location');
      return location === null ? answer : browser.follow({ ...answer, location: new URL(location) });
    }

    it('without an ID token: she is asked', async () => {
      const { browser } = await signedIn();
      expectAsked(await postFromElsewhere(browser, {}));
      const page = await postFromElsewhere(browser, { client_id: web.clientId, post_logout_redirect_uri: BYE, state: 'a b' });
      expectAsked(page);
      await expectSignedIn(browser);
      expectSentTo(await browser.submit(page, { decision: 'sign_out' }), `${BYE}?state=a+b`);
      await expectSignedOut(browser);
    });

    it('with the ID token of another session: that session goes on, and the user is asked about their own', async () => {
      const [victim, attacker] = [await signedIn(), await signedIn(web, grace)];
      expectAsked(await postFromElsewhere(victim.browser, { id_token_hint: attacker.tokens.id_token, post_logout_redirect_uri: BYE }));
      await expectSignedIn(victim.browser);
      await expectSignedIn(attacker.browser);
    });

    it('with a ticket that has expired, was altered, or is repeated for another client: the user is asked, or sees a page', async () => {
      const { browser, tokens } = await signedIn();
      const ticketed = async () => (await server.driver.form('/oauth/logout', { id_token_hint: tokens.id_token })).headers.get('location')!;
      const altered = new URL(await ticketed());
      altered.searchParams.set('logout_ticket', flipCase(altered.searchParams.get('logout_ticket')!));
      expectAsked(await browser.get(altered.href));
      const foreign = new URL(await ticketed());
      foreign.searchParams.set('client_id', (await register()).clientId);
      expectErrorPage(await browser.get(foreign.href));
      const late = await ticketed();
      server.clock.advanceSeconds(120);
      expectAsked(await browser.get(late));
      await expectSignedIn(browser);
      expectLoggedOutPage(await browser.get(await ticketed()));
      await expectSignedOut(browser);
    });

    it('with that of her session: it ends, and she goes where the client wants her', async () => {
      const { browser, tokens } = await signedIn();
      expectSentTo(await postFromElsewhere(browser, { id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE, state: 's' }), `${BYE}?state=s`);
      await expectSignedOut(browser);
    });

    it('the ID token does not stand in any address', async () => {
      const { tokens } = await signedIn();
      const answer = await server.driver.form('/oauth/logout', { id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE });
      expect(answer.status).toBe(303);
      expect(answer.headers.get('location')).not.toContain(tokens.id_token);
      expect(server.logLines.join('\n')).not.toContain(tokens.id_token);
    });

    it('with what cannot be believed: a page', async () => {
      const { browser, tokens } = await signedIn();
      expectErrorPage(await postFromElsewhere(browser, { id_token_hint: withSegment(tokens.id_token, 1, flipCase) }));
      expectErrorPage(await postFromElsewhere(browser, { client_id: web.clientId, post_logout_redirect_uri: 'https://evil.example/' }));
      await expectSignedIn(browser);
    });
  });

  describe('where nobody is signed in', () => {
    it('there is nothing to ask: to the address of the client, or a page', async () => {
      const browser = new Browser(server.url);
      expectSentTo(await browser.get(logoutPath({ client_id: web.clientId, post_logout_redirect_uri: BYE, state: 's' })), `${BYE}?state=s`);
      expectLoggedOutPage(await browser.get('/oauth/logout'));
      expectLoggedOutPage(await browser.follow(await browser.post('/oauth/logout', {})));
    });

    it('a cookie that is not good any more is dropped', async () => {
      const browser = new Browser(server.url);
      browser.setCookie(SESSION, `mg_ss_${'x'.repeat(43)}`);
      expectLoggedOutPage(await browser.get('/oauth/logout'));
      expect(browser.cookie(SESSION)).toBeUndefined();
    });
  });

  describe('§2: an ID token that is not of the session of this browser proves no more than which client has it', () => {
    const isActive = async (client: Credentials, { access_token: token }: IssuedTokens) => (await server.driver.introspect(client, token)).body['active'];

    /** A session with tokens of two clients. */
    async function sessionOfTwo() {
      const other = await register();
      const { flow, browser, tokens } = await signedIn();
      return { browser, tokens, other, others: await flow.tokens(other, { scope: 'openid' }) };
    }

    async function expectOwnTokensEnded({ browser, tokens, other, others }: Awaited<ReturnType<typeof sessionOfTwo>>): Promise<void> {
      expect([await isActive(web, tokens), await isActive(other, others)]).toEqual([false, true]);
      await expectSignedIn(browser);
    }

    it.each(['GET', 'POST'])('%s without a cookie ends the tokens of that client, and neither the session nor what others hold', async (method) => {
      const held = await sessionOfTwo();
      const stranger = new Browser(server.url);
      const hint = { id_token_hint: held.tokens.id_token };
      const page = await stranger.follow(method === 'GET' ? await stranger.get(logoutPath(hint)) : await stranger.post('/oauth/logout', hint));
      expect([page.status, page.text]).toEqual([200, expect.stringMatching(/You are signed out of.*The Desk/s)]);
      await expectOwnTokensEnded(held);
      const { items } = (await server.driver.adminRequest<{ items: object[] }>('GET', `/audit-events?type=client.signed_out&client_id=${web.clientId}&limit=1`)).body;
      expect(items).toMatchObject([{ user_id: margaret.userId, detail: { family_id: expect.any(String) as string } }]);
    });

    it('without a cookie the browser still goes where the client wants it', async () => {
      const held = await sessionOfTwo();
      expectSentTo(await new Browser(server.url).get(logoutPath({ id_token_hint: held.tokens.id_token, post_logout_redirect_uri: BYE, state: 's' })), `${BYE}?state=s`);
      await expectOwnTokensEnded(held);
    });

    it('with the cookie of another session the user is asked, and staying signed in does not bring the tokens back', async () => {
      const held = await sessionOfTwo();
      const elsewhere = await signedIn(web, grace);
      const page = await elsewhere.browser.get(logoutPath({ id_token_hint: held.tokens.id_token }));
      expectAsked(page);
      await elsewhere.browser.submit(page, { decision: 'stay' });
      await expectSignedIn(elsewhere.browser);
      await expectOwnTokensEnded(held);
    });

    it('with a cookie that the session had before the user signed in again, the session goes on', async () => {
      const held = await sessionOfTwo();
      const stale = new Browser(server.url);
      stale.setCookie(SESSION, held.browser.cookie(SESSION)!);
      const page = await held.browser.follow(await held.browser.get(authorizationUrl(web, { prompt: 'login' })));
      await held.browser.post(formAction(page), { ...hiddenFields(page.text), ...margaret, decision: 'sign_in' });
      await stale.get(logoutPath({ id_token_hint: held.tokens.id_token }));
      await expectOwnTokensEnded(held);
    });

    it('with the cookie of a session that was not used for hours, all of it ends: the cookie shows whose it was', async () => {
      const held = await sessionOfTwo();
      server.clock.advanceSeconds(4 * 3600);
      server.driver.renewAdminToken();
      expectLoggedOutPage(await held.browser.get(logoutPath({ id_token_hint: held.tokens.id_token })));
      const { sid } = decodeJwt(held.tokens.id_token).claims;
      const { items } = (await server.driver.adminRequest<{ items: { detail: Record<string, unknown> }[] }>('GET', `/audit-events?type=session.ended&user_id=${margaret.userId}`)).body;
      expect(items.filter(({ detail }) => detail['session_id'] === sid)).toHaveLength(1);
    });
  });

  describe('what the end of a session means for the clients of it', () => {
    const told = () => receiver.requests.map(({ body }) => decodeJwt(new URLSearchParams(body).get('logout_token')!).claims as unknown as LogoutToken);
    const active = async (client: Credentials, token: string, at = server) => (await at.driver.introspect(client, token)).body['active'];

    it('each that has tokens of it is told, by the sub and the sid of its own ID token; no other is', async () => {
      const bcl = { backchannel_logout_uri: `http://${receiver.host}/bcl` };
      const clients = [await register(bcl), await register({ ...bcl, subject_type: 'pairwise' }), await register({ ...bcl, id_token_signed_response_alg: 'EdDSA' })];
      const bystander = await register(bcl);
      const { flow, tokens } = await signedIn();
      await (await CodeFlow.signedIn(server, margaret)).tokens(bystander, { scope: 'openid' });
      const idTokens = [];
      for (const client of clients) idTokens.push(decodeJwt((await flow.tokens(client, { scope: 'openid' })).id_token).claims);
      await flow.browser.get(logoutPath({ id_token_hint: tokens.id_token }));
      await eventually(() => expect(told()).toHaveLength(3));
      const byClient = (one: { aud?: unknown }, other: { aud?: unknown }) => String(one.aud).localeCompare(String(other.aud));
      expect(told().sort(byClient)).toMatchObject(idTokens.map(({ aud, sub, sid }) => ({ aud, sub, sid })).sort(byClient));
    });

    it.each(['jwt', 'opaque'])('their tokens die with it, here at once and elsewhere within a second; those for offline_access live on (%s)', async (access_token_format) => {
      const client = await register({ access_token_format });
      const { flow, browser } = await signedIn();
      const online = await flow.tokens(client, { scope: 'openid email' });
      const offline = await flow.tokens(client, { scope: 'openid offline_access' });
      const code = await flow.code(client, { scope: 'openid' });
      expect(online.refresh_token).toBeUndefined();
      await browser.get(logoutPath({ id_token_hint: online.id_token }));
      expect(await active(client, online.access_token)).toBe(false);
      await eventually(async () => expect(await active(client, online.access_token, sibling)).toBe(false), { withinMs: 1000 });
      expect((await server.driver.request('GET', '/oauth/userinfo', { headers: { authorization: `Bearer ${online.access_token}` } })).status).toBe(401);
      expectOAuthError(await flow.redeem(client, code), 400, 'invalid_grant');
      for (const at of [server, sibling]) expect(await active(client, offline.access_token, at)).toBe(true);
      const refreshed = await server.driver.refreshed(client, offline.refresh_token);
      expect(await active(client, refreshed.accessToken)).toBe(true);
    });

    it('a refresh token of a client without OpenID Connect dies', async () => {
      const client = await register({ scope: 'read' });
      const { flow, browser, tokens } = await signedIn();
      const { refresh_token: refreshToken } = await flow.tokens(client);
      await browser.get(logoutPath({ id_token_hint: tokens.id_token }));
      expectOAuthError(await server.driver.refresh(client, refreshToken), 400, 'invalid_grant');
    });
  });

  it('none of this was an unexpected condition', () => {
    expect([server, sibling].flatMap(({ logLines }) => logLines.filter((line) => /"level":"(error|fatal)"/.test(line)))).toEqual([]);
  });
});

/** The same cookies at another instance. */
class BrowserWith extends Browser {
  constructor(browser: Browser, at: TestServer) {
    super(at.url);
    const session = browser.cookie(SESSION);
    if (session !== undefined) this.setCookie(SESSION, session);
  }
}
