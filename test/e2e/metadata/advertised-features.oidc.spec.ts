import { clientAnswer, expectPage, expectRefusal } from '../../support/authorization-answers.js';
import { authorizationUrl, CALLBACK, type ParameterChanges, PKCE } from '../../support/authorization-url.js';
import { Browser, type PageAnswer } from '../../support/browser.js';
import { CodeFlow } from '../../support/code-flow.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { type Credentials, decodeJwt, type RegisteredUser } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';

/** The lists of the metadata, by the names of RFC 8414 §2 and OpenID Connect Discovery 1.0 §3. */
type Lists = Record<string, readonly string[]>;

const WITHOUT_PKCE: ParameterChanges = { code_challenge: undefined, code_challenge_method: undefined };

/** For each list: what other servers offer, and what has been offered by mistake. */
const ELSEWHERE = {
  response_types_supported: ['none', 'code token', 'code id_token', 'code id_token token', 'CODE', 'device_code', 'id_token code'],
  response_modes_supported: ['jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt', 'web_message', 'cookie', 'Query'],
  code_challenge_methods_supported: ['plain', 's256', 'S512', 'none'],
  prompt_values_supported: ['create', 'Login', 'none login'],
  id_token_signing_alg_values_supported: ['none', 'HS256', 'RS384', 'ES256K', 'Ed25519'],
  subject_types_supported: ['private', 'Pairwise'],
};

