import { createHash } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import { KeySchedule } from '../../../src/keys/key-schedule.js';
import { clientAnswer, expectErrorPage, expectRefusal } from '../../support/authorization-answers.js';
import { authorizationUrl, CALLBACK, type ParameterChanges } from '../../support/authorization-url.js';
import { CodeFlow, type IssuedTokens } from '../../support/code-flow.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { type Credentials, decodeJwt, type RegisteredUser } from '../../support/oauth-driver.js';
import { DAY, jwksOf, type Key, keysOf, kidOf, rotate, wait } from '../../support/signing-keys.js';
import { TestServer } from '../../support/test-server.js';

const BANK = 'https://bank.example/cb';
const ALGORITHMS = ['RS256', 'ES256', 'PS256', 'EdDSA'];
const PASSWORD_ACR = 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport';
/** Of every ID token. */
const PROTOCOL_CLAIMS = ['acr', 'amr', 'at_hash', 'aud', 'auth_time', 'azp', 'exp', 'iat', 'iss', 'sid', 'sub'];

const register = (server: TestServer, metadata: Record<string, unknown> = {}) =>
  server.driver.registerClient({ grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [CALLBACK], scope: 'openid profile email offline_access', skip_consent: true, ...metadata });

/** OIDC Core §3.1.3.7: the claims of a token that the client has found good. */
async function verified(server: TestServer, token: string, client: { clientId: string }, alg = 'RS256', jwks?: JSONWebKeySet): Promise<JWTPayload> {
  const { payload } = await jwtVerify(token, createLocalJWKSet(jwks ?? (await jwksOf(server))), { issuer: server.issuer, audience: client.clientId, typ: 'JWT', algorithms: [alg], currentDate: new Date(server.clock.nowMs()) });
  return payload;
}

