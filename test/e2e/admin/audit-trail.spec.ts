import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { AUDIT_EVENT_TYPES, AUDIT_EVENTS, type AuditEventType } from '../../../src/audit/audit-event-types.js';
import { AuditLog } from '../../../src/audit/audit-log.js';
import { auditEventsReference } from '../../../src/audit/reference.js';
import { Cleanup } from '../../../src/database/cleanup.js';
import { Database } from '../../../src/database/database.js';
import { KeyRewrap } from '../../../src/keys/key-rewrap.js';
import { authorizationUrl, CALLBACK, PKCE } from '../../support/authorization-url.js';
import { Browser, hiddenFields } from '../../support/browser.js';
import { CodeFlow } from '../../support/code-flow.js';
import { createDatabase, describeOnEachDatabase, describeOnOneDatabase } from '../../support/databases.js';
import { type Credentials, PASSWORD, type RegisteredUser } from '../../support/oauth-driver.js';
import { expectProblem } from '../../support/problems.js';
import { ADMIN, KEY_ENCRYPTION_KEY, TestServer } from '../../support/test-server.js';

interface AuditEvent {
  event_id: string;
  type: AuditEventType;
  result: string;
  occurred_at: string;
  last_occurred_at: string;
  count: number;
  actor: { client_id: string | null; user_id: string | null; operator: string | null; address: string | null };
  client_id: string | null;
  user_id: string | null;
  request_id: string | null;
  detail: Record<string, unknown>;
}

const DAY = 86_400;
/** What is observed is written when a test asks for it. */
const ENV = { LAST_USED_FLUSH_SECONDS: '3600', TRUST_PROXY: 'loopback' };
const ADDRESS = '203.0.113.7';
const NEW_PASSWORD = 'nine purple lanterns over the canal';

/** Newest first, what was observed until now among them. */
async function events(server: TestServer, parameters: Record<string, string> = {}): Promise<AuditEvent[]> {
  await server.get(AuditLog).flush();
  return (await server.driver.adminRequest<{ items: AuditEvent[] }>('GET', `/audit-events?${new URLSearchParams({ limit: '200', ...parameters }).toString()}`)).body.items;
}