describeOnOneDatabase('D2: what the metadata advertise works, and what they do not is refused', (kind) => {
  let server: TestServer;
  let lists: Lists;
  let margaret: RegisteredUser;
  let flow: CodeFlow;
  /** Every grant type and every response type that there is. */
  let web: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    margaret = await server.driver.registerUser({
      username: 'margaret', email: 'margaret@example.com', name: 'Margaret Hamilton', roles: ['accountant'], given_name: 'Margaret', family_name: 'Hamilton', middle_name: 'Elaine', nickname: 'Maggie',
      profile: 'https://margaret.example/', picture: 'https://margaret.example/me.jpg', website: 'https://margaret.example/blog', gender: 'female', birthdate: '1936-08-17', zoneinfo: 'America/New_York', locale: 'en-US',
      phone_number: '+16175550100', address: { country: 'US' },
    });
    flow = await CodeFlow.signedIn(server, margaret);
    web = await register();
    await eventually(async () => expect((await metadata())['grant_types_supported']).toContain('implicit'));
    lists = await metadata();
  });
  afterAll(() => server.stop());

  const metadata = async () => (await server.driver.request<Lists>('GET', '/.well-known/openid-configuration')).body;
  const register = (changes: Record<string, unknown> = {}) =>
    server.driver.registerClient({
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials', 'password', 'implicit'], response_types: ['code', 'token', 'id_token', 'id_token token'], redirect_uris: [CALLBACK], scope: 'openid profile email address phone offline_access read',
      skip_consent: true, ...changes,
    });
  const authorize = (changes: ParameterChanges): Promise<PageAnswer> => flow.browser.get(authorizationUrl(web, changes));
  const others = (name: keyof typeof ELSEWHERE) => ELSEWHERE[name].filter((value) => !lists[name].includes(value));
  const userinfo = async (token: string) => (await server.driver.request('GET', '/oauth/userinfo', { headers: { authorization: `Bearer ${token}` } })).body;

  it('grant types: each gives a token', async () => {
    const tokens: Record<string, () => Promise<string>> = {
      authorization_code: async () => (await flow.tokens(web)).access_token,
      refresh_token: async () => (await server.driver.refreshed(web, (await flow.tokens(web, { scope: 'openid offline_access' })).refresh_token)).accessToken,
      client_credentials: () => server.driver.accessToken(web),
      password: async () => (await server.driver.signIn(web, margaret)).accessToken,
      implicit: async () => clientAnswer(await authorize({ ...WITHOUT_PKCE, response_type: 'token' })).params['access_token'],
    };
    expect(Object.keys(tokens).sort()).toEqual([...lists['grant_types_supported']].sort());
    for (const token of Object.values(tokens)) expect((await server.driver.introspect(web, await token())).body).toMatchObject({ active: true });
  });

  it('the implicit grant and its response types: not any more when no client may use them', async () => {
    const fresh = await TestServer.start();
    try {
      const { clientId } = await fresh.driver.registerClient({ grant_types: ['implicit'], redirect_uris: [CALLBACK], scope: 'openid' });
      const read = async () => (await fresh.driver.request<Lists>('GET', '/.well-known/openid-configuration')).body;
      await eventually(async () => expect((await read())['response_types_supported']).toEqual(['code', 'token', 'id_token', 'id_token token']));
      await fresh.driver.adminRequest('DELETE', `/clients/${clientId}`);
      await eventually(async () => expect((await read())['response_types_supported']).toEqual(['code']));
      expect((await read())['grant_types_supported']).not.toContain('implicit');
    } finally {
      await fresh.stop();
    }
  });

  it('response types: each gives what it names', async () => {
    expect(lists['response_types_supported']).toEqual(['code', 'token', 'id_token', 'id_token token']);
    for (const type of lists['response_types_supported']) {
      const { params } = clientAnswer(await authorize({ response_type: type, scope: 'openid', nonce: 'n', ...(type === 'code' ? {} : WITHOUT_PKCE) }));
      expect([type, ['code', 'access_token', 'id_token'].filter((name) => name in params)]).toEqual([type, type.split(' ').map((name) => (name === 'token' ? 'access_token' : name)).sort()]);
    }
    for (const type of others('response_types_supported')) expectRefusal(await authorize({ response_type: type, nonce: 'n' }), 'unsupported_response_type', server, { mode: type === 'none' || !/token/.test(type) ? 'query' : 'fragment' });
  });

  it('response modes: each carries a code, others are refused', async () => {
    for (const mode of lists['response_modes_supported']) expect(clientAnswer(await authorize({ response_mode: mode }))).toMatchObject({ mode, params: { code: expect.any(String) as string } });
    for (const mode of others('response_modes_supported')) expectRefusal(await authorize({ response_mode: mode }), 'invalid_request', server);
  });

  it('code challenge methods: S256 and no other', async () => {
    expect(lists['code_challenge_methods_supported']).toEqual(['S256']);
    for (const method of [...others('code_challenge_methods_supported'), undefined]) expectRefusal(await authorize({ code_challenge: PKCE.verifier, code_challenge_method: method }), 'invalid_request', server);
  });

  it('prompt values: each is understood, others are refused', async () => {
    const shown: Record<string, (answer: PageAnswer) => void> = {
      none: (answer) => expect(clientAnswer(answer).params).toHaveProperty('code'),
      login: (answer) => expectPage(answer, 'login'),
      select_account: (answer) => expectPage(answer, 'login'),
      consent: (answer) => expectPage(answer, 'consent'),
    };
    expect(Object.keys(shown).sort()).toEqual([...lists['prompt_values_supported']].sort());
    for (const prompt of lists['prompt_values_supported']) shown[prompt](await flow.browser.follow(await authorize({ prompt })));
    for (const prompt of others('prompt_values_supported')) expectRefusal(await authorize({ prompt }), 'invalid_request', server);
  });

  it('signatures of ID tokens: each can be registered and is used, others cannot', async () => {
    for (const alg of lists['id_token_signing_alg_values_supported']) {
      const { id_token: token } = await flow.tokens(await register({ id_token_signed_response_alg: alg }), { scope: 'openid' });
      expect(decodeJwt(token).header['alg']).toBe(alg);
    }
    for (const alg of others('id_token_signing_alg_values_supported')) expect((await server.driver.adminRequest('POST', '/clients', { id_token_signed_response_alg: alg })).status).toBe(400);
  });

  it('subject types: both, and no other', async () => {
    expect([...lists['subject_types_supported']].sort()).toEqual(['pairwise', 'public']);
    for (const type of lists['subject_types_supported']) expect((await register({ subject_type: type })).metadata).toMatchObject({ subject_type: type });
    for (const type of others('subject_types_supported')) expect((await server.driver.adminRequest('POST', '/clients', { subject_type: type })).status).toBe(400);
  });

  it('scopes: each is granted', async () => {
    const scope = lists['scopes_supported'].join(' ');
    expect((await flow.tokens(web, { scope })).scope).toBe(scope);
  });

  it('claims: all of them, and only they, are in an ID token or at the userinfo endpoint', async () => {
    const { id_token: idToken, access_token: token } = await flow.tokens(web, { scope: lists['scopes_supported'].join(' '), nonce: 'n', claims: JSON.stringify({ userinfo: { roles: null } }) });
    const given = new Set([...Object.keys(decodeJwt(idToken).claims), ...Object.keys(await userinfo(token))]);
    expect([...given].sort()).toEqual([...lists['claims_supported']].sort());
    for (const claim of lists['claims_supported']) {
      const { access_token: each } = await flow.tokens(web, { scope: 'openid', claims: JSON.stringify({ userinfo: { [claim]: null } }) });
      const isOfTheUser = claim in (await userinfo(token));
      expect([claim, claim in (await userinfo(each))]).toEqual([claim, isOfTheUser]);
    }
  });

  it('authentication context classes: that of every ID token; another, when it is essential, is refused', async () => {
    const { id_token: idToken } = await flow.tokens(web, { scope: 'openid' });
    expect(lists['acr_values_supported']).toEqual([decodeJwt(idToken).claims['acr']]);
    const essential = (values: readonly string[]) => ({ scope: 'openid', claims: JSON.stringify({ id_token: { acr: { essential: true, values } } }) });
    expect(clientAnswer(await authorize(essential(lists['acr_values_supported']))).params).toHaveProperty('code');
    expectRefusal(await authorize(essential(['phr'])), 'unmet_authentication_requirements', server);
  });

  it('languages: each is that of the page when it is asked for', async () => {
    for (const locale of lists['ui_locales_supported']) {
      const page = await new Browser(server.url).get('/oauth/logout?ui_locales=' + locale);
      expect(page.text).toContain(`<html lang="${locale}">`);
    }
  });

  it('request objects and references to them: none but those that were pushed (OIDC Core §6, RFC 9126)', async () => {
    expect(lists).toMatchObject({ request_parameter_supported: false, request_uri_parameter_supported: false, claims_parameter_supported: true });
    expectRefusal(await authorize({ request: 'eyJhbGciOiJub25lIn0.e30.' }), 'request_not_supported', server);
    expectRefusal(await authorize({ request_uri: 'https://app.example/request.jwt' }), 'request_uri_not_supported', server);
    const form = Object.fromEntries(new URL(authorizationUrl(web), server.url).searchParams);
    const pushed = await server.driver.form('/oauth/par', form, web);
    expect(pushed.status).toBe(201);
    const query = new URLSearchParams({ client_id: web.clientId, request_uri: pushed.body['request_uri'] as string });
    expect(clientAnswer(await flow.browser.get(`/oauth/authorize?${query.toString()}`)).params).toHaveProperty('code');
  });
});