describeOnOneDatabase('OIDC Core: ID tokens', (kind) => {
  let server: TestServer;
  let margaret: RegisteredUser;
  let signedInAt: number;
  let flow: CodeFlow;
  let web: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    margaret = await server.driver.registerUser({ username: 'margaret', email: 'margaret@example.com', email_verified: true, name: 'Margaret Hamilton', given_name: 'Margaret' });
    signedInAt = Math.floor(server.clock.nowMs() / 1000);
    flow = await CodeFlow.signedIn(server, margaret);
    server.clock.advanceSeconds(45);
    web = await register(server);
  });
  afterAll(() => server.stop());

  const now = () => Math.floor(server.clock.nowMs() / 1000);
  const idTokenOf = async (client: Credentials, changes: ParameterChanges = {}) => decodeJwt((await flow.tokens(client, { scope: 'openid', ...changes })).id_token).claims;
  const userinfo = async (token: string) => (await server.driver.request('GET', '/oauth/userinfo', { headers: { authorization: `Bearer ${token}` } })).body;

  describe('§2 and §3.1.3.6: what one says', () => {
    it('who signed in, where, when and how, for which client, and for how long; and nothing about the user that was not asked for', async () => {
      const { id_token: token, access_token: accessToken } = await flow.tokens(web, { scope: 'openid', nonce: 'n-0S6_WzA2Mj' });
      expect(await verified(server, token, web)).toEqual({
        iss: server.issuer, sub: margaret.userId, aud: web.clientId, azp: web.clientId, iat: now(), exp: now() + 3600, auth_time: signedInAt, nonce: 'n-0S6_WzA2Mj', acr: PASSWORD_ACR, amr: ['pwd'],
        sid: expect.stringMatching(/^[\w-]{22}$/) as string, at_hash: createHash('sha256').update(accessToken).digest().toString('base64url', 0, 16),
      });
      expect(Object.keys(decodeJwt(token).header).sort()).toEqual(['alg', 'kid', 'typ']);
    });

    it('the claims of other scopes are for the userinfo endpoint (§5.4)', async () => {
      expect(Object.keys(await idTokenOf(web, { scope: 'openid profile email' })).sort()).toEqual(PROTOCOL_CLAIMS);
    });

    it.each(['n', '  two  spaces ', 'a"b\\c\'d', '%20+%2B&=', 'é e\u0301 日本 🚀', '\r\n\t', '<script>', 'x'.repeat(1000)])('the nonce %j comes back byte for byte', async (nonce) => {
      expect((await idTokenOf(web, { nonce }))['nonce']).toBe(nonce);
    });

    it('without a nonce there is none', async () => {
      expect(await idTokenOf(web)).not.toHaveProperty('nonce');
    });

    it('two clients hear of the same session; another sign-in is another session', async () => {
      const other = await CodeFlow.signedIn(server, margaret);
      const [first, second] = [await idTokenOf(web), await idTokenOf(await register(server))];
      expect(second['sid']).toBe(first['sid']);
      const elsewhere = decodeJwt((await other.tokens(web, { scope: 'openid' })).id_token).claims;
      expect(elsewhere['sid']).not.toBe(first['sid']);
      expect([first['auth_time'], elsewhere['auth_time']]).toEqual([signedInAt, now()]);
    });

    it('none comes without openid', async () => {
      expect(await flow.tokens(web, { scope: 'profile' })).not.toHaveProperty('id_token');
    });
  });

  describe('§12.2: one that a refresh gives', () => {
    it('speaks of the same user, session and sign-in, of the new access token, and has no nonce', async () => {
      const before = await flow.tokens(web, { scope: 'openid offline_access', nonce: 'once' });
      server.clock.advanceSeconds(120);
      server.driver.renewAdminToken();
      const after = (await server.driver.refresh(web, before.refresh_token)).body as unknown as IssuedTokens;
      const { nonce, ...first } = await verified(server, before.id_token, web);
      expect(nonce).toBe('once');
      expect(await verified(server, after.id_token, web)).toEqual({ ...first, iat: first.iat! + 120, exp: first.exp! + 120, at_hash: createHash('sha256').update(after.access_token).digest().toString('base64url', 0, 16) });
    });

    it('does not come when the refresh asks for less than openid', async () => {
      const { refresh_token: token } = await flow.tokens(web, { scope: 'openid email offline_access' });
      expect((await server.driver.refresh(web, token, { scope: 'email' })).body).not.toHaveProperty('id_token');
    });
  });

  describe('the algorithm that the client registered (OpenID Connect Registration §2)', () => {
    it('is RS256 unless another one is named', async () => {
      expect(web).toMatchObject({ metadata: { id_token_signed_response_alg: 'RS256' } });
      expect(decodeJwt((await flow.tokens(web, { scope: 'openid' })).id_token).header['alg']).toBe('RS256');
    });

    it.each(ALGORITHMS)('%s: signed by it alone, and at_hash is by the hash that goes with it', async (alg) => {
      const client = await register(server, { id_token_signed_response_alg: alg });
      const { id_token: token, access_token: accessToken } = await flow.tokens(client, { scope: 'openid' });
      const { at_hash: hash } = await verified(server, token, client, alg);
      const digest = createHash(alg === 'EdDSA' ? 'sha512' : 'sha256').update(accessToken).digest();
      expect(hash).toBe(digest.subarray(0, digest.length / 2).toString('base64url'));
      for (const other of ALGORITHMS.filter((each) => each !== alg)) await expect(verified(server, token, client, other)).rejects.toThrow('alg');
      expect(decodeJwt(accessToken).header).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
    });

    it('that is changed counts from the next token on', async () => {
      const client = await register(server, { id_token_signed_response_alg: 'EdDSA' });
      await flow.tokens(client, { scope: 'openid' });
      await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { id_token_signed_response_alg: 'PS256' });
      await verified(server, (await flow.tokens(client, { scope: 'openid' })).id_token, client, 'PS256');
    });

    it.each(['none', 'HS256', 'RS512', 'ES384', 'rs256'])('cannot be %s', async (alg) => {
      expect((await server.driver.adminRequest('POST', '/clients', { id_token_signed_response_alg: alg })).status).toBe(400);
    });
  });

  describe('§8.1: the subject', () => {
    it.each(['public', 'pairwise'])('of a %s client is the same in its ID tokens, its access tokens and at the userinfo endpoint', async (subjectType) => {
      const client = await register(server, { subject_type: subjectType });
      const { id_token: idToken, access_token: accessToken } = await flow.tokens(client, { scope: 'openid' });
      const { sub } = await verified(server, idToken, client);
      expect(sub === margaret.userId).toBe(subjectType === 'public');
      expect(decodeJwt(accessToken).claims['sub']).toBe(sub);
      expect((await userinfo(accessToken))['sub']).toBe(sub);
      expect((await server.driver.introspect(client, accessToken)).body['sub']).toBe(sub);
    });

    it('of clients of one host is one, and of another host another; their session ids too', async () => {
      const shops = [await register(server, { subject_type: 'pairwise' }), await register(server, { subject_type: 'pairwise' })];
      const bank = await register(server, { subject_type: 'pairwise', redirect_uris: [BANK] });
      const [one, same] = [await idTokenOf(shops[0]), await idTokenOf(shops[1])];
      const other = decodeJwt((await flow.tokens(bank, { scope: 'openid', redirect_uri: BANK }, { redirect_uri: BANK })).id_token).claims;
      const plain = await idTokenOf(web);
      for (const claim of ['sub', 'sid']) {
        expect(same[claim]).toBe(one[claim]);
        expect(new Set([one[claim], other[claim], plain[claim]]).size).toBe(3);
      }
    });
  });

  describe('§5.5: the claims parameter', () => {
    const ask = (claims: object | string): ParameterChanges => ({ scope: 'openid offline_access', claims: typeof claims === 'string' ? claims : JSON.stringify(claims) });
    const told = async (claims: object) => {
      const tokens = await flow.tokens(web, ask(claims));
      const inIdToken = Object.entries(await verified(server, tokens.id_token, web)).filter(([name]) => !PROTOCOL_CLAIMS.includes(name));
      return { tokens, inIdToken: Object.fromEntries(inIdToken), atUserinfo: await userinfo(tokens.access_token) };
    };

    it('puts each claim where it is asked for, essential or not, and nowhere else', async () => {
      const { inIdToken, atUserinfo } = await told({ id_token: { email: null, given_name: { essential: true } }, userinfo: { name: { essential: false }, email_verified: { essential: true } } });
      expect(inIdToken).toEqual({ email: 'margaret@example.com', given_name: 'Margaret' });
      expect(atUserinfo).toEqual({ sub: margaret.userId, name: 'Margaret Hamilton', email_verified: true });
    });

    it('goes on in what a refresh gives', async () => {
      const { tokens } = await told({ id_token: { email: null }, userinfo: { name: null } });
      const after = (await server.driver.refresh(web, tokens.refresh_token)).body as unknown as IssuedTokens;
      expect(decodeJwt(after.id_token).claims).toMatchObject({ email: 'margaret@example.com' });
      expect(await userinfo(after.access_token)).toEqual({ sub: margaret.userId, name: 'Margaret Hamilton' });
    });

    it('is passed over where it asks for what there is not: unknown claims, languages and members, and what the user does not have, essential or not', async () => {
      const nothing = { unknown: null, 'name#ja': null, 'https://example.com/claim': { essential: true }, phone_number: { essential: true }, toString: null, constructor: null };
      const { inIdToken, atUserinfo } = await told({ id_token: { ...nothing, email: { value: 'other@example.com', purpose: 'x' } }, userinfo: nothing, verified_claims: { x: [1] } });
      expect(inIdToken).toEqual({ email: 'margaret@example.com' });
      expect(atUserinfo).toEqual({ sub: margaret.userId });
    });

    it('gives no claim of a scope that the client is not registered for, and none any more when it loses the scope', async () => {
      const client = await register(server, { scope: 'openid email' });
      const claims = { email: null, name: { essential: true }, given_name: null };
      const { id_token: idToken, access_token: accessToken } = await flow.tokens(client, { scope: 'openid', claims: JSON.stringify({ id_token: claims, userinfo: claims }) });
      expect(Object.keys(decodeJwt(idToken).claims).sort()).toEqual([...PROTOCOL_CLAIMS, 'email'].sort());
      expect(Object.keys(await userinfo(accessToken)).sort()).toEqual(['email', 'sub']);
      await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { scope: 'openid' });
      expect(Object.keys(await userinfo(accessToken))).toEqual(['sub']);
    });

    it('cannot change what an ID token says of itself', async () => {
      const { tokens } = await told({ id_token: Object.fromEntries(['iss', 'aud', 'azp', 'exp', 'iat', 'auth_time', 'nonce', 'amr', 'sid', 'at_hash', 'jti'].map((name) => [name, { value: 'mine' }])) });
      expect(JSON.stringify(decodeJwt(tokens.id_token).claims)).not.toContain('mine');
      expect(decodeJwt(tokens.id_token).claims).toMatchObject({ iss: server.issuer, aud: web.clientId });
    });

    it.each([
      '{}', '{"id_token":null}', '{"userinfo":{}}', '{"id_token":{"email":{}}}', '{"id_token":{"email":{"values":[]}}}', '{"__proto__":{"x":1},"id_token":{"__proto__":null,"email":{"__proto__":{"essential":true}}}}',
    ])('%s is taken', async (claims) => {
      expect((await flow.tokens(web, ask(claims))).id_token).toMatch(/^eyJ/);
    });

    it.each([
      'email', '[]', 'null', '"x"', '1', '{', '{"id_token":[]}', '{"id_token":"email"}', '{"userinfo":7}', '{"userinfo":{"email":true}}', '{"userinfo":{"email":[]}}', '{"id_token":{"email":"x"}}',
      '{"id_token":{"email":{"essential":"yes"}}}', '{"id_token":{"email":{"values":"x"}}}',
    ])('%s is malformed: invalid_request, told to the client', async (claims) => {
      const { params } = clientAnswer(await flow.browser.get(authorizationUrl(web, ask(claims))));
      expect(params).toMatchObject({ error: 'invalid_request', iss: server.issuer });
    });

    it('of more than a hundred claims is malformed', async () => {
      const { params } = clientAnswer(await flow.browser.get(authorizationUrl(web, ask({ userinfo: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`c${i}`, null])) }))));
      expect(params).toMatchObject({ error: 'invalid_request' });
    });
  });

  describe('§3.2.2.11, §5.4: one that comes through the browser', () => {
    const authorize = async (responseType: string) => {
      const client = await register(server, { grant_types: ['implicit'], response_types: [responseType] });
      const changes = { response_type: responseType, scope: 'openid email', nonce: 'n-1', code_challenge: undefined, code_challenge_method: undefined };
      const { params } = clientAnswer(await flow.browser.get(authorizationUrl(client, changes)));
      return { params, claims: await verified(server, params['id_token'], client) };
    };

    it('beside an access token: with its at_hash, and without the claims that it can be asked for with it', async () => {
      const { params, claims } = await authorize('id_token token');
      expect(claims).toMatchObject({ nonce: 'n-1', at_hash: createHash('sha256').update(params['access_token']).digest().toString('base64url', 0, 16) });
      expect(claims).not.toHaveProperty('email');
    });

    it('alone: with the claims of the scope, and without at_hash', async () => {
      const { params, claims } = await authorize('id_token');
      expect(params).not.toHaveProperty('access_token');
      expect(claims).toMatchObject({ nonce: 'n-1', email: 'margaret@example.com', email_verified: true });
      expect(claims).not.toHaveProperty('at_hash');
    });
  });
});