describeOnOneDatabase('ASVS 5.0 V16.3: every security event is audited, with who, what, when, from where, in which request and with what result', (kind) => {
  const provoked = new Set<string>();
  let server: TestServer;
  let other: TestServer;
  let user: RegisteredUser;
  let web: Credentials;
  let service: Credentials;
  let serial = 0;
  let requestId: string;

  beforeAll(async () => {
    const env = { ...ENV, PASSWORD_ATTEMPT_LIMIT: '3', RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_INACTIVE_TOKENS_PER_MINUTE: '1' };
    server = await TestServer.start({ kind, contents: 'empty', env });
    other = await TestServer.start({ database: server.database, issuer: server.issuer, clock: server.clock, env });
    web = await register();
    service = await server.driver.registerClient({ grant_types: ['client_credentials'], scope: 'a' });
  });
  beforeEach(async () => {
    requestId = `trail-${++serial}`;
    user = await server.driver.registerUser({ username: `user-${serial}` });
    server.clock.advanceSeconds(1);
  });
  afterAll(async () => {
    await other.stop();
    await server.stop();
  });

  const register = (metadata: Record<string, unknown> = {}) =>
    server.driver.registerClient({ grant_types: ['authorization_code', 'refresh_token', 'password'], redirect_uris: [CALLBACK], scope: 'openid offline_access read', ...metadata });
  const trace = () => ({ 'x-request-id': requestId, 'x-forwarded-for': ADDRESS });
  const password = (client: Credentials, username: string, typed = PASSWORD) => server.driver.form('/oauth/token', { grant_type: 'password', username, password: typed }, client, trace());
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  /** Sends a form of a page, from the address and in the request of this test. */
  const send = async (browser: Browser, page: string, action: string, fields: Record<string, string>) =>
    browser.request('POST', action, { headers: { ...form, ...trace() }, body: new URLSearchParams({ ...hiddenFields((await browser.get(page)).text), ...fields }).toString() });

  async function signedIn(): Promise<Browser> {
    const browser = new Browser(server.url, server.issuer);
    expect((await browser.signIn(await browser.get('/account'), user)).status).toBe(200);
    return browser;
  }

  /** The events of this test's request, oldest first, each as it must be whatever it tells. */
  async function traced(): Promise<AuditEvent[]> {
    const found = (await events(server, { request_id: requestId })).reverse();
    const now = new Date(server.clock.nowMs()).toISOString();
    for (const event of found) expect(event).toMatchObject({ occurred_at: now, actor: { address: ADDRESS, operator: null }, request_id: requestId, result: AUDIT_EVENTS[event.type][1] });
    note(found);
    return found;
  }

  function note(found: readonly AuditEvent[]): void {
    for (const event of found) {
      expect(event.result).toBe(AUDIT_EVENTS[event.type][1]);
      provoked.add(event.type);
    }
  }

  const brief = (found: readonly AuditEvent[]) => found.map(({ type, actor, client_id: clientId, user_id: userId, count, detail }) => ({ type, by: actor.client_id ?? actor.user_id, clientId, userId, count, detail }));

  describe('clients', () => {
    it('every refusal of client authentication says why, and names the client if there is one', async () => {
      const disabled = await register({ enabled: false });
      const fail = (clientId: string, secret = 'wrong') => server.driver.form('/oauth/token', { grant_type: 'client_credentials' }, { clientId, clientSecret: secret }, trace());
      await fail(service.clientId);
      await fail(disabled.clientId, disabled.clientSecret);
      await fail('mg_cs_pasted-into-the-wrong-field');
      await server.driver.form('/oauth/token', { grant_type: 'client_credentials', client_id: service.clientId, client_secret: service.clientSecret }, undefined, trace());
      const failure = (clientId: string | null, reason: string, method = 'client_secret_basic') => ({ type: 'client.authentication_failed', by: null, clientId, userId: null, count: 1, detail: { reason, method } });
      expect(brief(await traced())).toEqual([
        failure(service.clientId, 'wrong_secret'),
        failure(disabled.clientId, 'disabled_client'),
        failure(null, 'unknown_client'),
        failure(service.clientId, 'method_not_registered', 'client_secret_post'),
      ]);
    });

    it('an expired secret', async () => {
      const { body } = await server.driver.adminRequest('POST', `/clients/${service.clientId}/secrets`, { expires_in: 60 });
      server.clock.advanceSeconds(61);
      await server.driver.form('/oauth/token', { grant_type: 'client_credentials' }, { clientId: service.clientId, clientSecret: body['client_secret'] as string }, trace());
      expect(brief(await traced())).toMatchObject([{ type: 'client.authentication_failed', clientId: service.clientId, detail: { reason: 'expired_secret' } }]);
    });

    it('a token that a client gets for itself leaves none', async () => {
      expect((await server.driver.form('/oauth/token', { grant_type: 'client_credentials' }, service, trace())).status).toBe(200);
      expect(await traced()).toEqual([]);
    });

    it('what the token endpoint refuses to a client that is authenticated', async () => {
      await server.driver.form('/oauth/token', { grant_type: 'authorization_code', code: 'mg_ac_guessed', redirect_uri: CALLBACK }, web, trace());
      await server.driver.form('/oauth/token', { grant_type: 'refresh_token', refresh_token: 'guessed' }, service, trace());
      expect(brief(await traced())).toEqual([
        { type: 'token.refused', by: web.clientId, clientId: web.clientId, userId: null, count: 1, detail: { error: 'invalid_grant', reason: 'unknown' } },
        { type: 'token.refused', by: service.clientId, clientId: service.clientId, userId: null, count: 1, detail: { error: 'unauthorized_client', reason: 'This client may not use that grant type.' } },
      ]);
    });

    it('a limit that is reached', async () => {
      for (let i = 0; i < 3; i++) await server.driver.form('/oauth/introspect', { token: `guess-${i}` }, service, trace());
      expect(brief(await traced())).toEqual([{ type: 'rate_limit.exceeded', by: service.clientId, clientId: null, userId: null, count: 1, detail: { limit: 'inactive_tokens' } }]);
    });
  });

  describe('users', () => {
    it('a sign-in by the password grant, and what the client got by it', async () => {
      expect((await password(web, user.username)).status).toBe(200);
      expect(brief(await traced())).toEqual([
        { type: 'user.signed_in', by: web.clientId, clientId: null, userId: user.userId, count: 1, detail: { purpose: 'sign_in' } },
        { type: 'authorization.granted', by: web.clientId, clientId: web.clientId, userId: user.userId, count: 1, detail: { grant_type: 'password', scope: expect.stringContaining('read') as string, family_id: expect.any(String) as string } },
      ]);
    });

    it('a failed sign-in says why; what was typed is nowhere', async () => {
      const disabled = await server.driver.registerUser({ username: `disabled-${serial}`, enabled: false });
      for (const name of ['hunter2-typed-as-username', disabled.username, user.username]) await password(web, name, 'wrong password of somebody');
      const failure = (userId: string | null, reason: string) => ({ type: 'user.sign_in_failed', by: web.clientId, clientId: null, userId, count: 1, detail: { reason, purpose: 'sign_in' } });
      const found = await traced();
      expect(brief(found.filter(({ type }) => type === 'user.sign_in_failed'))).toEqual([failure(null, 'unknown_user'), failure(disabled.userId, 'disabled_user'), failure(user.userId, 'wrong_password')]);
      expect(JSON.stringify(found)).not.toMatch(/hunter2|wrong password of/);
    });

    it('guesses that are throttled: the first is told at once, all are counted', async () => {
      for (let i = 0; i < 6; i++) await password(web, user.username, 'wrong password of somebody');
      const found = await traced();
      const failures = found.filter(({ type, detail }) => type === 'user.sign_in_failed' && detail['reason'] === 'throttled');
      expect(failures.reduce((sum, { count }) => sum + count, 0)).toBe(3);
      expect(found.filter(({ type }) => type === 'user.login_throttled')).toMatchObject([{ user_id: user.userId, detail: { limit: 'account_and_address' }, result: 'failure' }]);
    });

    it('at the account page: sign-in, wrong password, new password, logout; the user acts herself', async () => {
      const browser = new Browser(server.url, server.issuer);
      await send(browser, '/account', '/account/login', { username: user.username, password: PASSWORD });
      const signedInAt = await traced();
      expect(brief(signedInAt)).toEqual([
        { type: 'user.signed_in', by: null, clientId: null, userId: user.userId, count: 1, detail: { purpose: 'sign_in' } },
        { type: 'session.begun', by: user.userId, clientId: null, userId: user.userId, count: 1, detail: { session_id: expect.any(String) as string } },
      ]);
      requestId = `${requestId}-password`;
      const change = (current: string) => send(browser, '/account', '/account/password', { current_password: current, new_password: NEW_PASSWORD, new_password_repeat: NEW_PASSWORD });
      await change('wrong password of somebody');
      await change(PASSWORD);
      expect((await traced()).map(({ type, actor, detail }) => [type, actor.user_id, detail['purpose']])).toEqual(
        expect.arrayContaining([['user.sign_in_failed', user.userId, 'password_change'], ['user.signed_in', user.userId, 'password_change'], ['user.password_set', user.userId, undefined], ['session.begun', user.userId, undefined]]) as unknown[],
      );
      requestId = `${requestId}-logout`;
      await send(browser, '/account', '/account/logout', {});
      expect(brief(await traced())).toMatchObject([{ type: 'session.ended', by: user.userId, userId: user.userId }]);
    });

    it('consent: refused, given, revoked; and the code that it led to', async () => {
      const browser = await signedIn();
      const consent = async (decision: string) => {
        const page = await browser.follow(await browser.get(authorizationUrl(web, { scope: 'read' })));
        return browser.request('POST', /<form[^>]*action="([^"]*consent)"/.exec(page.text)![1], { headers: { ...form, ...trace() }, body: new URLSearchParams({ ...hiddenFields(page.text), decision }).toString() });
      };
      await consent('deny');
      const code = (await browser.follow(await consent('allow'))).location!.searchParams.get('code')!;
      const flow = await CodeFlow.signedIn(server, user);
      const redeem = () => server.driver.form('/oauth/token', { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: PKCE.verifier }, web, trace());
      expect((await redeem()).status).toBe(200);
      await send(flow.browser, '/account', '/account/consents/revoke', { client_id: web.clientId });
      expect((await traced()).map(({ type, client_id: client, user_id: about, actor }) => [type, client, about, actor.user_id])).toEqual(
        expect.arrayContaining([
          ['consent.refused', web.clientId, user.userId, user.userId],
          ['consent.given', web.clientId, user.userId, user.userId],
          ['authorization.granted', web.clientId, user.userId, null],
          ['consent.revoked', web.clientId, user.userId, user.userId],
        ]) as unknown[],
      );
    });

    it('a code that comes a second time', async () => {
      const flow = await CodeFlow.signedIn(server, user);
      await flow.allow(web, user, { scope: 'read' });
      const code = await flow.code(web, { scope: 'read' });
      await flow.redeem(web, code);
      await server.driver.form('/oauth/token', { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: PKCE.verifier }, web, trace());
      expect((await traced()).map(({ type }) => type)).toEqual(['authorization_code.replayed', 'token.refused']);
    });

    it('a client that asks to end a session which is not the one of the browser', async () => {
      const openid = await server.driver.registerClient({
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [CALLBACK],
        scope: 'openid read',
        skip_consent: true,
      });
      const flow = await CodeFlow.signedIn(server, user);
      const { id_token: idToken } = await flow.tokens(openid, { scope: 'openid read' });
      const stranger = new Browser(server.url, server.issuer);
      await stranger.get(`/oauth/logout?${new URLSearchParams({ id_token_hint: idToken }).toString()}`, trace());
      const expected = { type: 'client.signed_out', clientId: openid.clientId, userId: user.userId };
      expect(brief(await traced())).toMatchObject([expected]);
    });

    it('tokens by the implicit grant', async () => {
      const implicit = await server.driver.registerClient({ grant_types: ['implicit'], response_types: ['token'], redirect_uris: [CALLBACK], scope: 'read', token_endpoint_auth_method: 'none' });
      const browser = await signedIn();
      const page = await browser.follow(await browser.get(authorizationUrl(implicit, { response_type: 'token', scope: 'read', code_challenge: undefined, code_challenge_method: undefined })));
      await browser.post(/<form[^>]*action="([^"]*consent)"/.exec(page.text)![1], { ...hiddenFields(page.text), decision: 'allow' }).then(({ location }) => browser.get(location!.href, trace()));
      expect(brief(await traced())).toMatchObject([{ type: 'authorization.granted', by: user.userId, clientId: implicit.clientId, userId: user.userId, detail: { grant_type: 'implicit', scope: 'read' } }]);
    });

    it('a refresh token: use leaves none, revocation and reuse do', async () => {
      const first = await server.driver.signIn(web, user, { scope: 'read offline_access' });
      const refresh = (token: string) => server.driver.form('/oauth/token', { grant_type: 'refresh_token', refresh_token: token }, web, trace());
      const second = (await refresh(first.refreshToken)).body['refresh_token'] as string;
      await refresh(second);
      expect(await traced()).toEqual([]);
      await refresh(first.refreshToken);
      const another = await server.driver.signIn(web, user, { scope: 'read offline_access' });
      await server.driver.form('/oauth/revoke', { token: another.refreshToken }, web, trace());
      await server.driver.form('/oauth/revoke', { token: (await server.driver.signIn(web, user)).accessToken }, web, trace());
      expect((await traced()).map(({ type }) => type)).toEqual(expect.arrayContaining(['refresh_token.reused', 'token.refused', 'refresh_token.revoked', 'token.revoked']) as string[]);
    });
  });

  describe('the admin API', () => {
    it('every change, by whom and from where', async () => {
      const admin = async (method: string, path: string, body?: unknown) => (await server.driver.adminRequest(method, path, body, { headers: trace() })).body;
      const id = `audited-${serial}`;
      await admin('POST', '/clients', { client_id: id });
      await admin('PATCH', `/clients/${id}`, { client_name: 'After' });
      const { secret_id: secretId } = await admin('POST', `/clients/${id}/secrets`, {});
      await admin('DELETE', `/clients/${id}/secrets/${secretId as string}`);
      await admin('DELETE', `/clients/${id}/tokens`);
      await admin('DELETE', `/clients/${id}`);
      const { user_id: userId } = await admin('POST', '/users', { username: id });
      await admin('PATCH', `/users/${userId as string}`, { name: 'After' });
      await admin('PUT', `/users/${userId as string}/password`, { password: NEW_PASSWORD });
      await admin('POST', `/users/${userId as string}/unlock`);
      await admin('DELETE', `/users/${userId as string}/sessions`);
      await admin('DELETE', `/users/${userId as string}`);
      const { resource_id: resourceId } = await admin('POST', '/resources', { identifier: `https://api.example.com/${id}` });
      await admin('PATCH', `/resources/${resourceId as string}`, { name: 'After' });
      await admin('DELETE', `/resources/${resourceId as string}`);
      await admin('POST', '/keys/rotate', {});
      const retired = (await server.driver.adminRequest<{ items: { kid: string; status: string }[] }>('GET', '/keys')).body.items.find(({ status }) => status === 'retired')!;
      server.driver.renewAdminToken();
      await admin('DELETE', `/keys/${retired.kid}`);
      const found = await traced();
      // Each algorithm that is in use has keys of its own to rotate.
      expect([...new Set(found.map(({ type }) => type))]).toEqual([
        'client.created', 'client.updated', 'client_secret.created', 'client_secret.deleted', 'client.tokens_revoked', 'client.deleted',
        'user.created', 'user.updated', 'user.password_set', 'user.unlocked', 'user.signed_out', 'user.deleted',
        'resource.created', 'resource.updated', 'resource.deleted', 'signing_key.rotated', 'signing_key.deleted',
      ]);
      for (const { actor } of found) expect(actor).toEqual({ client_id: ADMIN.clientId, user_id: null, operator: null, address: ADDRESS });
    });

    it('requests that are refused: a bad token, too few rights; the path as it was sent is nowhere, and no token at all is only counted', async () => {
      const reader = await server.driver.registerClient({ scope: 'clients:read' });
      const token = await server.driver.accessToken(reader);
      const ask = (authorization?: string) => server.driver.request('DELETE', '/admin/v1/clients/pasted-by-mistake', { headers: { ...(authorization === undefined ? {} : { authorization }), ...trace() } });
      expect([await ask(), await ask('Bearer not.a.token'), await ask(`Bearer ${token}`)].map(({ status }) => status)).toEqual([401, 401, 403]);
      const found = await traced();
      const refused = (status: number, reason: string, by: string | null) => ({ type: 'admin.request_refused', by, clientId: null, userId: null, count: 1, detail: { status, reason, method: 'DELETE', route: '/admin/v1/clients/:client_id' } });
      expect(brief(found)).toEqual([
        refused(401, 'The access token is not valid.', null),
        refused(403, 'The access token does not have the scope that this needs.', reader.clientId),
      ]);
      expect(JSON.stringify(found)).not.toContain('pasted-by-mistake');
    });

    it('the export itself', async () => {
      const answer = await server.driver.adminRequest('GET', '/audit-events/export?type=server.*&after=999999', undefined, { headers: trace() });
      expect(answer.status).toBe(200);
      expect(brief(await traced())).toEqual([{ type: 'audit.exported', by: ADMIN.clientId, clientId: null, userId: null, count: 1, detail: { filters: ['type'], after: 999_999 } }]);
    });
  });

  describe('the server itself, without an actor', () => {
    const nobody = { client_id: null, user_id: null, operator: null, address: null };

    it('its first start: tables, keys, the first admin; every start and orderly stop', async () => {
      const third = await TestServer.start({ database: server.database, issuer: server.issuer, clock: server.clock, env: ENV });
      await third.stop();
      await other.get(AuditLog).flush();
      const found = (await Promise.all(['server.*', 'database.*', 'signing_key.created'].map((type) => events(server, { type })))).flat();
      note(found);
      for (const { actor, request_id: request } of found) expect({ actor, request }).toEqual({ actor: nobody, request: null });
      expect(found.map(({ type, detail }) => [type, Object.keys(detail)])).toEqual(
        expect.arrayContaining([['server.started', ['version', 'pid']], ['server.stopped', ['version', 'pid']], ['database.migrated', ['migrations']], ['signing_key.created', ['alg', 'kid', 'status']]]) as unknown[],
      );
      expect(found.filter(({ type }) => type === 'server.started').reduce((sum, { count }) => sum + count, 0)).toBe(3);
    });

    it('a client that could not be told of a logout within a day', async () => {
      const client = await register({ backchannel_logout_uri: 'https://nobody.invalid/logout', token_endpoint_auth_method: 'client_secret_basic' });
      await server.get(Database).execute('INSERT INTO backchannel_logouts (client_id, subject, session_id, attempts, next_attempt_at, expires_at) VALUES (?, ?, ?, 2, ?, ?)', [client.clientId, 'sub', 'sid', server.clock.nowMs(), server.clock.nowMs() - 1]);
      await server.get(Cleanup).run();
      const found = await events(server, { type: 'logout.backchannel_failed' });
      note(found);
      expect(found).toMatchObject([{ client_id: client.clientId, actor: nobody, detail: { reason: 'expired', attempts: 2, session_id: 'sid' }, result: 'failure' }]);
    });

    it('what is deleted of the log', async () => {
      server.clock.advanceSeconds(401 * DAY);
      server.driver.renewAdminToken();
      await server.get(Cleanup).run();
      const found = await events(server, { type: 'audit.expired' });
      note(found);
      expect(found).toMatchObject([{ actor: nobody, count: 1, detail: { rows: expect.any(Number) as number } }]);
    });
  });

  it('values that are encrypted under another key encryption key: how many, and by whom', async () => {
    const database = await createDatabase(kind);
    await (await TestServer.start({ database })).stop();
    const env = { KEY_ENCRYPTION_KEY: Buffer.alloc(32, 8).toString('base64'), KEY_ENCRYPTION_KEY_PREVIOUS: KEY_ENCRYPTION_KEY };
    const changed = await TestServer.start({ database, env });
    try {
      const values = await changed.get(KeyRewrap).run({ operator: 'ops' });
      const found = await events(changed, { type: 'key_encryption_key.rewrapped' });
      note(found);
      expect(found).toMatchObject([{ actor: { operator: 'ops' }, detail: { values } }]);
    } finally {
      await changed.stop();
      await database.drop();
    }
  });

  it('every type of the list was seen above', () => {
    expect(AUDIT_EVENT_TYPES.filter((type) => !provoked.has(type))).toEqual([]);
  });

  it('docs/reference/audit-events.md is what the list says', () => {
    expect(readFileSync(join(__dirname, '../../../docs/reference/audit-events.md'), 'utf8')).toBe(auditEventsReference());
  });
});

