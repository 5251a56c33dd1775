import { describeOnEachDatabase } from '../../support/databases.js';
import { expectProblem } from '../../support/problems.js';
import { ADMIN, TestServer } from '../../support/test-server.js';

interface AuditEvent {
  event_id: string;
  type: string;
  occurred_at: string;
  last_occurred_at: string;
  result: string;
  count: number;
  actor: { client_id: string | null; user_id: string | null; operator: string | null; address: string | null };
  client_id: string | null;
  user_id: string | null;
  request_id: string | null;
  detail: Record<string, unknown>;
}

const NEW_CLIENT = { token_endpoint_auth_method: ['client_secret_basic'], grant_types: ['client_credentials'] };

describeOnEachDatabase('audit events', (kind) => {
  let server: TestServer;
  let serial = 0;

  beforeAll(async () => {
    // What is observed comes when it is asked for, and never between a write and the look at it.
    server = await TestServer.start({ kind, env: { LAST_USED_FLUSH_SECONDS: '3600' } });
  });
  afterAll(() => server.stop());

  const page = async (query = '') => (await server.driver.adminRequest<{ items: AuditEvent[]; next_cursor: string | null }>('GET', `/audit-events${query}`)).body;
  const events = async (parameters: Record<string, string> = {}) => (await page(`?${new URLSearchParams({ limit: '200', ...parameters }).toString()}`)).items;
  const newest = async () => (await page('?limit=1')).items[0];

  it('a start records what the server itself made, with no actor', async () => {
    const first = await events();
    expect(first.map(({ type }) => type)).toEqual(expect.arrayContaining(['client.created', 'signing_key.created']) as string[]);
    for (const event of first) expect(event).toMatchObject({ actor: { client_id: null, user_id: null, operator: null, address: null }, request_id: null, result: 'success', count: 1 });
  });

  describe('every kind of write leaves one event with who, from where, in which request', () => {
    const json = { 'content-type': 'application/json' };
    let id: string;
    let secretId: string;
    let resourceId: string;
    let kid: string;

    const writes: [type: string, write: (headers: Record<string, string>) => Promise<{ status: number }>, about: () => Partial<AuditEvent>][] = [
      ['client.created', async (headers) => {
        id = `audited-${++serial}`;
        return server.driver.adminRequest('POST', '/clients', { client_id: id, scope: 'a' }, { headers });
      }, () => ({ client_id: id, detail: { added: { ...NEW_CLIENT, scope: ['a'] } } })],
      ['client.created', (headers) => server.driver.adminRequest('PUT', `/clients/${id}-put`, {}, { headers }), () => ({ client_id: `${id}-put`, detail: { added: NEW_CLIENT } })],
      ['client.updated', (headers) => server.driver.adminRequest('PUT', `/clients/${id}`, { scope: 'b' }, { headers }), () => ({ client_id: id, detail: { changed: ['scope'], added: { scope: ['b'] }, removed: { scope: ['a'] } } })],
      ['client.updated', (headers) => server.driver.adminRequest('PATCH', `/clients/${id}`, { client_name: 'After' }, { headers }), () => ({ client_id: id, detail: { changed: ['client_name'] } })],
      ['client_secret.created', async (headers) => {
        const answer = await server.driver.adminRequest('POST', `/clients/${id}/secrets`, {}, { headers });
        secretId = answer.body['secret_id'] as string;
        return answer;
      }, () => ({ client_id: id, detail: { secret_id: secretId } })],
      ['client_secret.deleted', (headers) => server.driver.adminRequest('DELETE', `/clients/${id}/secrets/${secretId}`, undefined, { headers }), () => ({ client_id: id, detail: { secret_id: secretId } })],
      ['client.tokens_revoked', (headers) => server.driver.adminRequest('DELETE', `/clients/${id}/tokens`, undefined, { headers }), () => ({ client_id: id })],
      ['client.deleted', (headers) => server.driver.adminRequest('DELETE', `/clients/${id}`, undefined, { headers }), () => ({ client_id: id })],
      ['resource.created', async (headers) => {
        const answer = await server.driver.adminRequest('POST', '/resources', { identifier: `https://api.example.com/${id}` }, { headers });
        resourceId = answer.body['resource_id'] as string;
        return answer;
      }, () => ({ detail: { resource_id: resourceId, identifier: `https://api.example.com/${id}` } })],
      ['resource.updated', (headers) => server.driver.adminRequest('PATCH', `/resources/${resourceId}`, { name: 'After' }, { headers }), () => ({ detail: { resource_id: resourceId, changed: ['name'] } })],
      ['resource.deleted', (headers) => server.driver.adminRequest('DELETE', `/resources/${resourceId}`, undefined, { headers }), () => ({ detail: expect.objectContaining({ resource_id: resourceId }) as AuditEvent['detail'] })],
      ['signing_key.rotated', (headers) => server.driver.adminRequest('POST', '/keys/rotate', {}, { headers: { ...json, ...headers } }), () => ({ detail: expect.objectContaining({ alg: 'ES256' }) as AuditEvent['detail'] })],
      ['signing_key.deleted', async (headers) => {
        const { items } = (await server.driver.adminRequest<{ items: { kid: string; status: string }[] }>('GET', '/keys')).body;
        kid = items.find(({ status }) => status === 'retired')!.kid;
        server.driver.renewAdminToken();
        return server.driver.adminRequest('DELETE', `/keys/${kid}`, undefined, { headers });
      }, () => ({ detail: expect.objectContaining({ kid }) as AuditEvent['detail'] })],
    ];

    it.each(writes)('%s', async (type, write, about) => {
      const before = (await events()).length;
      server.clock.advanceSeconds(1);
      const requestId = `request-${++serial}`;
      expect((await write({ 'x-request-id': requestId })).status).toBeLessThan(300);
      expect(await newest()).toEqual({
        event_id: expect.any(String) as string, type, occurred_at: new Date(server.clock.nowMs()).toISOString(), last_occurred_at: new Date(server.clock.nowMs()).toISOString(), result: 'success', count: 1,
        actor: { client_id: ADMIN.clientId, user_id: null, operator: null, address: '127.0.0.1' },
        client_id: null, user_id: null, detail: {}, request_id: requestId, ...about(),
      });
      expect((await events()).length).toBe(before + 1);
    });

    it('token.revoked', async () => {
      const client = await server.driver.registerClient({ scope: 'a' });
      await server.driver.form('/oauth/revoke', { token: await server.driver.accessToken(client) }, client, { 'x-request-id': 'revoke-1' });
      expect(await newest()).toMatchObject({ type: 'token.revoked', actor: { client_id: client.clientId, address: '127.0.0.1' }, client_id: client.clientId, request_id: 'revoke-1' });
    });
  });

  it('a write that is refused, or changes nothing, leaves none', async () => {
    const { clientId } = await server.driver.registerClient({ scope: 'a' });
    const before = (await newest()).event_id;
    await server.driver.adminRequest('POST', '/clients', { client_id: clientId });
    await server.driver.adminRequest('POST', '/clients', { colour: 'red' });
    await server.driver.adminRequest('PATCH', `/clients/${clientId}`, { scope: 'b' }, { headers: { 'if-match': '"stale"' } });
    await server.driver.adminRequest('PATCH', `/clients/${clientId}`, { scope: 'a' });
    await server.driver.adminRequest('DELETE', '/clients/nobody');
    await server.driver.adminRequest('DELETE', `/clients/${clientId}/secrets/AAAAAAAAAAAA`);
    expect((await newest()).event_id).toBe(before);
  });

  it.each(['a b', 'x'.repeat(65), '<script>', '{"level":"info"}'])('an X-Request-Id of %j is not taken over', async (requestId) => {
    const answer = await server.driver.adminRequest('POST', '/clients', {}, { headers: { 'x-request-id': requestId } });
    const event = await newest();
    expect(event.request_id).toBe(answer.headers.get('x-request-id'));
    expect(event.request_id).toMatch(/^[\w.:-]{1,64}$/);
  });

  it('the address is the socket’s, whatever forwarded headers say', async () => {
    await server.driver.adminRequest('POST', '/clients', {}, { headers: { 'x-forwarded-for': '203.0.113.7', forwarded: 'for=203.0.113.7', 'x-real-ip': '203.0.113.7' } });
    expect((await newest()).actor.address).toBe('127.0.0.1');
  });

  it('holds no secret, no token, no digest and no private key', async () => {
    const client = await server.driver.registerClient({ scope: 'a', access_token_format: 'opaque' });
    const token = await server.driver.accessToken(client);
    await server.driver.revoke(client, token);
    const text = JSON.stringify(await events());
    expect(text).not.toContain(client.clientSecret);
    expect(text).not.toContain(token);
    expect(text).not.toMatch(/mg_[a-z]{2}_|"d":|BEGIN|[0-9a-f]{64}|eyJ/);
  });

  describe('filters', () => {
    let actor: string;
    let subject: string;
    let times: string[];

    beforeAll(async () => {
      const admin = await server.driver.registerClient({ scope: 'clients:read clients:write' });
      ({ clientId: actor } = admin);
      const token = await server.driver.accessToken(admin);
      times = [];
      for (const body of [{ client_name: '1' }, { client_name: '2' }, { client_name: '3' }]) {
        server.clock.advanceSeconds(10);
        times.push(new Date(server.clock.nowMs()).toISOString());
        if (times.length === 1) subject = (await server.driver.adminRequest('POST', '/clients', body, { token })).body['client_id'] as string;
        else await server.driver.adminRequest('PATCH', `/clients/${subject}`, body, { token });
      }
    });

    const described = async (parameters: Record<string, string>) => (await events(parameters)).map(({ type, occurred_at: at }) => `${type} ${times.indexOf(at) + 1}`);

    it('client_id: that acted, or that it is about', async () => {
      const all = ['client.updated 3', 'client.updated 2', 'client.created 1'];
      expect(await described({ client_id: subject })).toEqual(all);
      expect(await described({ client_id: actor })).toEqual([...all, 'client.created 0']);
      expect(await described({ client_id: subject.toUpperCase() })).toEqual(subject === subject.toUpperCase() ? all : []);
    });

    it('type, exactly, or all below a name', async () => {
      expect(await described({ client_id: subject, type: 'client.updated' })).toEqual(['client.updated 3', 'client.updated 2']);
      expect(await described({ client_id: subject, type: 'client.*' })).toEqual(['client.updated 3', 'client.updated 2', 'client.created 1']);
      expect(new Set((await events({ type: 'signing_key.*' })).map(({ type }) => type.split('.')[0]))).toEqual(new Set(['signing_key']));
    });

    it.each(['', 'client', 'client.', 'client.%', 'client.cre*', '*', '.*', 'CLIENT.UPDATED', "' OR 1=1 --"])('the type %j, which there is not, is 400', async (type) => {
      expectProblem(await server.driver.adminRequest('GET', `/audit-events?${new URLSearchParams({ type }).toString()}`), 400, '/type');
    });

    it('actor_client_id: that acted; result, request_id, address: exactly', async () => {
      expect(await described({ actor_client_id: actor })).toEqual(['client.updated 3', 'client.updated 2', 'client.created 1']);
      expect(await described({ actor_client_id: subject })).toEqual([]);
      const [{ request_id: request }] = await events({ client_id: subject });
      expect(await described({ request_id: request! })).toEqual(['client.updated 3']);
      expect(await described({ client_id: subject, address: '127.0.0.1', result: 'success' })).toEqual(await described({ client_id: subject }));
      expect(await described({ client_id: subject, address: '127.0.0.2' })).toEqual([]);
      expect(await described({ client_id: subject, result: 'failure' })).toEqual([]);
      for (const result of ['', 'SUCCESS', 'refused']) expectProblem(await server.driver.adminRequest('GET', `/audit-events?result=${result}`), 400, '/result');
    });

    it('since is in, until is out', async () => {
      expect(await described({ client_id: subject, since: times[1] })).toEqual(['client.updated 3', 'client.updated 2']);
      expect(await described({ client_id: subject, until: times[1] })).toEqual(['client.created 1']);
      expect(await described({ client_id: subject, since: times[1], until: times[2] })).toEqual(['client.updated 2']);
      expect(await described({ client_id: subject, since: times[1].replace('Z', '+00:00') })).toEqual(['client.updated 3', 'client.updated 2']);
      expect(await described({ client_id: subject, since: times[2], until: times[1] })).toEqual([]);
    });

    it('user_id: there are none yet', async () => {
      expect(await events({ user_id: 'somebody' })).toEqual([]);
    });

    it.each([
      'yesterday', '', '0', '1764000000', '2026-13-01T00:00:00Z', '2026-02-30T00:00:00Z', '2026-11-23T25:00:00Z', '2026-11-23T12:60:00Z', '2026-11-23T12:00:00', '2026-11-23 12:00:00Z', "2026-11-23' OR '1'='1", 'NaN', '-1',
    ])('RFC 3339 §5.6 the time %j is 400, in since and in until', async (time) => {
      for (const name of ['since', 'until']) expectProblem(await server.driver.adminRequest('GET', `/audit-events?${new URLSearchParams({ [name]: time }).toString()}`), 400, `/${name}`);
    });

    it.each(['sort=type', 'q=x', 'actor=x', 'limit=0', 'limit=201', 'type=client.created&type=client.updated', 'cursor=1', 'type=client.created%00', 'client_id=%00', 'after=1'])('%s is 400', async (query) => {
      expectProblem(await server.driver.adminRequest('GET', `/audit-events?${query}`), 400);
    });

    it('a walk by pages shows each event once, newest first', async () => {
      const whole = await events({ type: 'client.created' });
      const walked: AuditEvent[] = [];
      for (let cursor: string | null = ''; cursor !== null && walked.length < 200; ) {
        const part: Awaited<ReturnType<typeof page>> = await page(`?type=client.created&limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`);
        walked.push(...part.items);
        cursor = part.next_cursor;
        await server.driver.registerClient();
      }
      expect(walked).toEqual(whole);
      expect(new Set(walked.map(({ event_id: id }) => id)).size).toBe(walked.length);
    });
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('cannot be written: %s is 405', async (method) => {
    expectProblem(await server.driver.adminRequest(method, '/audit-events', method === 'DELETE' ? undefined : {}), 405);
  });
});