const publishedBy = async (server: TestServer, alg: string) => (await jwksOf(server)).keys.filter((key) => key.alg === alg).length;
const keysBy = async (server: TestServer, alg: string): Promise<Key[]> => (await keysOf(server)).filter((key) => key.alg === alg);

describeOnOneDatabase('OIDC Core §10.1: keys for ID tokens, when they are made', (kind) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
  });
  afterAll(() => server.stop());

  it('not for clients that get no ID tokens', async () => {
    await register(server, { grant_types: ['client_credentials'], scope: 'openid' });
    await register(server, { scope: 'profile' });
    await server.driver.registerClient({ grant_types: ['password'], scope: 'openid' });
    expect((await keysOf(server)).map(({ alg }) => alg)).toEqual(['ES256', 'ES256']);
  });

  it.each<[string, string, () => Promise<unknown>]>([
    ['registered', 'RS256', () => register(server)],
    ['put, for the implicit grant', 'PS256', () => server.driver.adminRequest('PUT', '/clients/spa', { grant_types: ['implicit'], redirect_uris: [CALLBACK], scope: 'openid', id_token_signed_response_alg: 'PS256' })],
    ['changed into one', 'EdDSA', async () => server.driver.adminRequest('PATCH', `/clients/${(await register(server, { scope: 'profile', id_token_signed_response_alg: 'EdDSA' })).clientId}`, { scope: 'openid' })],
  ])('soon after a client that does is %s (%s): one that signs and the next one are in the JWKS', async (_, alg, act) => {
    expect(await publishedBy(server, alg)).toBe(0);
    await act();
    await eventually(async () => expect(await publishedBy(server, alg)).toBe(2));
    expect((await keysBy(server, alg)).map(({ status }) => status).sort()).toEqual(['active', 'next']);
    expect(decodeJwt(await server.driver.accessToken(await register(server, { grant_types: ['client_credentials'] }))).header['alg']).toBe('ES256');
  });
});