describeOnOneDatabase('a flood of failures', (kind) => {
  let server: TestServer;
  let client: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: ENV });
    client = await server.driver.registerClient({ scope: 'a' });
  });
  afterAll(() => server.stop());

  const fail = (i: number) => server.driver.form('/oauth/token', { grant_type: 'client_credentials' }, { ...client, clientSecret: 'wrong' }, { 'x-forwarded-for': `2001:db8:0:${i.toString(16)}::7` });

  it('10,000 failed authentications from as many networks leave 201 events, and none is lost from the count', async () => {
    for (let i = 0; i < 10_000; i += 50) await Promise.all(Array.from({ length: 50 }, (_, j) => fail(i + j)));
    const { pending } = server.get(AuditLog);
    expect(pending).toBeLessThan(220);
    await server.get(AuditLog).flush();
    const rows = await server.get(Database).query<{ occurrences: number; actor_address: string | null; detail: string }>("SELECT occurrences, actor_address, detail FROM audit_events WHERE type = 'client.authentication_failed'");
    expect(rows.length).toBe(201);
    expect(rows.reduce((sum, { occurrences }) => sum + occurrences, 0)).toBe(10_000);
    expect(rows.filter((row) => row.actor_address === null).map(({ occurrences, detail }) => [occurrences, JSON.parse(detail) as unknown])).toEqual([[9800, { unlisted: true }]]);
  }, 120_000);

  it('1,000 of one address are two: the first, and how many followed until when', async () => {
    server.clock.advanceSeconds(60);
    const since = new Date(server.clock.nowMs()).toISOString();
    for (let i = 0; i < 1000; i += 50) {
      server.clock.advanceSeconds(1);
      await Promise.all(Array.from({ length: 50 }, () => fail(7)));
    }
    const found = await events(server, { type: 'client.*', result: 'failure', since });
    const at = (seconds: number) => new Date(Date.parse(since) + seconds * 1000).toISOString();
    expect(found.map(({ count, occurred_at: from, last_occurred_at: to, client_id: about, actor }) => ({ count, from, to, about, address: actor.address }))).toEqual([
      { count: 999, from: at(1), to: at(20), about: client.clientId, address: '2001:db8:0:7::7' },
      { count: 1, from: at(1), to: at(1), about: client.clientId, address: '2001:db8:0:7::7' },
    ]);
  }, 60_000);
});

