import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DataSource } from 'typeorm';
import { Database } from '../../../src/database/database.js';
import { statementsOf } from '../../../src/database/statements.js';
import { RefreshTokenCodec } from '../../../src/tokens/refresh-token-codec.js';
import { connectTo, type DatabaseKind, databaseKinds, describeOnEachDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { flipCase, nonCanonical } from '../../support/forged-tokens.js';
import { type Answer, type Credentials, decodeJwt, type Form, type RegisteredUser, type UserTokens } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { expectProblem } from '../../support/problems.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { TestServer } from '../../support/test-server.js';

/** What one instance has answered, every other one holds to within this time. */
const KNOWN = { withinMs: 1000, everyMs: 50 };
const WINDOW_SECONDS = 10;
/** Never as long as what proxies and cookies balk at. */
const TOKEN = /^mg_rt_[\w-]{86,690}$/;
const LEDGER = 'https://ledger.example.com';
const ARCHIVE = 'https://archive.example.com';
const RESTRICTED = 'https://restricted.example.com';
/** Its tokens live shorter than others. */
const BRIEF = 'https://brief.example.com';
const FORMATS = ['jwt', 'opaque'];
const HINTS = ['refresh_token', 'access_token', 'id_token', 'urn:example:unknown', ''];

interface Session extends UserTokens {
  client: Credentials;
}

interface AuditEvent {
  type: string;
  client_id: string | null;
  user_id: string | null;
  actor: { client_id: string | null; address: string | null };
}

/** Every text in every table and, where the database is a folder of files, every byte in it. */
async function dump(server: TestServer, kind: DatabaseKind): Promise<string> {
  const dataSource = server.get(DataSource);
  const tables = await dataSource.query<{ name: string }[]>(kind === 'SQLite' ? `SELECT name FROM sqlite_master WHERE type = 'table'` : `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()`);
  const rows: string[] = [];
  for (const { name } of tables) rows.push(JSON.stringify(await dataSource.query(`SELECT * FROM ${name}`)));
  if (kind === 'MariaDB') return rows.join('\n');
  const folder = dirname(server.database.url.slice('sqlite:'.length));
  return [...rows, ...readdirSync(folder).map((file) => readFileSync(`${folder}/${file}`, 'latin1'))].join('\n');
}

/** The text cut into pieces of so many characters: of twice as many that stand together, one is among them. */
const pieces = (text: string, length: number): string[] => Array.from({ length: Math.floor(text.length / length) }, (_, at) => text.slice(at * length, (at + 1) * length));

describeOnEachDatabase('Refresh tokens', (kind) => {
  let a: TestServer;
  let b: TestServer;
  let user: RegisteredUser;
  let api: Credentials;

  beforeAll(async () => {
    a = await TestServer.start({ kind, env: { LOG_LEVEL: 'debug' } });
    // It looks more often than by default, so that the tests wait less; that the default is often enough is seen in instances.spec.ts.
    b = await TestServer.start({ database: a.database, issuer: a.issuer, clock: a.clock, env: { CHANGE_FEED_INTERVAL_MS: '50' } });
    user = await a.driver.registerUser({ username: 'margaret', roles: ['accountant'] });
    api = await a.driver.registerClient({ client_id: 'api' });
    await a.driver.registerResource({ identifier: LEDGER, scopes: [{ name: 'ledger:read' }, { name: 'ledger:write' }], resource_servers: [api.clientId] });
    await a.driver.registerResource({ identifier: ARCHIVE, scopes: [{ name: 'archive:read' }], resource_servers: [api.clientId] });
    await a.driver.registerResource({ identifier: BRIEF, access_token_lifetime: 10 });
    await a.driver.registerResource({ identifier: RESTRICTED, scopes: [{ name: 'restricted:read', required_roles: ['accountant'] }, { name: 'restricted:write', required_roles: ['manager'] }] });
    // Until the other instance has heard of all of them.
    const probe = await a.driver.registerClient({ scope: 'restricted:read' });
    await eventually(async () => expect((await b.driver.token(probe, { resource: RESTRICTED })).status).toBe(200), KNOWN);
  });
  afterAll(async () => {
    await b?.stop();
    await a?.stop();
  });

  const register = (metadata: Record<string, unknown> = {}) => a.driver.registerClient({ grant_types: ['password', 'refresh_token'], scope: 'ledger:read ledger:write', ...metadata });
  const registerPublic = (metadata: Record<string, unknown> = {}) => register({ token_endpoint_auth_method: 'none', ...metadata });

  async function signIn(metadata: Record<string, unknown> = {}, form: Form = {}, who: RegisteredUser = user): Promise<Session> {
    const client = await register(metadata);
    return { client, ...(await a.driver.signIn(client, who, form)) };
  }

  const isActive = async (client: Credentials, token: string, at = a) => (await at.driver.introspect(client, token)).body['active'];
  const expectActive = async (client: Credentials, ...tokens: string[]) => expect(await Promise.all(tokens.map((token) => isActive(client, token)))).toEqual(tokens.map(() => true));

  async function expectInactive(client: Credentials, token: string, at = a): Promise<void> {
    const answer = await at.driver.introspect(client, token);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, text: '{"active":false}' });
  }

  const expectRefused = async (client: Credentials, token: string, form: Form = {}, at = a) => expectOAuthError(await at.driver.refresh(client, token, form), 400, 'invalid_grant');

  /** Nothing of the session is good for anything, at an instance. */
  async function expectDead({ client }: Session, refreshTokens: string[], accessTokens: string[], at = a): Promise<void> {
    for (const token of [...accessTokens, ...refreshTokens]) await expectInactive(client, token, at);
    for (const token of refreshTokens) await expectRefused(client, token, {}, at);
  }

  async function audited(type: string, { clientId }: Credentials): Promise<AuditEvent[]> {
    return (await a.driver.adminRequest<{ items: AuditEvent[] }>('GET', `/audit-events?type=${type}&client_id=${clientId}`)).body.items;
  }

  function advance(seconds: number): void {
    a.clock.advanceSeconds(seconds);
    for (const each of [a, b]) each.driver.renewAdminToken();
  }

  const patchClient = async (client: Credentials, patch: Record<string, unknown>) => expect((await a.driver.adminRequest('PATCH', `/clients/${client.clientId}`, patch)).status).toBe(200);

  describe.each<[string, () => Promise<Credentials>]>([
    ['a confidential client', register],
    ['a public client', registerPublic],
  ])('RFC 6749 §6, RFC 9700 §2.2.2: a refresh by %s', (_, registered) => {
    it('answers a new access token, a new refresh token, type, lifetime and scope, which no cache keeps', async () => {
      const client = await registered();
      const first = await a.driver.signIn(client, user);
      const answer = await a.driver.refresh(client, first.refreshToken);
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({ access_token: expect.any(String) as string, token_type: 'Bearer', expires_in: 300, refresh_token: expect.stringMatching(TOKEN) as string, scope: 'ledger:read ledger:write' });
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.body['refresh_token']).not.toBe(first.refreshToken);
    });

    it('gives a token of the same user, client and audience, with a jti of its own', async () => {
      const client = await registered();
      const first = await a.driver.signIn(client, user);
      const before = decodeJwt(first.accessToken).claims;
      const after = decodeJwt((await a.driver.refreshed(client, first.refreshToken)).accessToken).claims;
      expect(after).toMatchObject({ sub: user.userId, client_id: client.clientId, aud: LEDGER, scope: 'ledger:read ledger:write', roles: ['accountant'] });
      expect({ ...after, jti: '' }).toEqual({ ...before, jti: '' });
      expect(after['jti']).not.toBe(before['jti']);
    });

    it('goes on ten times over two instances, each time with another token, and the access tokens of before stay good', async () => {
      const client = await registered();
      const tokens = [await a.driver.signIn(client, user)];
      while (tokens.length <= 10) tokens.push(await [a, b][tokens.length % 2].driver.refreshed(client, tokens.at(-1)!.refreshToken));
      expect(new Set(tokens.map(({ refreshToken }) => refreshToken)).size).toBe(11);
      await expectActive(api, ...new Set(tokens.map(({ accessToken }) => accessToken)));
    });

    it('with the token before last is invalid_grant', async () => {
      const client = await registered();
      const first = await a.driver.signIn(client, user);
      const second = await a.driver.refreshed(client, first.refreshToken);
      await a.driver.refreshed(client, second.refreshToken);
      await expectRefused(client, first.refreshToken);
    });
  });

  describe('RFC 6749 §6: the request', () => {
    let client: Credentials;
    let refreshToken: string;

    beforeAll(async () => {
      ({ client, refreshToken } = await signIn());
    });

    it.each<[string, (token: string) => Form, string]>([
      ['without a refresh_token', () => ({}), 'invalid_request'],
      ['with an empty refresh_token', () => ({ refresh_token: '' }), 'invalid_request'],
      ['with the refresh_token twice', (token) => ({ refresh_token: [token, token] }), 'invalid_request'],
      ['with another refresh_token beside it', (token) => ({ refresh_token: [token, 'x'] }), 'invalid_request'],
      ['with a nested refresh_token', (token) => ({ 'refresh_token[0]': token }), 'invalid_request'],
      ['with the scope twice', (token) => ({ refresh_token: token, scope: ['ledger:read', 'ledger:read'] }), 'invalid_request'],
    ])('%s is refused, and nothing is used up', async (_, form, error) => {
      expectOAuthError(await a.driver.form('/oauth/token', { grant_type: 'refresh_token', ...form(refreshToken) }, client), 400, error);
      await expectActive(client, refreshToken);
    });

    it('with username, password and what else is unknown to this grant is served all the same', async () => {
      expect((await a.driver.refresh(client, refreshToken, { username: 'nobody', password: 'x', foo: ['1', '2'] })).status).toBe(200);
    });

    it('is unauthorized_client for a client without that grant, which is given no refresh token either', async () => {
      const without = await register({ grant_types: ['password', 'client_credentials'] });
      const answer = await a.driver.passwordGrant(without, user);
      expect(answer.status).toBe(200);
      expect(answer.body).not.toHaveProperty('refresh_token');
      expectOAuthError(await a.driver.refresh(without, refreshToken), 400, 'unauthorized_client');
    });
  });

  describe('RFC 6749 §6, §10.4: the token is bound to its client', () => {
    let shared: Session;

    beforeAll(async () => {
      shared = await signIn();
    });

    it.each<[string, () => Promise<Credentials>]>([
      ['another confidential client', register],
      ['a public client', registerPublic],
    ])('%s is refused it, and it still works for its own; neither is this reuse', async (_, registered) => {
      const session = await signIn();
      const stranger = await registered();
      await expectRefused(stranger, session.refreshToken);
      await expectActive(session.client, session.refreshToken, session.accessToken);
      expect((await a.driver.refresh(session.client, session.refreshToken)).status).toBe(200);
      expect(await audited('refresh_token.reused', session.client)).toEqual([]);
    });

    it('of a public client it is refused to another public client', async () => {
      const client = await registerPublic();
      const { refreshToken } = await a.driver.signIn(client, user);
      await expectRefused(await registerPublic(), refreshToken);
      expect((await a.driver.refresh(client, refreshToken)).status).toBe(200);
    });

    it.each([['just used', 1], ['used long ago', 3]])('%s, it is refused to another client too, and does not end the session', async (_, uses) => {
      const session = await signIn();
      let { refreshToken } = session;
      for (let use = 0; use < uses; use++) ({ refreshToken } = await a.driver.refreshed(session.client, refreshToken));
      await expectRefused(await register(), session.refreshToken);
      await expectActive(session.client, refreshToken, session.accessToken);
      expect(await audited('refresh_token.reused', session.client)).toEqual([]);
    });

    it.each<[string, (client: Credentials) => [Credentials | undefined, Form]]>([
      ['its client_id alone', ({ clientId }) => [undefined, { client_id: clientId }]],
      ['its client_id and an empty secret', ({ clientId }) => [undefined, { client_id: clientId, client_secret: '' }]],
      ['a wrong secret', ({ clientId }) => [{ clientId, clientSecret: 'wrong' }, {}]],
      ['the secret of another client', ({ clientId }) => [{ clientId, clientSecret: api.clientSecret }, {}]],
      ['its secret in the body though it is registered for Basic', ({ clientId, clientSecret }) => [undefined, { client_id: clientId, client_secret: clientSecret }]],
      ['nothing', () => [undefined, {}]],
    ])('a confidential client that authenticates by %s is invalid_client, and the token still works', async (_, by) => {
      const { client, refreshToken } = shared;
      const [credentials, form] = by(client);
      expectOAuthError(await a.driver.form('/oauth/token', { grant_type: 'refresh_token', refresh_token: refreshToken, ...form }, credentials), 401, 'invalid_client');
      await expectActive(client, refreshToken);
    });
  });

  describe('RFC 6749 §6: the scope', () => {
    let little: Session;

    beforeAll(async () => {
      little = await signIn({}, { scope: 'ledger:read' });
    });

    const scopeOf = (answer: Answer) => [answer.status, answer.body['scope'], decodeJwt(String(answer.body['access_token'])).claims['scope']];

    it('is the original one when none is asked for, even if that is less than the client may have', async () => {
      const { client, refreshToken } = await signIn({ scope: 'ledger:read ledger:write' }, { scope: 'ledger:write' });
      expect(scopeOf(await a.driver.refresh(client, refreshToken))).toEqual([200, 'ledger:write', 'ledger:write']);
    });

    it('may be narrower, which is told; the next refresh without one gives the whole again', async () => {
      const { client, refreshToken } = await signIn();
      const narrow = await a.driver.refresh(client, refreshToken, { scope: 'ledger:read' });
      expect(scopeOf(narrow)).toEqual([200, 'ledger:read', 'ledger:read']);
      const whole = await a.driver.refresh(client, narrow.body['refresh_token'] as string);
      expect(scopeOf(whole)).toEqual([200, 'ledger:read ledger:write', 'ledger:read ledger:write']);
    });

    it.each<[string, string]>([
      ['wider than what was granted', 'ledger:read ledger:write'],
      ['none of what was granted', 'ledger:write'],
      ['what the client does not have', 'ledger:read archive:read'],
      ['what nobody knows', 'ledger:read nonsense'],
      ['in other letters', 'LEDGER:READ'],
      ['with two spaces', 'ledger:read  ledger:read'],
      ['with a quotation mark', 'ledger:read "'],
    ])('%s is invalid_scope, and the token is not used up', async (_, scope) => {
      expectOAuthError(await a.driver.refresh(little.client, little.refreshToken, { scope }), 400, 'invalid_scope');
      await expectActive(little.client, little.refreshToken);
      Object.assign(little, await a.driver.refreshed(little.client, little.refreshToken));
    });

    it('loses what is taken from the client, and has it again when the client does', async () => {
      const { client, refreshToken } = await signIn();
      await patchClient(client, { scope: 'ledger:read' });
      const less = await a.driver.refresh(client, refreshToken);
      expect(scopeOf(less)).toEqual([200, 'ledger:read', 'ledger:read']);
      await patchClient(client, { scope: 'ledger:read ledger:write' });
      expect(scopeOf(await a.driver.refresh(client, less.body['refresh_token'] as string))).toEqual([200, 'ledger:read ledger:write', 'ledger:read ledger:write']);
    });
  });

  describe('RFC 8707 §2.2: the resource', () => {
    const both = { scope: 'ledger:read archive:read' };
    let narrow: Session;

    beforeAll(async () => {
      narrow = await signIn(both, { resource: LEDGER });
    });

    const audienceOf = ({ accessToken }: UserTokens) => decodeJwt(accessToken).claims['aud'];

    it.each<[string, string | string[]]>([
      ['not in the grant, though the client may turn to it', ARCHIVE],
      ['beside one in the grant', [LEDGER, ARCHIVE]],
      ['unknown', 'https://unknown.example.com'],
      ['with a slash more', `${LEDGER}/`],
      ['the admin API', 'ADMIN'],
    ])('%s is invalid_target, and the token is not used up', async (_, resource) => {
      expectOAuthError(await a.driver.refresh(narrow.client, narrow.refreshToken, { resource: resource === 'ADMIN' ? `${a.issuer}/admin` : resource }), 400, 'invalid_target');
      await expectActive(narrow.client, narrow.refreshToken);
      Object.assign(narrow, await a.driver.refreshed(narrow.client, narrow.refreshToken));
      expect(audienceOf(narrow)).toBe(LEDGER);
    });

    it('may be one of those in the grant; the next refresh without one is for all of them again', async () => {
      const { client, refreshToken } = await signIn(both, { resource: [LEDGER, ARCHIVE] });
      const one = await a.driver.refreshed(client, refreshToken, { resource: ARCHIVE });
      expect(decodeJwt(one.accessToken).claims).toMatchObject({ aud: ARCHIVE, scope: 'archive:read' });
      const all = await a.driver.refreshed(client, one.refreshToken);
      expect(decodeJwt(all.accessToken).claims).toMatchObject({ aud: [LEDGER, ARCHIVE], scope: 'ledger:read archive:read' });
    });

    it('and a scope that does not belong to it is invalid_scope, and the token is not used up', async () => {
      const { client, refreshToken } = await signIn(both, { resource: [LEDGER, ARCHIVE] });
      expectOAuthError(await a.driver.refresh(client, refreshToken, { resource: ARCHIVE, scope: 'ledger:read' }), 400, 'invalid_scope');
      await expectActive(client, refreshToken);
    });

    it('of a grant without one is the issuer, and stays it', async () => {
      const { client, refreshToken } = await signIn({ scope: 'anything' });
      expect(audienceOf(await a.driver.refreshed(client, refreshToken))).toBe(a.issuer);
    });
  });

  describe.each(FORMATS)('RFC 9700 §4.14.2: a token that comes back long after its use (%s access tokens)', (access_token_format) => {
    async function reused() {
      const session = await signIn({ access_token_format });
      const second = await a.driver.refreshed(session.client, session.refreshToken);
      const third = await a.driver.refreshed(session.client, second.refreshToken);
      const sibling = await a.driver.signIn(session.client, user);
      await expectActive(session.client, third.refreshToken, session.accessToken, second.accessToken, third.accessToken);
      await expectRefused(session.client, session.refreshToken);
      return { session, refreshTokens: [third, second, session].map(({ refreshToken }) => refreshToken), accessTokens: [session, second, third].map(({ accessToken }) => accessToken), sibling };
    }

    it('ends the whole lineage, although the answer is an error: its refresh tokens and its access tokens, here at once and elsewhere within a second', async () => {
      const { session, refreshTokens, accessTokens } = await reused();
      await expectDead(session, refreshTokens, accessTokens);
      for (const token of accessTokens) await expectInactive(api, token);
      await eventually(() => expectDead(session, refreshTokens, accessTokens, b), KNOWN);
    });

    it('is audited once as refresh_token.reused, with client, user and address and without a token, however often it comes', async () => {
      const { session, refreshTokens } = await reused();
      await Promise.all([...refreshTokens, ...refreshTokens].map((token, i) => [a, b][i % 2].driver.refresh(session.client, token)));
      const events = await audited('refresh_token.reused', session.client);
      const { clientId } = session.client;
      expect(events).toEqual([expect.objectContaining({ type: 'refresh_token.reused', client_id: clientId, user_id: user.userId, actor: { client_id: clientId, user_id: null, operator: null, address: '127.0.0.1' } })]);
      for (const token of refreshTokens) expect(JSON.stringify(events)).not.toContain(token.slice(6, 30));
    });

    it('leaves another session of the same user at the same client alone', async () => {
      const { session, sibling } = await reused();
      await expectActive(session.client, sibling.refreshToken, sibling.accessToken);
      expect((await b.driver.refresh(session.client, sibling.refreshToken)).status).toBe(200);
    });

    it('is still dead, with its access tokens, on an instance that starts later', async () => {
      const { session, refreshTokens, accessTokens } = await reused();
      const later = await TestServer.start({ database: a.database, issuer: a.issuer, clock: a.clock });
      try {
        await expectDead(session, refreshTokens, accessTokens, later);
      } finally {
        await later.stop();
      }
    });
  });

  describe('RFC 9700 §4.14.2: an answer that was lost', () => {
    it('is given again to who repeats the last use: 200, the same new refresh token, and an access token of its own', async () => {
      const { client, refreshToken } = await signIn();
      const lost = await a.driver.refreshed(client, refreshToken);
      for (const { driver } of [a, b, a, b]) {
        const again = await driver.refreshed(client, refreshToken);
        expect(again.refreshToken).toBe(lost.refreshToken);
        expect(again.accessToken).not.toBe(lost.accessToken);
        await expectActive(client, again.accessToken, again.refreshToken);
      }
      expect((await a.driver.refresh(client, lost.refreshToken)).status).toBe(200);
      expect(await audited('refresh_token.reused', client)).toEqual([]);
    });

    it('is given again to a public client too', async () => {
      const client = await registerPublic();
      const { refreshToken } = await a.driver.signIn(client, user);
      const lost = await a.driver.refreshed(client, refreshToken);
      expect((await b.driver.refreshed(client, refreshToken)).refreshToken).toBe(lost.refreshToken);
    });

    it('is not given to another client, and the right one still gets it', async () => {
      const { client, refreshToken } = await signIn();
      const lost = await a.driver.refreshed(client, refreshToken);
      await expectRefused(await register(), refreshToken);
      expect((await a.driver.refreshed(client, refreshToken)).refreshToken).toBe(lost.refreshToken);
    });

    it('is no way to more scope than the grant has, nor past any other check', async () => {
      const { client, refreshToken } = await signIn({}, { scope: 'ledger:read' });
      const lost = await a.driver.refreshed(client, refreshToken);
      expectOAuthError(await a.driver.refresh(client, refreshToken, { scope: 'ledger:write' }), 400, 'invalid_scope');
      expectOAuthError(await a.driver.refresh(client, refreshToken, { resource: ARCHIVE }), 400, 'invalid_target');
      await expectActive(client, lost.refreshToken);
    });

    it('leaves one token alive: the one used last is inactive at introspection although it may be repeated', async () => {
      const { client, refreshToken } = await signIn();
      const lost = await a.driver.refreshed(client, refreshToken);
      await expectInactive(client, refreshToken);
      await expectActive(client, lost.refreshToken);
    });

    it('is not given once its successor was used: that is reuse, and ends the session', async () => {
      const session = await signIn();
      const second = await a.driver.refreshed(session.client, session.refreshToken);
      const third = await b.driver.refreshed(session.client, second.refreshToken);
      await expectRefused(session.client, session.refreshToken);
      await expectDead(session, [third.refreshToken, second.refreshToken], [session, second, third].map(({ accessToken }) => accessToken));
      expect(await audited('refresh_token.reused', session.client)).toHaveLength(1);
    });

    it('does not make a token before the last one good: that is reuse at once, also when the last one was just repeated', async () => {
      const session = await signIn();
      const second = await a.driver.refreshed(session.client, session.refreshToken);
      const third = await a.driver.refreshed(session.client, second.refreshToken);
      expect((await a.driver.refreshed(session.client, second.refreshToken)).refreshToken).toBe(third.refreshToken);
      await expectRefused(session.client, session.refreshToken);
      await expectDead(session, [third.refreshToken, second.refreshToken], [third.accessToken]);
    });

    it('is given until the window ends, to the millisecond, and no repetition prolongs it', async () => {
      const session = await signIn();
      const lost = await a.driver.refreshed(session.client, session.refreshToken);
      advance(WINDOW_SECONDS - 0.001);
      const again = await a.driver.refreshed(session.client, session.refreshToken);
      expect(again.refreshToken).toBe(lost.refreshToken);
      advance(0.001);
      await expectRefused(session.client, session.refreshToken);
      await expectDead(session, [lost.refreshToken], [lost.accessToken, again.accessToken]);
    });

    it('is forgotten after the window: the successor that did arrive works on', async () => {
      const { client, refreshToken } = await signIn();
      const second = await a.driver.refreshed(client, refreshToken);
      advance(WINDOW_SECONDS);
      expect((await a.driver.refresh(client, second.refreshToken)).status).toBe(200);
    });

    it.each([['for the same audience', ARCHIVE], ['for an audience whose tokens live longer', BRIEF]])('is given again %s: that access token dies with its family too, for as long as it would have lived', async (_, resource) => {
      // BRIEF has no scopes, so it is closed to clients that are not registered for it.
      const metadata = { scope: 'archive:read', resources: [BRIEF], access_token_lifetime: 3600 };
      const { client, refreshToken } = await signIn(metadata, { resource: [BRIEF, ARCHIVE] });
      const lost = await a.driver.refreshed(client, refreshToken, { resource });
      const again = await a.driver.refreshed(client, refreshToken, { resource: ARCHIVE });
      expect(again.refreshToken).toBe(lost.refreshToken);
      await expectActive(api, again.accessToken);
      expect((await a.driver.revoke(client, lost.refreshToken)).status).toBe(200);
      await expectInactive(api, again.accessToken);
      advance(60);
      const later = await TestServer.start({ database: a.database, issuer: a.issuer, clock: a.clock });
      try {
        await expectInactive(api, again.accessToken, later);
      } finally {
        await later.stop();
      }
    });
  });

  describe('RFC 9700 §4.14.2: REFRESH_RETRY_WINDOW_SECONDS=0', () => {
    let strict: TestServer;

    beforeAll(async () => {
      strict = await TestServer.start({ database: a.database, issuer: a.issuer, clock: a.clock, env: { REFRESH_RETRY_WINDOW_SECONDS: '0' } });
    });
    afterAll(() => strict.stop());

    it('rotates as ever', async () => {
      const { client, refreshToken } = await signIn();
      const second = await strict.driver.refreshed(client, refreshToken);
      const third = await strict.driver.refreshed(client, second.refreshToken);
      await expectActive(client, third.refreshToken);
    });

    it('makes every second use reuse, in the same millisecond even, and ends the session', async () => {
      const session = await signIn();
      const second = await strict.driver.refreshed(session.client, session.refreshToken);
      await expectRefused(session.client, session.refreshToken, {}, strict);
      await expectDead(session, [second.refreshToken], [session.accessToken, second.accessToken], strict);
      expect(await audited('refresh_token.reused', session.client)).toHaveLength(1);
    });

    it('does not use a token up by a request that is refused', async () => {
      const { client, refreshToken } = await signIn({}, { scope: 'ledger:read' });
      expectOAuthError(await strict.driver.refresh(client, refreshToken, { scope: 'ledger:write' }), 400, 'invalid_scope');
      expectOAuthError(await strict.driver.refresh(client, refreshToken, { resource: ARCHIVE }), 400, 'invalid_target');
      expect((await strict.driver.refresh(client, refreshToken)).status).toBe(200);
    });
  });

  describe('RFC 9700 §4.14: what it was issued for is looked at with each use', () => {
    const patchUser = (patch: Record<string, unknown>) => (who: RegisteredUser) => a.driver.adminRequest('PATCH', `/users/${who.userId}`, patch);
    let count = 0;

    /** A session of a user of its own, whom both instances have in memory. */
    async function knownSession(metadata: Record<string, unknown> = {}): Promise<Session & { who: RegisteredUser }> {
      const who = await a.driver.registerUser({ username: `user-${count++}`, roles: ['accountant'] });
      const session = await signIn(metadata, {}, who);
      await eventually(async () => expect([await isActive(session.client, session.refreshToken, b), await isActive(session.client, session.accessToken, b)]).toEqual([true, true]), KNOWN);
      return { ...session, who };
    }

    const USER_CHANGES: [string, (who: RegisteredUser) => Promise<Answer>][] = [
      ['disabled', patchUser({ enabled: false })],
      ['deleted', (who) => a.driver.adminRequest('DELETE', `/users/${who.userId}`)],
      ['given a password', (who) => a.driver.adminRequest('PUT', `/users/${who.userId}/password`, { password: 'another good horse battery' })],
      ['given the same password again', (who) => a.driver.adminRequest('PUT', `/users/${who.userId}/password`, { password: who.password })],
      ['signed out by DELETE tokens', (who) => a.driver.adminRequest('DELETE', `/users/${who.userId}/tokens`)],
      ['signed out by DELETE sessions', (who) => a.driver.adminRequest('DELETE', `/users/${who.userId}/sessions`)],
    ];

    it.each(USER_CHANGES)('a user who is %s: invalid_grant and inactive, here at once and on the other instance within a second; it is no reuse', async (_, change) => {
      const session = await knownSession();
      const lost = await a.driver.refreshed(session.client, session.refreshToken);
      expect((await change(session.who)).status).toBeLessThan(300);
      const accessTokens = [session.accessToken, lost.accessToken];
      await expectDead(session, [lost.refreshToken, session.refreshToken], accessTokens);
      await eventually(() => expectDead(session, [lost.refreshToken, session.refreshToken], accessTokens, b), KNOWN);
      expect(await audited('refresh_token.reused', session.client)).toEqual([]);
    });

    it('a user who is enabled again has none of her old sessions, and may begin a new one', async () => {
      const session = await knownSession();
      await patchUser({ enabled: false })(session.who);
      await patchUser({ enabled: true })(session.who);
      await expectDead(session, [session.refreshToken], [session.accessToken]);
      expect(await a.driver.signIn(session.client, session.who)).toHaveProperty('refreshToken');
    });

    it('a user of the same name as one who was deleted has nothing of hers', async () => {
      const session = await knownSession();
      await a.driver.adminRequest('DELETE', `/users/${session.who.userId}`);
      const namesake = await a.driver.registerUser({ username: session.who.username });
      expect((await a.driver.signIn(session.client, namesake)).refreshToken).not.toBe(session.refreshToken);
      await expectDead(session, [session.refreshToken], [session.accessToken]);
    });

    it('a user whose name or e-mail address changes, or who is signed out of nothing, keeps her session', async () => {
      const session = await knownSession();
      expect((await patchUser({ name: 'Margaret Hamilton', email: `${session.who.username}@example.com` })(session.who)).status).toBe(200);
      await a.driver.adminRequest('POST', `/users/${session.who.userId}/unlock`);
      expect((await a.driver.refresh(session.client, session.refreshToken)).status).toBe(200);
    });

    it('a user who loses a role loses the scope that needs it, here at once and elsewhere within a second, and the roles claim says so', async () => {
      const { client, refreshToken, who } = await knownSession({ scope: 'free restricted:read' });
      expect((await patchUser({ roles: ['clerk'] })(who)).status).toBe(200);
      const less = await a.driver.refresh(client, refreshToken);
      expect([less.status, less.body['scope'], decodeJwt(String(less.body['access_token'])).claims['roles']]).toEqual([200, 'free', ['clerk']]);
      await eventually(async () => expect((await b.driver.refresh(client, refreshToken)).body['scope']).toBe('free'), KNOWN);
    });

    it('a user whose roles allow nothing of the scope any more: an error, the token is not used up, and works when the role is back', async () => {
      const { client, refreshToken, who } = await knownSession({ scope: 'restricted:read' });
      await patchUser({ roles: [] })(who);
      expectOAuthError(await a.driver.refresh(client, refreshToken), 400, 'invalid_scope');
      await eventually(async () => expect((await b.driver.refresh(client, refreshToken)).body['error']).toBe('invalid_scope'), KNOWN);
      await patchUser({ roles: ['accountant'] })(who);
      const back = await a.driver.refresh(client, refreshToken);
      expect([back.status, back.body['scope']]).toEqual([200, 'restricted:read']);
    });

    it('a role that she is given adds nothing that was not granted', async () => {
      const { client, refreshToken, who } = await knownSession({ scope: 'restricted:read restricted:write' });
      await patchUser({ roles: ['accountant', 'manager'] })(who);
      const answer = await a.driver.refresh(client, refreshToken);
      expect([answer.status, answer.body['scope']]).toEqual([200, 'restricted:read']);
      expectOAuthError(await a.driver.refresh(client, answer.body['refresh_token'] as string, { scope: 'restricted:write' }), 400, 'invalid_scope');
    });

    it.each<[string, (client: Credentials) => Promise<Answer>]>([
      ['disabled', ({ clientId }) => a.driver.adminRequest('PATCH', `/clients/${clientId}`, { enabled: false })],
      ['deleted', ({ clientId }) => a.driver.adminRequest('DELETE', `/clients/${clientId}`)],
    ])('a client that is %s: invalid_client, here at once and on the other instance within a second', async (_, change) => {
      const { client, refreshToken } = await knownSession();
      expect((await change(client)).status).toBeLessThan(300);
      expectOAuthError(await a.driver.refresh(client, refreshToken), 401, 'invalid_client');
      await eventually(async () => expectOAuthError(await b.driver.refresh(client, refreshToken), 401, 'invalid_client'), KNOWN);
    });

    it('a client that is disabled and enabled again has none of its old sessions', async () => {
      const session = await knownSession();
      await patchClient(session.client, { enabled: false });
      await patchClient(session.client, { enabled: true });
      await expectDead(session, [session.refreshToken], [session.accessToken]);
      await eventually(() => expectDead(session, [session.refreshToken], [session.accessToken], b), KNOWN);
    });

    it('a client that was deleted and registered anew, even under its old id, has none of the old sessions', async () => {
      const { client, ...session } = await knownSession();
      await a.driver.adminRequest('DELETE', `/clients/${client.clientId}`);
      const again = await register({ client_id: client.clientId });
      await expectDead({ ...session, client: again }, [session.refreshToken], [session.accessToken]);
      await eventually(() => expectDead({ ...session, client: again }, [session.refreshToken], [session.accessToken], b), KNOWN);
    });

    it('a client whose tokens were all revoked: invalid_grant, here at once and on the other instance within a second', async () => {
      const session = await knownSession();
      expect((await a.driver.adminRequest('DELETE', `/clients/${session.client.clientId}/tokens`)).status).toBe(204);
      await expectDead(session, [session.refreshToken], [session.accessToken]);
      await eventually(() => expectDead(session, [session.refreshToken], [session.accessToken], b), KNOWN);
    });

    it.each([
      ['refresh_token', ['password'], 'unauthorized_client'],
      ['password, by which it began,', ['refresh_token'], 'invalid_grant'],
    ])('a client that loses the grant %s: refused and inactive, here at once and on the other instance within a second', async (_, grant_types, error) => {
      const { client, refreshToken } = await knownSession();
      await patchClient(client, { grant_types });
      expectOAuthError(await a.driver.refresh(client, refreshToken), 400, error);
      await expectInactive(client, refreshToken);
      await eventually(async () => {
        expectOAuthError(await b.driver.refresh(client, refreshToken), 400, error);
        await expectInactive(client, refreshToken, b);
      }, KNOWN);
    });
  });

  describe('RFC 9700 §4.14.2, RFC 6749 §10.4: the lifetime', () => {
    const LIFETIMES = { refresh_token_lifetime: 3600, refresh_token_idle_lifetime: 600 };
    const endOf = async (client: Credentials, token: string) => (await a.driver.introspect(client, token)).body['exp'];

    it('ends when a token was not used for the idle lifetime of its client, to the second', async () => {
      const [{ client, refreshToken }, other] = [await signIn(LIFETIMES), await signIn(LIFETIMES)];
      advance(599);
      expect((await a.driver.refresh(client, refreshToken)).status).toBe(200);
      advance(1);
      await expectInactive(other.client, other.refreshToken);
      await expectRefused(other.client, other.refreshToken);
      expect(await audited('refresh_token.reused', other.client)).toEqual([]);
    });

    it('is moved on by each use, and never beyond the absolute end, which no rotation moves', async () => {
      const session = await signIn(LIFETIMES);
      const began = a.clock.nowMs() / 1000;
      let tokens: UserTokens = session;
      for (let elapsed = 500; elapsed <= 3500; elapsed += 500) {
        advance(500);
        tokens = await a.driver.refreshed(session.client, tokens.refreshToken);
        expect(await endOf(session.client, tokens.refreshToken)).toBe(Math.floor(began + Math.min(elapsed + 600, 3600)));
      }
      advance(99.999);
      tokens = await a.driver.refreshed(session.client, tokens.refreshToken);
      expect(await endOf(session.client, tokens.refreshToken)).toBe(Math.floor(began + 3600));
      advance(0.001);
      await expectRefused(session.client, tokens.refreshToken);
      await expectInactive(session.client, tokens.refreshToken);
    });

    it('is not outlived by the time in which a lost answer may be asked for again', async () => {
      const { client, refreshToken } = await signIn(LIFETIMES);
      advance(599);
      await a.driver.refreshed(client, refreshToken);
      const short = await signIn({ refresh_token_lifetime: 60, refresh_token_idle_lifetime: 60 });
      advance(55);
      await a.driver.refreshed(short.client, short.refreshToken);
      advance(5);
      await expectRefused(short.client, short.refreshToken);
    });

    it('is that of each client: one session ends, the other goes on', async () => {
      const [short, long] = [await signIn({ refresh_token_lifetime: 60, refresh_token_idle_lifetime: 60 }), await signIn({})];
      advance(60);
      await expectRefused(short.client, short.refreshToken);
      expect((await a.driver.refresh(long.client, long.refreshToken)).status).toBe(200);
    });

    it('of a session that began is not prolonged when its client is given a longer one', async () => {
      const { client, refreshToken } = await signIn({ refresh_token_lifetime: 600, refresh_token_idle_lifetime: 600 });
      await patchClient(client, { refresh_token_lifetime: 86_400, refresh_token_idle_lifetime: 86_400 });
      advance(300);
      const second = await a.driver.refreshed(client, refreshToken);
      advance(300);
      await expectRefused(client, second.refreshToken);
    });
  });

  describe('RFC 6749 §10.10: what is not exactly the token', () => {
    let session: Session;
    let current: string;

    beforeAll(async () => {
      // So long that the last character has bits to spare, for the other spelling.
      session = await signIn({}, { scope: 'ledger:read' });
      current = (await a.driver.refreshed(session.client, session.refreshToken)).refreshToken;
    });

    it.each<[string, (token: string) => string]>([
      ['with the case of one letter flipped', flipCase],
      ['in lower case', (token) => token.toLowerCase()],
      ['with its prefix in capitals', (token) => token.replace('mg_rt_', 'MG_RT_')],
      ['without its prefix', (token) => token.slice(6)],
      ['with the prefix of an access token', (token) => token.replace('mg_rt_', 'mg_at_')],
      ['with its prefix twice', (token) => `mg_rt_${token}`],
      ['one character short', (token) => token.slice(0, -1)],
      ['four characters short', (token) => token.slice(0, -4)],
      ['one character long', (token) => `${token}A`],
      ['with padding', (token) => `${token}==`],
      ['with a space behind it', (token) => `${token} `],
      ['with a space before it', (token) => ` ${token}`],
      ['with a line feed behind it', (token) => `${token}\n`],
      ['in the other spelling of the same bytes', (token) => `mg_rt_${nonCanonical(token.slice(6))}`],
      ['in the alphabet of plain base64', (token) => `mg_rt_${Buffer.from(token.slice(6), 'base64url').toString('base64')}`],
      ['twice', (token) => token + token],
      ['in wide letters', (token) => token.replace(/[a-z]$|[A-Z]$|\d$|.$/, (last) => String.fromCodePoint(last.codePointAt(0)! + 0xfee0))],
      ['by its digest', (token) => createHash('sha256').update(token).digest('hex')],
      ['by its prefix alone', () => 'mg_rt_'],
      ['with a % behind it', (token) => `${token}%`],
      ['with nine kilobytes behind it', (token) => token + 'A'.repeat(9000)],
    ])('%s: invalid_grant and inactive, revoked without effect, be it a good or a used one; the good one stays good and the session goes on', async (_, change) => {
      for (const like of [session.refreshToken, current].map(change)) {
        await expectRefused(session.client, like);
        await expectInactive(session.client, like);
        expect((await a.driver.revoke(session.client, like)).status).toBe(200);
      }
      await expectActive(session.client, current, session.accessToken);
      const next = await a.driver.refreshed(session.client, current);
      Object.assign(session, { refreshToken: current, accessToken: next.accessToken });
      current = next.refreshToken;
    });

    it('is no reuse: none of all of these was audited', async () => {
      expect([...(await audited('refresh_token.reused', session.client)), ...(await audited('refresh_token.revoked', session.client))]).toEqual([]);
    });

    it('altered in any one of its bytes: invalid_grant each time, and the token itself still works', async () => {
      const { client, refreshToken } = await signIn();
      const bytes = Buffer.from(refreshToken.slice(6), 'base64url');
      expect(bytes.length).toBeGreaterThan(64);
      const altered = Array.from(bytes, (byte, at) => `mg_rt_${Buffer.concat([bytes.subarray(0, at), Buffer.from([byte ^ (1 << (at % 8))]), bytes.subarray(at + 1)]).toString('base64url')}`);
      const answers = await Promise.all(altered.map((token) => a.driver.refresh(client, token)));
      for (const answer of answers) expectOAuthError(answer, 400, 'invalid_grant');
      await expectActive(client, refreshToken);
    });

    it('made of the halves of two tokens: invalid_grant, and both still work', async () => {
      const [one, other] = [await signIn(), await signIn()];
      await expectRefused(one.client, one.refreshToken.slice(0, 49) + other.refreshToken.slice(49));
      await expectActive(one.client, one.refreshToken);
      await expectActive(other.client, other.refreshToken);
    });

    it('of another server, with another key and the same families: invalid_grant', async () => {
      const other = await TestServer.start({ kind, env: { KEY_ENCRYPTION_KEY: Buffer.alloc(32, 9).toString('base64') } });
      try {
        const client = await other.driver.registerClient({ client_id: 'same-name', grant_types: ['password', 'refresh_token'] });
        const { refreshToken } = await other.driver.signIn(client, await other.driver.registerUser({ username: 'margaret' }));
        await expectRefused(await register({ client_id: 'same-name' }), refreshToken);
      } finally {
        await other.stop();
      }
    });
  });

  describe('RFC 6749 §10.10, RFC 9068 §5: one kind of value is never taken for another', () => {
    let session: Session;

    beforeAll(async () => {
      session = await signIn();
    });

    it.each<[string, (session: Session) => string]>([
      ['a JWT', ({ accessToken }) => accessToken],
      ['a client secret', ({ client }) => client.clientSecret],
      ['the id of a client', ({ client }) => client.clientId],
      ['a JWT with the prefix of refresh tokens', ({ accessToken }) => `mg_rt_${accessToken}`],
      ['a client secret with the prefix of refresh tokens', ({ client }) => client.clientSecret.replace('mg_cs_', 'mg_rt_')],
    ])('%s as refresh_token is invalid_grant', async (_, value) => {
      await expectRefused(session.client, value(session));
      await expectActive(session.client, session.refreshToken, session.accessToken);
    });

    it('an opaque access token as refresh_token is invalid_grant, also with the prefix of one', async () => {
      const { client, refreshToken, accessToken } = await signIn({ access_token_format: 'opaque' });
      await expectRefused(client, accessToken);
      await expectRefused(client, accessToken.replace('mg_at_', 'mg_rt_'));
      await expectActive(client, refreshToken, accessToken);
    });

    it('a refresh token as bearer token is invalid_token, and is not used up', async () => {
      const { client, refreshToken } = session;
      const answer = await a.driver.adminRequest('GET', '/clients', undefined, { token: refreshToken });
      expectProblem(answer, 401);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_token"/);
      await expectActive(client, refreshToken);
    });

    it('a refresh token as client secret or as password gets nobody in', async () => {
      const { client, refreshToken } = session;
      expectOAuthError(await a.driver.refresh({ clientId: client.clientId, clientSecret: refreshToken }, refreshToken), 401, 'invalid_client');
      expectOAuthError(await a.driver.passwordGrant(client, { username: user.username, password: refreshToken }), 400, 'invalid_grant');
      await expectActive(client, refreshToken);
    });
  });

  describe('RFC 7662 §2.2, §4: introspection', () => {
    it('tells a client of its own refresh token: whose, what for, since when, until when; and no token_type', async () => {
      const { client, refreshToken } = await signIn();
      const now = Math.floor(a.clock.nowMs() / 1000);
      const answer = await b.driver.introspect(client, refreshToken);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.body).toEqual({ active: true, client_id: client.clientId, sub: user.userId, scope: 'ledger:read ledger:write', iss: a.issuer, exp: now + 7 * 86_400 });
    });

    it('is not changed by a hint, and uses nothing up', async () => {
      const { client, refreshToken } = await signIn();
      for (const token_type_hint of HINTS) expect((await a.driver.introspect(client, refreshToken, { token_type_hint })).body).toMatchObject({ active: true });
      expect((await a.driver.refresh(client, refreshToken)).status).toBe(200);
    });

    it('tells of the whole scope after a refresh that asked for less', async () => {
      const { client, refreshToken } = await signIn();
      const narrow = await a.driver.refreshed(client, refreshToken, { scope: 'ledger:read' });
      expect((await a.driver.introspect(client, narrow.refreshToken)).body).toMatchObject({ active: true, scope: 'ledger:read ledger:write' });
    });

    it('says of a used one, and of one that is none, exactly {"active":false}', async () => {
      const { client, refreshToken } = await signIn();
      await a.driver.refreshed(client, refreshToken);
      for (const token of [refreshToken, 'mg_rt_', `mg_rt_${'A'.repeat(86)}`]) await expectInactive(client, token);
    });

    it('says the same to everyone else: another client, a resource server of its audience, an admin', async () => {
      const { client, refreshToken } = await signIn();
      const admin = { clientId: 'test-admin', clientSecret: 'test-admin-secret-0123456789abcdef' };
      for (const caller of [await register(), api, admin]) await expectInactive(caller, refreshToken);
      await expectActive(client, refreshToken);
    });

    it('says nothing to who asks for it as an access token: with the prefix of one it is inactive', async () => {
      const { client, refreshToken } = await signIn();
      await expectInactive(client, refreshToken.replace('mg_rt_', 'mg_at_'));
    });
  });

  describe.each(FORMATS)('RFC 7009 §2.1: the revocation of a refresh token (%s access tokens)', (access_token_format) => {
    async function lineage() {
      const session = await signIn({ access_token_format });
      const second = await a.driver.refreshed(session.client, session.refreshToken);
      const third = await b.driver.refreshed(session.client, second.refreshToken);
      const accessTokens = [session, second, third].map(({ accessToken }) => accessToken);
      await expectActive(session.client, ...accessTokens);
      return { session, refreshTokens: [third, second, session].map(({ refreshToken }) => refreshToken), accessTokens };
    }

    it.each([['the current one', 0], ['the one used last', 1], ['one used before that', 2]])('%s: 200, and the whole session is dead, here at once and on the other instance within a second', async (_, which) => {
      const { session, refreshTokens, accessTokens } = await lineage();
      const sibling = await a.driver.signIn(session.client, user);
      const answer = await a.driver.revoke(session.client, refreshTokens[which]);
      expect([answer.status, answer.body, answer.headers.get('cache-control')]).toEqual([200, {}, 'no-store']);
      await expectDead(session, refreshTokens, accessTokens);
      for (const token of accessTokens) await expectInactive(api, token);
      await eventually(() => expectDead(session, refreshTokens, accessTokens, b), KNOWN);
      await expectActive(session.client, sibling.refreshToken, sibling.accessToken);
    });

    it('is audited once, however often it is asked for, one after another and at once, and is no reuse', async () => {
      const { session, refreshTokens } = await lineage();
      const answers = await Promise.all([...refreshTokens, ...refreshTokens].map((token, i) => [a, b][i % 2].driver.revoke(session.client, token)));
      answers.push(await a.driver.revoke(session.client, refreshTokens[0]));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(await audited('refresh_token.revoked', session.client)).toEqual([expect.objectContaining({ user_id: user.userId, actor: { client_id: session.client.clientId, user_id: null, operator: null, address: '127.0.0.1' } })]);
      for (const token of refreshTokens) await expectRefused(session.client, token);
      expect(await audited('refresh_token.reused', session.client)).toEqual([]);
    });

    it('is still in force, for its access tokens too, on an instance that starts later', async () => {
      const { session, refreshTokens, accessTokens } = await lineage();
      await a.driver.revoke(session.client, refreshTokens[0]);
      advance(200);
      const later = await TestServer.start({ database: a.database, issuer: a.issuer, clock: a.clock });
      try {
        await expectDead(session, refreshTokens, accessTokens, later);
      } finally {
        await later.stop();
      }
    });

    it('of one access token leaves the rest of the session as it is', async () => {
      const { session, refreshTokens, accessTokens } = await lineage();
      await a.driver.revoke(session.client, accessTokens[0]);
      await expectInactive(session.client, accessTokens[0]);
      await expectActive(session.client, refreshTokens[0], accessTokens[1], accessTokens[2]);
      expect((await a.driver.refresh(session.client, refreshTokens[0])).status).toBe(200);
    });
  });

  describe('RFC 7009 §2.1: the revocation of a refresh token', () => {
    it.each(HINTS)('is not misled by a hint: token_type_hint=%p', async (token_type_hint) => {
      const session = await signIn();
      expect((await a.driver.revoke(session.client, session.refreshToken, { token_type_hint })).status).toBe(200);
      await expectDead(session, [session.refreshToken], [session.accessToken]);
    });

    it('by another client is unauthorized_client for a current and for a used one, and the session goes on', async () => {
      const session = await signIn();
      const second = await a.driver.refreshed(session.client, session.refreshToken);
      for (const stranger of [await register(), api]) {
        for (const token of [second.refreshToken, session.refreshToken]) expectOAuthError(await a.driver.revoke(stranger, token), 400, 'unauthorized_client');
      }
      await expectActive(session.client, second.refreshToken, session.accessToken, second.accessToken);
      expect(await audited('refresh_token.revoked', session.client)).toEqual([]);
    });

    it('of a public client takes its client_id alone, and not that of another', async () => {
      const [client, other] = [await registerPublic(), await registerPublic()];
      const session = await a.driver.signIn(client, user);
      expectOAuthError(await a.driver.revoke(undefined, session.refreshToken, { client_id: other.clientId }), 400, 'unauthorized_client');
      await expectActive(api, session.accessToken);
      expect((await a.driver.revoke(undefined, session.refreshToken, { client_id: client.clientId })).status).toBe(200);
      await expectInactive(api, session.accessToken);
      await expectRefused(client, session.refreshToken);
    });

    it('of a confidential client without its secret is invalid_client, and the session goes on', async () => {
      const { client, refreshToken } = await signIn();
      expectOAuthError(await a.driver.revoke(undefined, refreshToken, { client_id: client.clientId }), 401, 'invalid_client');
      await expectActive(client, refreshToken);
    });
  });

  describe('RFC 6749 §10.3, §10.4, §10.10: at rest', () => {
    it('there are digests only: no piece of a token in any column of any table, nor in the log', async () => {
      const session = await signIn({ client_id: 'to-be-found-in-the-dump' });
      const tokens = [session.refreshToken];
      while (tokens.length < 4) tokens.push((await a.driver.refreshed(session.client, tokens.at(-1)!)).refreshToken);
      await expectRefused(session.client, tokens[0]);
      const revoked = await signIn();
      await a.driver.revoke(revoked.client, revoked.refreshToken);
      const [held, log] = [await dump(a, kind), a.logLines.join('\n')];
      for (const there of ['to-be-found-in-the-dump', createHash('sha256').update(tokens[3]).digest('hex')]) expect([there, held.includes(there)]).toEqual([there, true]);
      expect(log).toMatch(/"error":"invalid_grant"/);
      for (const token of [...tokens, revoked.refreshToken]) {
        const bytes = Buffer.from(token.slice(6), 'base64url');
        for (const spelling of [token.slice(6), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex'), Buffer.from(token).toString('base64').slice(0, -2)]) {
          // The server is in this process, and must not be kept from reading its change feed.
          await new Promise(setImmediate);
          expect(pieces(spelling, 12).filter((piece) => held.includes(piece) || log.includes(piece))).toEqual([]);
        }
      }
      expect([held.includes('mg_rt_'), log.includes('mg_rt_')]).toEqual([false, false]);
    });

    it('a session takes one row, however often it is refreshed', async () => {
      const rows = async () => Number((await a.get(DataSource).query<{ n: number | string }[]>('SELECT COUNT(*) AS n FROM token_families'))[0].n);
      const { client, refreshToken } = await signIn();
      const before = await rows();
      let current = refreshToken;
      for (let times = 0; times < 30; times++) current = (await a.driver.refreshed(client, current)).refreshToken;
      await a.driver.refreshed(client, current);
      await a.driver.refreshed(client, current);
      expect(await rows()).toBe(before);
    });
  });

  describe('RFC 6749 §10.4: what was granted is sealed in the token, and what is good is decided by the database', () => {
    /** What the instance does with the families while it does something. */
    async function statementsOver(work: () => Promise<unknown>): Promise<string[]> {
      const noted: string[] = [];
      const single = statementsOf(a.get(DataSource));
      const run = single.run.bind(single);
      single.run = (sql, parameters) => {
        if (/token_families/.test(sql)) noted.push(sql.slice(0, 6));
        return run(sql, parameters);
      };
      try {
        await work();
      } finally {
        single.run = run;
      }
      return noted;
    }

    it('a refresh is one statement', async () => {
      const { client, refreshToken } = await signIn();
      expect(await statementsOver(() => a.driver.refreshed(client, refreshToken))).toEqual(['UPDATE']);
    });

    it('it shows nothing of them: no part of user, client, scope or audience is to be found in it', async () => {
      const { client, refreshToken } = await signIn({ client_id: 'in-no-token' });
      const bytes = Buffer.from(refreshToken.slice(6), 'base64url').toString('latin1');
      for (const hidden of [user.userId, client.clientId, 'ledger', 'https', 'password']) expect([hidden, bytes.includes(hidden), refreshToken.includes(hidden)]).toEqual([hidden, false, false]);
    });

    it('where that is too much for a token it is read from the row instead, and all goes on as ever', async () => {
      const scopes = Array.from({ length: 40 }, (_, at) => `archive:of-the-department-with-number-${at}`);
      const many = 'https://many.example.com';
      await a.driver.registerResource({ identifier: many, scopes: scopes.map((name) => ({ name })) });
      const client = await register({ scope: scopes.join(' ') });
      const first = await a.driver.signIn(client, user, { resource: many });
      expect(first.refreshToken).toMatch(TOKEN);
      let second!: UserTokens;
      expect(await statementsOver(async () => (second = await a.driver.refreshed(client, first.refreshToken)))).toEqual(['SELECT', 'UPDATE']);
      expect(second.refreshToken).toMatch(TOKEN);
      expect(decodeJwt(second.accessToken).claims).toMatchObject({ aud: many, scope: scopes.join(' ') });
      expect((await a.driver.refreshed(client, first.refreshToken)).refreshToken).toBe(second.refreshToken);
      await a.driver.refreshed(client, second.refreshToken);
      await expectRefused(client, first.refreshToken);
    });

    it('a token that was made without: its refresh reads the row, is repeated as ever, and is followed by a token with it', async () => {
      const { client, refreshToken } = await signIn();
      const codec = a.get(RefreshTokenCodec);
      const { familyId } = codec.open(refreshToken)!;
      const bare = codec.first({ familyId, content: Buffer.alloc(0) });
      await a.get(Database).execute('UPDATE token_families SET current_digest = ? WHERE family_id = ?', [createHash('sha256').update(bare).digest('hex'), familyId]);
      let second!: UserTokens;
      expect(await statementsOver(async () => (second = await a.driver.refreshed(client, bare)))).toEqual(['SELECT', 'UPDATE']);
      expect((await b.driver.refreshed(client, bare)).refreshToken).toBe(second.refreshToken);
      expect(await statementsOver(() => a.driver.refreshed(client, second.refreshToken))).toEqual(['UPDATE']);
    });

    it.each<[string, Form, string]>([
      ['a scope that was not granted', { scope: 'archive:read' }, 'invalid_scope'],
      ['a resource that was not granted', { resource: ARCHIVE }, 'invalid_target'],
    ])('a used token with %s is reuse, not what its form would be refused for', async (_, form, otherwise) => {
      const session = await signIn();
      expectOAuthError(await a.driver.refresh(session.client, session.refreshToken, form), 400, otherwise);
      const second = await a.driver.refreshed(session.client, session.refreshToken);
      const third = await a.driver.refreshed(session.client, second.refreshToken);
      await expectRefused(session.client, session.refreshToken, form);
      await expectDead(session, [third.refreshToken], [third.accessToken]);
      expect(await audited('refresh_token.reused', session.client)).toHaveLength(1);
    });

    it('40 requests at once with one token at two instances: all get the one that follows, and it is good', async () => {
      const { client, refreshToken } = await signIn();
      const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => [a, b][at % 2].driver.refreshed(client, refreshToken)));
      expect(new Set(answers.map((each) => each.refreshToken)).size).toBe(1);
      await a.driver.refreshed(client, answers[0].refreshToken);
    });

    it('revoked between the sealing and the use, at another instance: invalid_grant at once, without waiting for the change feed', async () => {
      const session = await signIn();
      expect((await b.driver.revoke(session.client, session.refreshToken)).status).toBe(200);
      await expectRefused(session.client, session.refreshToken);
    });
  });

  // Which of them it is makes no difference to this one.
  if (kind === databaseKinds().at(-1)) {
    it('RFC 6749 §10.10: 2,000 refresh tokens of 20 sessions have no two alike, and show nothing of the session that they belong to', async () => {
      const client = await register();
      const sessions = await Promise.all(Array.from({ length: 20 }, () => a.driver.signIn(client, user)));
      const lineages = await Promise.all(sessions.map(async ({ refreshToken }) => {
        const tokens = [refreshToken];
        while (tokens.length < 100) tokens.push((await a.driver.refreshed(client, tokens.at(-1)!)).refreshToken);
        return tokens;
      }));
      const random = lineages.flat().map((token) => token.slice('mg_rt_'.length));
      const { length } = random[0];
      expect(random.map((each) => each.length)).toEqual(Array(2000).fill(length));
      // Any eleven characters in one place are 64 bits or more: no part of a token is that of another, not even within a session.
      for (let at = 0; at + 11 <= length; at += 5) expect([at, new Set(random.map((each) => each.slice(at, at + 11))).size]).toEqual([at, 2000]);
      for (let at = 0; at < length - 1; at++) expect([at, new Set(random.map((each) => each.charAt(at))).size]).toEqual([at, 64]);
    });
  }

  if (kind === 'MariaDB') {
    it('RFC 9700 §4.14.2: a rotation that was answered 503 and committed all the same is no reuse when it is tried again after the window', async () => {
      const hasty = await TestServer.start({ database: a.database, issuer: a.issuer, clock: a.clock, env: { DATABASE_DEADLINE_MS: '300' } });
      const holder = await connectTo(a.database.url);
      try {
        const { client, refreshToken, accessToken } = await signIn();
        const digestOf = (token: string) => createHash('sha256').update(token).digest('hex');
        expect((await hasty.driver.introspect(client, refreshToken)).body).toMatchObject({ active: true });
        // The rotation waits for the lock for longer than the server waits for the rotation.
        await holder.beginTransaction();
        await holder.query('SELECT id FROM token_families WHERE current_digest = ? FOR UPDATE', [digestOf(refreshToken)]);
        expectOAuthError(await hasty.driver.refresh(client, refreshToken), 503, 'temporarily_unavailable');
        await holder.commit();
        await eventually(async () => expect((await holder.query('SELECT id FROM token_families WHERE current_digest = ?', [digestOf(refreshToken)]))[0]).toHaveLength(0));
        advance(WINDOW_SECONDS * 6);
        const again = await hasty.driver.refreshed(client, refreshToken);
        await expectActive(client, again.refreshToken, accessToken);
        expect((await a.driver.refresh(client, again.refreshToken)).status).toBe(200);
        expect(await audited('refresh_token.reused', client)).toEqual([]);
      } finally {
        await holder.end();
        await hasty.stop();
      }
    });

    it('RFC 7009 §2.2.1: with the database gone, a refresh, an introspection and a revocation are 503 with Retry-After, and the token is good afterwards', async () => {
      const proxy = await TcpProxy.to(Number(new URL(a.database.url).port));
      const url = new URL(a.database.url);
      url.port = String(proxy.port);
      const cut = await TestServer.start({ database: { ...a.database, url: url.href }, issuer: a.issuer, clock: a.clock });
      try {
        const { client, refreshToken } = await signIn();
        const second = await cut.driver.refreshed(client, refreshToken);
        await proxy.close();
        const answers = await Promise.all([cut.driver.refresh(client, second.refreshToken), cut.driver.refresh(client, refreshToken), cut.driver.introspect(client, second.refreshToken), cut.driver.revoke(client, second.refreshToken)]);
        for (const answer of answers) {
          expectOAuthError(answer, 503, 'temporarily_unavailable');
          expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
        }
        await expectActive(client, second.refreshToken);
        expect((await a.driver.refresh(client, second.refreshToken)).status).toBe(200);
      } finally {
        await cut.stop();
      }
    });
  }
});
