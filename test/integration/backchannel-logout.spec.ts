import { createLocalJWKSet, decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose';
import { Cleanup } from '../../src/database/cleanup.js';
import { Database } from '../../src/database/database.js';
import { Transactions } from '../../src/database/transactions.js';
import { type BackchannelLogout, BackchannelLogouts } from '../../src/logout/backchannel-logouts.js';
import { BackchannelLogoutsRepository } from '../../src/logout/backchannel-logouts.repository.js';
import { describeOnEachDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { HttpTarget, type TargetRequest } from '../support/http-target.js';
import { jwksOf } from '../support/signing-keys.js';
import { TestServer } from '../support/test-server.js';

interface AuditItem {
  client_id: string;
  detail: Record<string, unknown>;
}

const tokenIn = ({ body }: TargetRequest) => new URLSearchParams(body).get('logout_token')!;
const claimsIn = (request: TargetRequest) => JSON.parse(Buffer.from(tokenIn(request).split('.')[1], 'base64url').toString()) as JWTPayload;

describeOnEachDatabase('back-channel logout', (kind) => {
  let target: HttpTarget;
  /** Of a client that never answers. */
  let silent: HttpTarget;
  let server: TestServer;
  let other: TestServer;
  let serial = 0;

  const startBeside = (first: TestServer) => TestServer.start({ database: first.database, issuer: first.issuer, clock: first.clock, env: { OUTBOUND_ALLOWED_HOSTS: `${target.host},${silent.host}` } });

  beforeAll(async () => {
    target = await HttpTarget.start();
    silent = await HttpTarget.start({ answer: () => undefined });
    server = await TestServer.start({ kind, env: { OUTBOUND_ALLOWED_HOSTS: `${target.host},${silent.host}` } });
    other = await startBeside(server);
  });
  beforeEach(async () => {
    target.answer = (response) => response.end();
    target.requests.length = 0;
    await server.get(Database).execute('DELETE FROM backchannel_logouts');
    server.driver.renewAdminToken();
  });
  afterAll(async () => {
    // First, so that nobody waits for their answers.
    await Promise.all([target.close(), silent.close()]);
    await other?.stop();
    await server?.stop();
  });

  const register = async (metadata: Record<string, unknown> = {}) => (await server.driver.registerClient({ backchannel_logout_uri: `http://${target.host}/bcl`, id_token_signed_response_alg: 'ES256', ...metadata })).clientId;
  const logoutOf = (clientId: string): BackchannelLogout => ({ clientId, subject: 'usr_margaret', sessionId: `session-${++serial}` });
  const enqueue = (logouts: readonly BackchannelLogout[], at = server) => at.get(Transactions).run((manager) => at.get(BackchannelLogouts).enqueue(logouts, manager));
  /** What happens when a session ends. */
  const end = async (...logouts: BackchannelLogout[]) => {
    await enqueue(logouts);
    server.get(BackchannelLogouts).deliverSoon();
  };
  /** What is still to be sent: how often it was, and in how many seconds it will be again. */
  const rows = async (at = server) =>
    (await at.get(Database).query<{ attempts: number; due: number | string }>('SELECT attempts, next_attempt_at AS due FROM backchannel_logouts')).map(({ attempts, due }) => ({ attempts, inSeconds: (Number(due) - at.clock.nowMs()) / 1000 }));
  const allSettled = () => eventually(async () => expect(await rows()).toEqual([]));
  const sent = (count: number) => eventually(() => expect(target.requests).toHaveLength(count));
  const failures = async (clientId: string) => (await server.driver.adminRequest<{ items: AuditItem[] }>('GET', `/audit-events?type=logout.backchannel_failed&client_id=${clientId}`)).body.items;

  describe('§2.4, §2.5 the logout token', () => {
    it.each(['ES256', 'RS256', 'PS256', 'EdDSA'])('is posted, signed by %s as the ID tokens of the client are', async (alg) => {
      const clientId = await register({ id_token_signed_response_alg: alg, backchannel_logout_uri: `http://${target.host}/bcl?tenant=7` });
      const logout = logoutOf(clientId);
      await end(logout);
      await sent(1);
      const [request] = target.requests;
      expect(request).toMatchObject({ method: 'POST', path: '/bcl?tenant=7', headers: { 'content-type': 'application/x-www-form-urlencoded' } });
      expect([...new URLSearchParams(request.body).keys()]).toEqual(['logout_token']);
      const { payload, protectedHeader } = await jwtVerify(tokenIn(request), createLocalJWKSet(await jwksOf(server)), {
        issuer: server.issuer, audience: clientId, typ: 'logout+jwt', algorithms: [alg], currentDate: new Date(server.clock.nowMs()),
      });
      const iat = Math.floor(server.clock.nowMs() / 1000);
      expect(payload).toEqual({
        iss: server.issuer, sub: 'usr_margaret', aud: clientId, iat, exp: iat + 120, jti: expect.stringMatching(/^[\w-]{22}$/) as string,
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} }, sid: logout.sessionId,
      });
      expect(Object.keys(protectedHeader).sort()).toEqual(['alg', 'kid', 'typ']);
      await allSettled();
    });

    it('has an id of its own, each time', async () => {
      const clientId = await register();
      await end(logoutOf(clientId), logoutOf(clientId), logoutOf(clientId));
      await sent(3);
      expect(new Set(target.requests.map((request) => claimsIn(request).jti)).size).toBe(3);
    });

    it('is no access token, for nobody', async () => {
      const client = await server.driver.registerClient({ backchannel_logout_uri: `http://${target.host}/bcl`, id_token_signed_response_alg: 'ES256' });
      await end(logoutOf(client.clientId));
      await sent(1);
      const token = tokenIn(target.requests[0]);
      expect(decodeProtectedHeader(token).typ).toBe('logout+jwt');
      expect((await server.driver.introspect(client, token)).body).toEqual({ active: false });
      expect((await server.driver.adminRequest('GET', '/clients', undefined, { token })).status).toBe(401);
    });
  });

  describe('§2.8 the answer', () => {
    it.each([200, 204])('%i: it is done', async (status) => {
      target.answer = (response) => response.writeHead(status).end();
      const clientId = await register();
      await end(logoutOf(clientId));
      await allSettled();
      expect(target.requests).toHaveLength(1);
      expect(await failures(clientId)).toEqual([]);
    });

    it('200 with 10 MB behind it: it is done, and the rest is not read', async () => {
      target.answer = (response) => response.end(Buffer.alloc(10_000_000));
      await end(logoutOf(await register()));
      await allSettled();
      expect(target.requests).toHaveLength(1);
    });

    it('400: it is given up and audited, without the token', async () => {
      target.answer = (response) => response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_request","error_description":"no such session"}');
      const clientId = await register();
      const logout = logoutOf(clientId);
      await end(logout);
      await allSettled();
      expect(target.requests).toHaveLength(1);
      expect(await failures(clientId)).toMatchObject([{ client_id: clientId, detail: { reason: 'http_400', attempts: 1, session_id: logout.sessionId } }]);
      expect(server.logLines.join('\n')).not.toMatch(/eyJ|no such session/);
    });

    it.each<[what: string, status: number]>([['500', 500], ['503', 503], ['404', 404], ['a redirect', 302]])('%s: it is sent again a second later, as a new token', async (_, status) => {
      target.answer = (response) => response.writeHead(target.requests.length === 1 ? status : 200, { location: `http://${silent.host}/` }).end();
      const clientId = await register();
      const before = silent.connections;
      await end(logoutOf(clientId));
      await eventually(async () => expect(await rows()).toEqual([{ attempts: 1, inSeconds: 1 }]));
      server.clock.advanceSeconds(1);
      server.get(BackchannelLogouts).deliverSoon();
      await allSettled();
      const [first, second] = target.requests.map(claimsIn);
      expect(target.requests).toHaveLength(2);
      expect(second).toEqual({ ...first, iat: first.iat! + 1, exp: first.exp! + 1, jti: expect.any(String) as string });
      expect(second.jti).not.toBe(first.jti);
      expect(await failures(clientId)).toEqual([]);
      expect(silent.connections).toBe(before);
    });

    it('500 each time: after 1, 5, 30, 120 and 600 seconds more it is given up and audited', async () => {
      target.answer = (response) => response.writeHead(500).end();
      const clientId = await register();
      await end(logoutOf(clientId));
      for (const [at, seconds] of [1, 5, 30, 120, 600].entries()) {
        await eventually(async () => expect(await rows()).toEqual([{ attempts: at + 1, inSeconds: seconds }]));
        expect(target.requests).toHaveLength(at + 1);
        server.clock.advanceSeconds(seconds);
        server.get(BackchannelLogouts).deliverSoon();
      }
      await allSettled();
      expect(target.requests).toHaveLength(6);
      server.driver.renewAdminToken();
      expect(await failures(clientId)).toMatchObject([{ detail: { reason: 'http_500', attempts: 6 } }]);
    });

    it('none, since nothing listens there: it is sent again', async () => {
      await target.close();
      try {
        const clientId = await register();
        await end(logoutOf(clientId));
        await eventually(async () => expect(await rows()).toEqual([{ attempts: 1, inSeconds: 1 }]));
        expect([server, other].flatMap(({ logLines }) => logLines.filter((line) => line.includes(clientId))).map((line) => JSON.parse(line) as unknown)).toEqual([
          expect.objectContaining({ msg: 'a logout token is to be sent again', client_id: clientId, reason: 'connection_failed: ECONNREFUSED', attempts: 1, next_try_in_ms: 1000 }),
        ]);
      } finally {
        await target.open();
      }
    });
  });

  describe('who gets none', () => {
    it.each<[string, (clientId: string) => Promise<unknown>]>([
      ['is disabled', (clientId) => server.driver.adminRequest('PATCH', `/clients/${clientId}`, { enabled: false })],
      ['is deleted', (clientId) => server.driver.adminRequest('DELETE', `/clients/${clientId}`)],
      ['takes none any more', (clientId) => server.driver.adminRequest('PATCH', `/clients/${clientId}`, { backchannel_logout_uri: null })],
    ])('a client that %s: nothing is sent, and nothing stays', async (_, change) => {
      const clientId = await register();
      await change(clientId);
      await end(logoutOf(clientId));
      await allSettled();
      expect(target.requests).toEqual([]);
      expect(await failures(clientId)).toEqual([]);
    });

    it.each<[string, (port: number) => string, string]>([
      ['another port of this machine', (port) => `http://127.0.0.1:${port}/`, 'url_not_allowed'],
      ['the same over https', (port) => `https://127.0.0.1:${port}/`, 'url_not_allowed'],
      ['an address inside', () => 'https://169.254.169.254/latest/meta-data/', 'address_not_allowed'],
      ['a name for an address inside', () => 'https://localhost/', 'address_not_allowed'],
    ])('a client at %s, which the configuration does not allow: it is never connected to, and that is audited', async (_, uri, reason) => {
      const inside = await HttpTarget.start();
      const clientId = await register();
      // As an earlier version registered it.
      await server.get(Database).execute('UPDATE clients SET backchannel_logout_uri = ? WHERE client_id = ?', [uri(inside.port), clientId]);
      await end(logoutOf(clientId));
      await allSettled();
      expect(await failures(clientId)).toMatchObject([{ detail: { reason, attempts: 1 } }]);
      expect(inside.connections).toBe(0);
      await inside.close();
    });

    it('anybody, when the transaction that ends the session is rolled back', async () => {
      const clientId = await register();
      const broken = new Error('after it');
      const ending = server.get(Transactions).run(async (manager) => {
        await server.get(BackchannelLogouts).enqueue([logoutOf(clientId)], manager);
        throw broken;
      });
      await expect(ending).rejects.toBe(broken);
      await end(logoutOf(await register()));
      await allSettled();
      expect(target.requests.map((request) => claimsIn(request).aud)).not.toContain(clientId);
    });
  });

  describe('instances', () => {
    it('that look at the same moment send each once', async () => {
      const clientIds = await Promise.all(Array.from({ length: 8 }, () => register()));
      const logouts = Array.from({ length: 80 }, (_, i) => logoutOf(clientIds[i % clientIds.length]));
      await enqueue(logouts);
      for (const instance of [server, other]) instance.get(BackchannelLogouts).deliverSoon();
      await allSettled();
      expect(target.requests.map((request) => claimsIn(request)['sid']).sort()).toEqual(logouts.map(({ sessionId }) => sessionId).sort());
    });

    it('send what another wrote down without being told', async () => {
      const clientId = await register();
      const writer = await startBeside(server);
      await enqueue([logoutOf(clientId)], writer);
      await writer.stop();
      await allSettled();
      expect(target.requests).toHaveLength(1);
    });

    it('send what another had begun when it died, half a minute later', async () => {
      const clientId = await register();
      await end(logoutOf(await register()));
      await allSettled();
      const logout = logoutOf(clientId);
      const nowMs = server.clock.nowMs();
      await server.get(Transactions).run(async (manager) => {
        await server.get(BackchannelLogoutsRepository).insert([{ ...logout, attempts: 1, nextAttemptAt: nowMs + 30_000, expiresAt: nowMs + 3_600_000 }], manager);
      });
      server.get(BackchannelLogouts).deliverSoon();
      server.clock.advanceSeconds(29);
      expect(await server.get(BackchannelLogoutsRepository).due(server.clock.nowMs(), 10, [])).toEqual([]);
      server.clock.advanceSeconds(1);
      server.get(BackchannelLogouts).deliverSoon();
      await allSettled();
      expect(target.requests.map((request) => claimsIn(request)['sid'])).toContain(logout.sessionId);
    });

    it('that stop wait for the answer that is under way', async () => {
      const clientId = await register();
      let answer: (() => void) | undefined;
      target.answer = (response) => (answer = () => response.end());
      const stopping = await startBeside(server);
      await other.get(Transactions).run(async (manager) => {
        await stopping.get(BackchannelLogouts).enqueue([logoutOf(clientId)], manager);
      });
      stopping.get(BackchannelLogouts).deliverSoon();
      await eventually(() => expect(answer).toBeDefined());
      let stopped = false;
      const stop = stopping.stop().then(() => (stopped = true));
      await eventually(() => expect(stopping.server.app.getHttpServer().listening).toBe(false));
      expect(stopped).toBe(false);
      answer!();
      await stop;
      expect(await rows()).toEqual([]);
      expect(target.requests).toHaveLength(1);
    });
  });

  it('a client that does not answer keeps no other one waiting', async () => {
    const dead = await register({ backchannel_logout_uri: `http://${silent.host}/` });
    const live = await register();
    await end(...Array.from({ length: 60 }, () => logoutOf(dead)), logoutOf(live));
    const began = performance.now();
    await sent(1);
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it('what could not be sent for a day is not sent any more, and cleaned away', async () => {
    const clientId = await register();
    await server.get(Transactions).run(async (manager) => {
      const nowMs = server.clock.nowMs();
      await server.get(BackchannelLogoutsRepository).insert([{ ...logoutOf(clientId), attempts: 3, nextAttemptAt: nowMs + 86_400_000, expiresAt: nowMs + 86_400_000 }], manager);
    });
    server.clock.advanceSeconds(86_401);
    expect((await server.get(Cleanup).backlog())['backchannel_logouts']).toBe(1);
    server.driver.renewAdminToken();
    await end(logoutOf(await register()));
    await sent(1);
    expect((await server.get(Cleanup).run())['backchannel_logouts']).toBe(1);
    await allSettled();
    expect(target.requests).toHaveLength(1);
  });
});