describeOnEachDatabase('export and retention of the audit log', (kind) => {
  let server: TestServer;
  let token: string;

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: ENV });
  });
  beforeEach(async () => {
    server.driver.renewAdminToken();
    await server.get(AuditLog).flush();
    await server.get(Database).execute('DELETE FROM audit_events');
    token = await server.driver.accessToken(ADMIN);
  });
  afterAll(() => server.stop());

  /** So many events, a second apart. */
  async function fill(count: number, type = 'client.created'): Promise<void> {
    const startMs = server.clock.nowMs() - count * 1000;
    for (let at = 0; at < count; at += 500) {
      const rows = Array.from({ length: Math.min(500, count - at) }, (_, i) => `('${type}', ${startMs + (at + i) * 1000}, 'client-${(at + i) % 7}', '{"n":${at + i}}')`);
      await server.get(Database).execute(`INSERT INTO audit_events (type, occurred_at, client_id, detail) VALUES ${rows.join(', ')}`);
    }
  }

  async function exported(query = ''): Promise<AuditEvent[]> {
    const answer = await fetch(`${server.url}/admin/v1/audit-events/export${query}`, { headers: { authorization: `Bearer ${token}` } });
    const text = await answer.text();
    expect({ status: answer.status, type: answer.headers.get('content-type'), store: answer.headers.get('cache-control') }).toEqual({ status: 200, type: 'application/x-ndjson', store: 'no-store' });
    expect(text === '' || text.endsWith('\n')).toBe(true);
    return text.split('\n').filter(Boolean).map((line) => JSON.parse(line) as AuditEvent);
  }

  const numbers = (found: readonly AuditEvent[]) => found.map(({ detail }) => detail['n'] as number);

  it('holds every event once, oldest first, over many pages, each as the list has it', async () => {
    await fill(1203);
    const found = await exported('?type=client.*');
    expect(numbers(found)).toEqual(Array.from({ length: 1203 }, (_, i) => i));
    expect(found.slice(-200).reverse()).toEqual(await events(server, { type: 'client.*' }));
  });

  it('goes on after an event, by the same filters as the list', async () => {
    await fill(30);
    const all = await exported('?type=client.created');
    expect(numbers(await exported(`?type=client.created&after=${all[9].event_id}`))).toEqual(numbers(all.slice(10)));
    expect(numbers(await exported('?client_id=client-3'))).toEqual([3, 10, 17, 24]);
    expect(numbers(await exported(`?client_id=client-3&since=${all[10].occurred_at}&until=${all[24].occurred_at}`))).toEqual([10, 17]);
    expect(await exported('?client_id=client-3&result=failure')).toEqual([]);
    expect(await exported('?after=999999999999')).toEqual([]);
  });

  it('takes what instances of the version before write, who know neither results nor counts', async () => {
    await fill(1);
    expect((await exported('?type=client.created'))[0]).toMatchObject({ result: 'success', count: 1, actor: { user_id: null, operator: null } });
  });

  it.each(['?after=x', '?after=-1', '?limit=5', '?cursor=x', '?type=nothing', '?since=yesterday', '?after=1&after=2'])('%s is 400', async (query) => {
    expectProblem(await server.driver.adminRequest('GET', `/audit-events/export${query}`), 400);
  });

  it('needs audit:read', async () => {
    const client = await server.driver.registerClient({ scope: 'clients:read' });
    expectProblem(await server.driver.adminRequest('GET', '/audit-events/export', undefined, { token: await server.driver.accessToken(client) }), 403);
  });

  it('a caller who reads nothing, or goes away, holds neither a connection nor memory: nothing more is read for him', async () => {
    await fill(60_000);
    const statements: string[] = [];
    const database = server.get(Database);
    const query = database.query.bind(database);
    const spy = jest.spyOn(database, 'query').mockImplementation((sql, ...rest) => {
      if (sql.includes('id > ?')) statements.push(sql);
      return query(sql, ...rest);
    });
    try {
      const { port } = new URL(server.url);
      const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
        httpRequest({ host: '127.0.0.1', port, path: '/admin/v1/audit-events/export', headers: { authorization: `Bearer ${token}` } }, resolve).on('error', reject).end();
      });
      response.pause();
      let before = -1;
      for (let rounds = 0; before !== statements.length && rounds < 50; rounds++) {
        before = statements.length;
        // While he waits, others are served.
        for (let i = 0; i < 20; i++) expect((await server.driver.adminRequest('GET', '/clients?limit=1', undefined, { token })).status).toBe(200);
      }
      expect(statements.length).toBeLessThan(100);
      response.destroy();
      for (let i = 0; i < 20; i++) await server.driver.adminRequest('GET', '/clients?limit=1', undefined, { token });
      // What was under way.
      expect(statements.length - before).toBeLessThanOrEqual(2);
    } finally {
      spy.mockRestore();
    }
  }, 60_000);

  it('AUDIT_RETENTION_DAYS: what is older waits for the clean-up, which deletes it and says so', async () => {
    await fill(1500);
    server.clock.advanceSeconds(400 * DAY - 500);
    expect((await server.get(Cleanup).backlog())['audit_events']).toBe(1000);
    expect((await server.get(Cleanup).run())['audit_events']).toBe(1000);
    server.driver.renewAdminToken();
    expect(await events(server)).toHaveLength(200);
    const [told] = await events(server, { type: 'audit.expired' });
    expect(told).toMatchObject({ count: 1, detail: { rows: 1000 } });
    expect((await server.get(Cleanup).backlog())['audit_events']).toBe(0);
  });

  it('AUDIT_RETENTION_DAYS=0 keeps all for ever', async () => {
    const database = await createDatabase(kind);
    const keeper = await TestServer.start({ database, env: { ...ENV, AUDIT_RETENTION_DAYS: '0' } });
    try {
      keeper.clock.advanceSeconds(10_000 * DAY);
      expect((await keeper.get(Cleanup).backlog())['audit_events']).toBe(0);
      expect((await keeper.get(Cleanup).run())['audit_events']).toBe(0);
    } finally {
      await keeper.stop();
      await database.drop();
    }
  });
});