describeOnOneDatabase('OIDC Core §10.1: keys for ID tokens', (kind) => {
  let server: TestServer;

  beforeEach(async () => {
    server = await TestServer.start({ kind });
  });
  afterEach(() => server.stop());

  it('are made once when two instances need them at the same moment, and each verifies what the other signed', async () => {
    const other = await TestServer.start({ database: server.database, issuer: server.issuer, clock: server.clock });
    try {
      const margaret = await server.driver.registerUser({ username: 'margaret' });
      const flows = [await CodeFlow.signedIn(server, margaret), await CodeFlow.signedIn(other, margaret)];
      const client = await register(server);
      const tokens = await Promise.all(flows.map((flow) => flow.tokens(client, { scope: 'openid' })));
      expect(new Set(tokens.map(({ id_token: token }) => kidOf(token))).size).toBe(1);
      await eventually(async () => expect([await publishedBy(server, 'RS256'), await publishedBy(other, 'RS256')]).toEqual([2, 2]), { withinMs: 2000 });
      for (const { id_token: token } of tokens) for (const each of [server, other]) await verified(server, token, client, 'RS256', await jwksOf(each));
    } finally {
      await other.stop();
    }
  });

  it('are rotated with the others: by an admin, and by the calendar, published before they sign and kept until nothing that they signed is good', async () => {
    const flow = await CodeFlow.signedIn(server, await server.driver.registerUser({ username: 'margaret' }));
    const client = await register(server);
    const { id_token: before } = await flow.tokens(client, { scope: 'openid' });
    await eventually(async () => expect(await publishedBy(server, 'RS256')).toBe(2));
    const fetched = await jwksOf(server);
    wait(server);
    expect((await rotate(server)).status).toBe(200);
    const { id_token: after } = await flow.tokens(client, { scope: 'openid' });
    expect(kidOf(after)).not.toBe(kidOf(before));
    for (const token of [before, after]) for (const jwks of [fetched, await jwksOf(server)]) await verified(server, token, client, 'RS256', jwks);
    expect((await keysBy(server, 'RS256')).map(({ status }) => status).sort()).toEqual(['active', 'next', 'retired']);
    server.clock.advanceSeconds(91 * DAY);
    await server.get(KeySchedule).check();
    const keys = await keysBy(server, 'RS256');
    expect(keys.map(({ status }) => status).sort()).toEqual(['active', 'next', 'retired']);
    expect(keys.find(({ status }) => status === 'retired')!.kid).toBe(kidOf(after));
  });
});

