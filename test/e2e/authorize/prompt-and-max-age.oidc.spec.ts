import { generateKeyPairSync } from 'node:crypto';
import { clientAnswer, expectPage, expectRefusal } from '../../support/authorization-answers.js';
import { authorizationUrl, CALLBACK, type ParameterChanges, PKCE } from '../../support/authorization-url.js';
import { Browser, type PageAnswer } from '../../support/browser.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { ownKey, signedJwt, withSegment } from '../../support/forged-tokens.js';
import { type Credentials, decodeJwt, type RegisteredUser } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';

const ACR = 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport';
const SESSION_COOKIE = 'mintgate_session';

describeOnOneDatabase('what a request may ask of the authentication', (kind) => {
  let server: TestServer;
  let margaret: RegisteredUser;
  let grace: RegisteredUser;
  /** For which nobody is asked for consent. */
  let trusted: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    margaret = await server.driver.registerUser({ username: 'margaret', email: 'margaret@example.com' });
    grace = await server.driver.registerUser({ username: 'grace' });
    trusted = await register({ skip_consent: true });
  });
  beforeEach(() => {
    server.clock.advanceSeconds(1);
    server.driver.renewAdminToken();
  });
  afterAll(() => server.stop());

  const register = (metadata: Record<string, unknown> = {}) => server.driver.registerClient({ grant_types: ['authorization_code'], redirect_uris: [CALLBACK], scope: 'openid email api other', ...metadata });
  const urlFor = (client: Credentials, changes: ParameterChanges = {}) => authorizationUrl(client, { scope: 'openid api', ...changes });
  const nowSeconds = () => server.clock.nowMs() / 1000;
  /** A browser in which a user is signed in since a minute. */
  const browserOf = async (user: RegisteredUser, client = trusted) => {
    const browser = new Browser(server.url);
    clientAnswer(await browser.authorize(urlFor(client), user));
    server.clock.advanceSeconds(60);
    return browser;
  };
  const ask = async (browser: Browser, changes: ParameterChanges, client = trusted) => browser.follow(await browser.get(urlFor(client, changes)));
  const idTokenOf = async (answer: PageAnswer, client = trusted, redirectUri = CALLBACK): Promise<string> => {
    const { code } = clientAnswer(answer, redirectUri).params;
    const token = await server.driver.token(client.clientSecret === '' ? undefined : client, { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: PKCE.verifier, ...(client.clientSecret === '' ? { client_id: client.clientId } : {}) });
    return token.body['id_token'] as string;
  };
  const claimsOf = async (answer: PageAnswer, client = trusted) => decodeJwt(await idTokenOf(answer, client)).claims;

  describe('OIDC Core §3.1.2.6: prompt=none', () => {
    const silently = async (browser: Browser, client: Credentials, changes: ParameterChanges = {}) => {
      const answer = await browser.get(urlFor(client, { prompt: 'none', ...changes }));
      expect([answer.status, answer.text]).toEqual([303, '']);
      return answer;
    };

    it('nobody signed in: login_required', async () => {
      expectRefusal(await silently(new Browser(server.url), trusted), 'login_required', server);
    });

    it('a cookie that is no session, or not any more: login_required', async () => {
      const browser = await browserOf(margaret);
      const value = browser.cookie(SESSION_COOKIE)!;
      for (const other of ['', 'x', `mg_ss_${'A'.repeat(43)}`, value.slice(0, -1), value.toUpperCase()]) {
        browser.setCookie(SESSION_COOKIE, other);
        expectRefusal(await silently(browser, trusted), 'login_required', server);
      }
      browser.setCookie(SESSION_COOKIE, value);
      expect(clientAnswer(await silently(browser, trusted)).params['code']).toMatch(/^mg_ac_/);
      server.clock.advanceSeconds(14_400);
      expectRefusal(await silently(browser, trusted), 'login_required', server);
    });

    it('signed in, and nothing to ask: a code', async () => {
      expect(await claimsOf(await silently(await browserOf(margaret), trusted))).toMatchObject({ sub: margaret.userId, auth_time: nowSeconds() - 60 });
    });

    it('never consented: consent_required', async () => {
      expectRefusal(await silently(await browserOf(margaret), await register()), 'consent_required', server);
    });

    it('consented before, to all of it: a code; to less of it: consent_required', async () => {
      const client = await register();
      const browser = await browserOf(margaret, client);
      for (const scope of ['openid api', 'api', 'api openid']) expect(clientAnswer(await silently(browser, client, { scope })).params['code']).toMatch(/^mg_ac_/);
      expectRefusal(await silently(browser, client, { scope: 'openid api other' }), 'consent_required', server);
    });

    it('another user consented: consent_required', async () => {
      const client = await register();
      await browserOf(grace, client);
      expectRefusal(await silently(await browserOf(margaret), client), 'consent_required', server);
    });

    it('a public client at its own web address keeps its consent; an app, which any other could imitate, does not (RFC 8252 §8.6)', async () => {
      for (const [redirectUri, expected] of [[CALLBACK, undefined], ['http://127.0.0.1/cb', 'consent_required'], ['com.example.app:/cb', 'consent_required']] as const) {
        const client = await register({ token_endpoint_auth_method: 'none', redirect_uris: [redirectUri] });
        const browser = new Browser(server.url);
        clientAnswer(await browser.authorize(urlFor(client, { redirect_uri: redirectUri }), margaret), redirectUri);
        const answer = await silently(browser, client, { redirect_uri: redirectUri });
        if (expected) expectRefusal(answer, expected, server, { redirectUri });
        else expect(clientAnswer(answer, redirectUri).params['code']).toMatch(/^mg_ac_/);
        expectPage(await ask(browser, { redirect_uri: redirectUri, ...(expected ? {} : { prompt: 'consent' }) }, client), 'consent');
      }
    });

    it('skip_consent is not for apps that any other could imitate either', async () => {
      const client = await register({ token_endpoint_auth_method: 'none', redirect_uris: ['http://127.0.0.1/cb'], skip_consent: true });
      expectRefusal(await silently(await browserOf(margaret), client, { redirect_uri: 'http://127.0.0.1/cb' }), 'consent_required', server, { redirectUri: 'http://127.0.0.1/cb' });
    });

    it('signed in longer ago than max_age: login_required', async () => {
      const browser = await browserOf(margaret);
      expect(clientAnswer(await silently(browser, trusted, { max_age: '61' })).params['code']).toMatch(/^mg_ac_/);
      for (const maxAge of ['59', '0']) expectRefusal(await silently(browser, trusted, { max_age: maxAge }), 'login_required', server);
    });

    it.each(['none login', 'login none', 'none consent', 'none select_account', 'none none'])('prompt=%s: invalid_request', async (prompt) => {
      expectRefusal(await silently(new Browser(server.url), trusted, { prompt }), 'invalid_request', server);
    });
  });

  describe('OIDC Core §3.1.2.1: prompt=login', () => {
    it.each(['login', 'select_account', 'login select_account'])('%s: the user signs in anew, and auth_time moves', async (prompt) => {
      const browser = await browserOf(margaret);
      const before = await claimsOf(await ask(browser, {}));
      expect(before['auth_time']).toBe(nowSeconds() - 60);
      const login = await ask(browser, { prompt });
      expectPage(login, 'login');
      server.clock.advanceSeconds(5);
      const after = await claimsOf(await browser.signIn(login, margaret));
      expect(after).toMatchObject({ sub: margaret.userId, auth_time: nowSeconds() });
      expect(after['sid']).toBe(before['sid']);
    });

    it('for the session there is a new cookie, and the old one is good no more', async () => {
      const browser = await browserOf(margaret);
      const old = browser.cookie(SESSION_COOKIE)!;
      await browser.signIn(await ask(browser, { prompt: 'login' }), margaret);
      expect(browser.cookie(SESSION_COOKIE)).not.toBe(old);
      const thief = new Browser(server.url);
      thief.setCookie(SESSION_COOKIE, old);
      expectRefusal(await thief.get(urlFor(trusted, { prompt: 'none' })), 'login_required', server);
    });

    it('cannot be gone around: neither by going on without signing in, nor by the consent page, nor with a wrong password', async () => {
      const client = await register();
      const browser = await browserOf(margaret, client);
      const started = await browser.get(urlFor(client, { prompt: 'login' }));
      const resume = started.location!.pathname.replace(/\/login$/, '');
      expectPage(await browser.follow(await browser.get(resume)), 'login');
      expectPage(await browser.get(`${resume}/consent`), 'consent');
      const consent = await browser.get(`${resume}/consent`);
      expectPage(await browser.submit(consent, { decision: 'allow' }), 'login');
      const wrong = await browser.submit(await browser.get(`${resume}/login`), { username: 'margaret', password: 'not this one', decision: 'sign_in' });
      expect(wrong.status).toBe(400);
      expectPage(await browser.follow(await browser.get(resume)), 'login');
      expect((await claimsOf(await ask(browser, {}, client), client))['auth_time']).toBeLessThan(nowSeconds());
    });

    it('a user who does not want to is answered access_denied, and stays signed in as before (CVE-2023-6787)', async () => {
      const browser = await browserOf(margaret);
      const [cookie, before] = [browser.cookie(SESSION_COOKIE), await claimsOf(await ask(browser, {}))];
      expectRefusal(await browser.submit(await ask(browser, { prompt: 'login' }), { decision: 'cancel' }), 'access_denied', server);
      expect(browser.cookie(SESSION_COOKIE)).toBe(cookie);
      expect(await claimsOf(await ask(browser, {}))).toMatchObject({ sub: margaret.userId, sid: before['sid'], auth_time: before['auth_time'] });
    });

    it('another user who signs in then has a session of her own, and the old one is over (CVE-2023-6787)', async () => {
      const browser = await browserOf(margaret);
      const [cookie, before] = [browser.cookie(SESSION_COOKIE)!, await claimsOf(await ask(browser, {}))];
      await browser.submit(await ask(browser, { prompt: 'login' }), { decision: 'cancel' });
      const after = await claimsOf(await browser.signIn(await ask(browser, { prompt: 'login' }), grace));
      expect(after).toMatchObject({ sub: grace.userId, auth_time: nowSeconds() });
      expect(after['sid']).not.toBe(before['sid']);
      expect(await claimsOf(await ask(browser, {}))).toMatchObject({ sub: grace.userId, sid: after['sid'] });
      const thief = new Browser(server.url);
      thief.setCookie(SESSION_COOKIE, cookie);
      expectRefusal(await thief.get(urlFor(trusted, { prompt: 'none' })), 'login_required', server);
    });

    it('prompt=consent asks for consent although it was given, and login beside it for both', async () => {
      const client = await register();
      const browser = await browserOf(margaret, client);
      expectPage(await ask(browser, { prompt: 'consent' }, client), 'consent');
      const login = await ask(browser, { prompt: 'login consent' }, client);
      expectPage(login, 'login');
      const consent = await browser.signIn(login, margaret);
      expectPage(consent, 'consent');
      expect((await claimsOf(await browser.submit(consent, { decision: 'allow' }), client))['auth_time']).toBe(nowSeconds());
    });
  });

  describe('OIDC Core §3.1.2.1: max_age', () => {
    it('signed in lately enough: no question, and auth_time says when', async () => {
      const browser = await browserOf(margaret);
      for (const maxAge of ['61', '3600', '999999999']) expect((await claimsOf(await ask(browser, { max_age: maxAge })))['auth_time']).toBe(nowSeconds() - 60);
    });

    it.each(['59', '1', '0', '00'])('%s, signed in longer ago: signs in anew, and auth_time moves', async (maxAge) => {
      const browser = await browserOf(margaret);
      const login = await ask(browser, { max_age: maxAge });
      expectPage(login, 'login');
      expect((await claimsOf(await browser.signIn(login, margaret)))['auth_time']).toBe(nowSeconds());
    });

    it('is counted from the request on: who takes her time with the consent is not asked to sign in again', async () => {
      const client = await register();
      const browser = new Browser(server.url);
      const consent = await browser.signIn(await ask(browser, { max_age: '10' }, client), margaret);
      server.clock.advanceSeconds(600);
      expect((await claimsOf(await browser.submit(consent, { decision: 'allow' }), client))['auth_time']).toBe(nowSeconds() - 600);
    });

    it.each([' ', '-1', '1.5', '1e3', '0x10', '١', '9999999999', 'NaN'])('%j: invalid_request', async (maxAge) => {
      expectRefusal(await new Browser(server.url).get(urlFor(trusted, { max_age: maxAge })), 'invalid_request', server);
    });
  });

  describe('OIDC Core §3.1.2.1: login_hint', () => {
    const usernameIn = ({ text }: PageAnswer) => /<input[^>]*name="username"[^>]*>/.exec(text)?.[0] ?? '';

    it('stands in the form, and anyone may sign in all the same', async () => {
      const browser = new Browser(server.url);
      const login = await ask(browser, { login_hint: 'margaret' });
      expect(usernameIn(login)).toContain('value="margaret"');
      expect(await claimsOf(await browser.signIn(login, grace))).toMatchObject({ sub: grace.userId });
    });

    it('does not sign out who is signed in', async () => {
      expect(await claimsOf(await ask(await browserOf(margaret), { login_hint: 'grace' }))).toMatchObject({ sub: margaret.userId });
    });

    it('is text in the page, whatever it is', async () => {
      const { text } = await ask(new Browser(server.url), { login_hint: '"><script>alert(1)</script>' });
      expect(text).not.toContain('<script');
      expect(text).toContain('&quot;&gt;&lt;script&gt;');
      expect(usernameIn(await ask(new Browser(server.url), { login_hint: 'x'.repeat(255) }))).not.toContain('xxx');
    });
  });

  describe('OIDC Core §3.1.2.2: id_token_hint', () => {
    let hint: string;

    beforeAll(async () => {
      hint = await idTokenOf(await ask(await browserOf(margaret), {}));
    });

    it('of the user who is signed in: goes on, also silently, and long after the token has expired', async () => {
      server.clock.advanceSeconds(7200);
      const browser = await browserOf(margaret);
      for (const changes of [{}, { prompt: 'none' }]) expect(await claimsOf(await ask(browser, { id_token_hint: hint, ...changes }))).toMatchObject({ sub: margaret.userId });
    });

    it('of another user than the one who is signed in: login_required', async () => {
      const browser = await browserOf(grace);
      for (const changes of [{}, { prompt: 'none' }]) expectRefusal(await browser.get(urlFor(trusted, { id_token_hint: hint, ...changes })), 'login_required', server);
    });

    it('alone signs nobody in', async () => {
      expectRefusal(await new Browser(server.url).get(urlFor(trusted, { id_token_hint: hint, prompt: 'none' })), 'login_required', server);
      expectPage(await ask(new Browser(server.url), { id_token_hint: hint }), 'login');
    });

    it('the user who is hinted at signs in: a code; another one: login_required', async () => {
      for (const [user, prompt] of [[margaret, undefined], [grace, undefined], [margaret, 'login']] as const) {
        const browser = prompt ? await browserOf(grace) : new Browser(server.url);
        const end = await browser.signIn(await ask(browser, { id_token_hint: hint, prompt }), user);
        if (user === margaret) expect(await claimsOf(end)).toMatchObject({ sub: margaret.userId });
        else expectRefusal(end, 'login_required', server);
      }
    });

    it('with a pairwise subject means the same user', async () => {
      const client = await register({ subject_type: 'pairwise', skip_consent: true });
      const browser = await browserOf(margaret, client);
      const pairwise = await idTokenOf(await ask(browser, {}, client), client);
      expect(decodeJwt(pairwise).claims['sub']).not.toBe(margaret.userId);
      expect(clientAnswer(await ask(browser, { id_token_hint: pairwise, prompt: 'none' }, client)).params['code']).toMatch(/^mg_ac_/);
      expectRefusal(await ask(await browserOf(grace), { id_token_hint: pairwise, prompt: 'none' }, client), 'login_required', server);
    });

    it('anything but an ID token of this server for this client: invalid_request', async () => {
      const { header, claims } = decodeJwt(hint);
      const key = ownKey(server, 'RS256');
      const signed = (changes: Record<string, unknown>, headerChanges: Record<string, unknown> = {}) => signedJwt({ ...header, ...headerChanges }, { ...claims, ...changes }, key.privateKey, 'RS256');
      const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const other = await register({ skip_consent: true });
      const browser = await browserOf(margaret);
      const accessToken = (await server.driver.token(trusted, { grant_type: 'authorization_code', code: clientAnswer(await ask(browser, {})).params['code'], redirect_uri: CALLBACK, code_verifier: PKCE.verifier })).body['access_token'] as string;
      const forged = [
        'x', 'a.b.c', '{}', `${hint}x`, hint.split('.').slice(0, 2).join('.'), withSegment(hint, 2, () => ''), `${segmentOf({ ...header, alg: 'none' })}.${hint.split('.')[1]}.`,
        signed({}, { alg: 'none' }), signed({}, { alg: 'HS256' }), signed({}, { typ: 'at+jwt' }), signed({}, { kid: 'x' }), signedJwt(header, claims, foreign.privateKey, 'RS256'),
        signed({ iss: 'https://evil.example' }), signed({ aud: other.clientId }), signed({ aud: [trusted.clientId, other.clientId] }), signed({ aud: undefined }), signed({ sub: 'margaret' }), signed({ sub: undefined }), signed({ sub: trusted.clientId }), accessToken,
      ];
      expect(clientAnswer(await browser.get(urlFor(trusted, { id_token_hint: signed({}) }))).params['code']).toMatch(/^mg_ac_/);
      for (const token of forged) {
        expectRefusal(await browser.get(urlFor(trusted, { id_token_hint: token })), 'invalid_request', server);
        expectRefusal(await browser.get(urlFor(trusted, { id_token_hint: token, prompt: 'none' })), 'invalid_request', server);
      }
      expectRefusal(await browser.get(urlFor(other, { id_token_hint: hint })), 'invalid_request', server);
    });
  });

  describe('OIDC Core §5.5: claims', () => {
    let signedIn: Browser;

    beforeAll(async () => {
      signedIn = await browserOf(margaret);
    });

    const claims = (request: unknown) => ({ claims: JSON.stringify(request) });

    it.each([
      { essential: true, values: [ACR] }, { essential: true, values: ['urn:gold', ACR] }, { essential: true, value: ACR }, { essential: true }, { values: ['urn:gold'] }, { value: 'urn:gold' }, { essential: false, values: ['urn:gold'] }, null,
    ])('acr as %j can be met, or need not be (§5.5.1.1)', async (acr) => {
      expect(await claimsOf(await ask(signedIn, claims({ id_token: { acr } })))).toMatchObject({ acr: ACR });
    });

    it.each([{ essential: true, values: ['urn:gold'] }, { essential: true, value: 'urn:gold' }, { essential: true, values: [] }, { essential: true, value: 1 }])('acr as %j cannot be met: unmet_authentication_requirements', async (acr) => {
      for (const browser of [new Browser(server.url), signedIn]) expectRefusal(await browser.get(urlFor(trusted, claims({ id_token: { acr } }))), 'unmet_authentication_requirements', server);
    });

    it('acr_values are wishes', async () => {
      expect(await claimsOf(await ask(signedIn, { acr_values: 'urn:gold' }))).toMatchObject({ acr: ACR });
    });

    it.each(['id_token', 'userinfo'])('sub in %s: that user or none (§5.5.1)', async (member) => {
      const wanted = (value: unknown) => claims({ [member]: { sub: { value } } });
      const browser = await browserOf(margaret);
      expect(await claimsOf(await ask(browser, wanted(margaret.userId)))).toMatchObject({ sub: margaret.userId });
      for (const value of [grace.userId, 'usr_BTx5H7CKqJFbzJRQ-0oGXw', 'margaret', '', 1, null, [margaret.userId]]) {
        for (const prompt of [undefined, 'none']) expectRefusal(await browser.get(urlFor(trusted, { ...wanted(value), prompt })), 'login_required', server);
      }
      const another = new Browser(server.url);
      expectRefusal(await another.signIn(await ask(another, wanted(margaret.userId)), grace), 'login_required', server);
    });

    it('sub of another user than the one of the id_token_hint: login_required', async () => {
      const hint = await idTokenOf(await ask(signedIn, {}));
      expectRefusal(await signedIn.get(urlFor(trusted, { id_token_hint: hint, ...claims({ id_token: { sub: { value: grace.userId } } }) })), 'login_required', server);
    });

    it('a claim that is asked for by name comes, one that there is not does not, and members that are not understood are ignored', async () => {
      const answer = await ask(signedIn, claims({ id_token: { email: null, auth_time: { essential: true }, nickname: null, __proto__x: null, iss: { value: 'https://evil.example' } }, foo: 1, userinfo: null }));
      const token = await claimsOf(answer);
      expect(token).toMatchObject({ email: 'margaret@example.com', auth_time: expect.any(Number) as number, iss: server.issuer });
      expect(token).not.toHaveProperty('nickname');
    });

    it.each(['x', '[]', 'null', '1', '{"id_token":[]}', '{"id_token":"acr"}', '{"userinfo":{"email":true}}', '{"id_token":{"acr":{"essential":1}}}', '{"id_token":{"acr":{"values":"x"}}}'])('%s: invalid_request', async (text) => {
      expectRefusal(await new Browser(server.url).get(urlFor(trusted, { claims: text })), 'invalid_request', server);
    });
  });
});

const segmentOf = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');