describeOnOneDatabase('OIDC Core §10.1: the key of ID tokens by itself', (kind) => {
  let server: TestServer;
  let flow: CodeFlow;
  let client: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    flow = await CodeFlow.signedIn(server, await server.driver.registerUser({ username: 'margaret' }));
    client = await register(server);
    await eventually(async () => expect((await jwksOf(server)).keys).toHaveLength(4));
  });
  afterAll(() => server.stop());

  const both = async () => {
    const { id_token: idToken, access_token: accessToken } = await flow.tokens(client, { scope: 'openid' });
    return { idToken, accessToken };
  };

  it('can be rotated: that of access tokens stays', async () => {
    const before = await both();
    expect((await server.driver.adminRequest('POST', '/keys/rotate', { alg: 'RS256' })).status).toBe(200);
    const after = await both();
    expect([kidOf(after.idToken) === kidOf(before.idToken), kidOf(after.accessToken) === kidOf(before.accessToken)]).toEqual([false, true]);
  });

  it('can be deleted in an emergency: what it signed is no hint any more, access tokens are as good as before, and the next one signs', async () => {
    const { idToken, accessToken } = await both();
    expect((await server.driver.adminRequest('DELETE', `/keys/${kidOf(idToken)}`)).status).toBe(204);
    expectErrorPage(await flow.browser.get(`/oauth/logout?id_token_hint=${idToken}`));
    expectRefusal(await flow.browser.get(authorizationUrl(client, { id_token_hint: idToken })), 'invalid_request', server);
    expect((await server.driver.introspect(client, accessToken)).body).toMatchObject({ active: true });
    const { idToken: fresh } = await both();
    await verified(server, fresh, client);
    expect((await jwksOf(server)).keys.map(({ kid }) => kid)).not.toContain(kidOf(idToken));
  });
});

describe('ID_TOKEN_LIFETIME_SECONDS', () => {
  it('is how long ID tokens are good, whatever the access tokens do', async () => {
    const server = await TestServer.start({ env: { ID_TOKEN_LIFETIME_SECONDS: '90' } });
    try {
      const flow = await CodeFlow.signedIn(server, await server.driver.registerUser({ username: 'margaret' }));
      const client = await register(server, { access_token_lifetime: 600 });
      const { id_token: token } = await flow.tokens(client, { scope: 'openid' });
      server.clock.advanceSeconds(89);
      const { exp, iat } = await verified(server, token, client);
      expect(exp! - iat!).toBe(90);
      server.clock.advanceSeconds(1);
      await expect(verified(server, token, client)).rejects.toThrow('"exp" claim');
    } finally {
      await server.stop();
    }
  });
});
