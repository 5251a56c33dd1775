import { describeOnEachDatabase } from '../../support/databases.js';
import type { Answer } from '../../support/oauth-driver.js';
import { expectProblem } from '../../support/problems.js';
import { TestServer } from '../../support/test-server.js';

const etagOf = (answer: Answer): string => answer.headers.get('etag')!;

describeOnEachDatabase('changing a client', (kind) => {
  let server: TestServer;
  let id: string;
  let path: string;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
  });
  beforeEach(async () => {
    ({ clientId: id } = await server.driver.registerClient({ client_name: 'Before', scope: 'a b', access_token_lifetime: 120, redirect_uris: ['https://a.example/1', 'https://a.example/2'] }));
    path = `/clients/${id}`;
  });
  afterAll(() => server.stop());

  const get = (headers: Record<string, string> = {}) => server.driver.adminRequest('GET', path, undefined, { headers });
  const put = (body: unknown, headers: Record<string, string> = {}) => server.driver.adminRequest('PUT', path, body, { headers });
  const patch = (body: unknown, headers: Record<string, string> = {}) => server.driver.adminRequest('PATCH', path, body, { headers: { 'content-type': 'application/merge-patch+json', ...headers } });

  describe('PUT', () => {
    it('makes a client that is not there: 201 without a secret', async () => {
      const answer = await server.driver.adminRequest('PUT', `/clients/put-${id}`, { client_name: 'Declared', scope: 'a' });
      expect(answer.status).toBe(201);
      expect(answer.body).toMatchObject({ client_id: `put-${id}`, client_name: 'Declared', scope: 'a' });
      expect(answer.body).not.toHaveProperty('client_secret');
      expect(answer.headers.get('location')).toBe(`${server.issuer}/admin/v1/clients/put-${id}`);
      expect((await server.driver.adminRequest<{ items: unknown[] }>('GET', `/clients/put-${id}/secrets`)).body.items).toEqual([]);
      expect((await server.driver.token({ clientId: `put-${id}`, clientSecret: '' })).status).toBe(401);
    });

    it('replaces one that is there: 200, what is left out goes back to its default, secrets stay', async () => {
      const client = await server.driver.registerClient({ client_name: 'Before', scope: 'a b', access_token_lifetime: 120, enabled: true });
      const answer = await server.driver.adminRequest('PUT', `/clients/${client.clientId}`, { scope: 'c' });
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ client_name: client.clientId, scope: 'c', default_scope: 'c', access_token_lifetime: 300, redirect_uris: [] });
      expect((await server.driver.token(client)).body['scope']).toBe('c');
    });

    it.each([{}, { default_scope: 'a' }])('of the very body that GET gave changes nothing (%j)', async (more) => {
      await patch(more);
      const before = await get();
      server.clock.advanceSeconds(1);
      const answer = await put(before.body);
      expect([answer.status, answer.body, etagOf(answer)]).toEqual([200, before.body, etagOf(before)]);
    });

    it('of the very body that GET gave leaves a default_scope that follows scope following it', async () => {
      await put((await get()).body);
      const answer = await patch({ scope: 'a' });
      expect([answer.status, answer.body['default_scope']]).toEqual([200, 'a']);
    });

    it('twice with the same body is the same as once', async () => {
      const first = await put({ scope: 'x' });
      const second = await put({ scope: 'x' });
      expect([second.status, second.body, etagOf(second)]).toEqual([200, first.body, etagOf(first)]);
    });

    it('with another client_id than the path is 400', async () => {
      expectProblem(await put({ client_id: 'another' }), 400, '/client_id');
      expectProblem(await server.driver.adminRequest('PUT', `/clients/new-${id}`, { client_id: 'another' }), 400, '/client_id');
      expect((await server.driver.adminRequest('GET', '/clients/another')).status).toBe(404);
    });

    it('of ten at once on a new id one makes it and none fails', async () => {
      const statuses = (await Promise.all(Array.from({ length: 10 }, () => server.driver.adminRequest('PUT', `/clients/race-${id}`, { scope: 'a' })))).map(({ status }) => status);
      expect(statuses.filter((status) => status === 201)).toHaveLength(1);
      expect(statuses.every((status) => [200, 201, 409].includes(status))).toBe(true);
    });
  });

  describe('RFC 7396 PATCH', () => {
    it('replaces the members that it names, arrays whole, and leaves the others', async () => {
      const before = (await get()).body;
      server.clock.advanceSeconds(1);
      const answer = await patch({ client_name: 'After', redirect_uris: ['https://a.example/3'] });
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({ ...before, client_name: 'After', redirect_uris: ['https://a.example/3'], updated_at: new Date(server.clock.nowMs()).toISOString() });
      expect((await get()).body).toEqual(answer.body);
    });

    it('null sets a member back to its default', async () => {
      const answer = await patch({ client_name: null, access_token_lifetime: null, redirect_uris: null });
      expect(answer.body).toMatchObject({ client_name: id, access_token_lifetime: 300, redirect_uris: [], scope: 'a b' });
    });

    it('an empty patch, and one that says what is so, change nothing', async () => {
      const before = await get();
      server.clock.advanceSeconds(1);
      for (const body of [{}, { client_name: 'Before' }, before.body]) {
        const answer = await patch(body);
        expect([answer.status, answer.body, etagOf(answer)]).toEqual([200, before.body, etagOf(before)]);
      }
    });

    it('is taken as application/json too', async () => {
      expect((await patch({ client_name: 'After' }, { 'content-type': 'application/json' })).status).toBe(200);
    });

    it.each(['text/plain', 'application/json-patch+json', 'application/x-www-form-urlencoded', 'application/merge-patch+xml'])('as %s is 415', async (type) => {
      expectProblem(await patch({ client_name: 'After' }, { 'content-type': type }), 415);
    });

    it.each(['{', 'x', '[{"op":"replace","path":"/client_name","value":"After"}]', 'null', '"After"', ''])('the body %j is 400, or empty and changes nothing', async (body) => {
      const before = await get();
      const answer = await patch(body);
      if (body === '') expect(answer.status).toBe(200);
      else expectProblem(answer, 400);
      expect((await get()).body).toEqual(before.body);
    });

    it.each<[unknown, string]>([
      [{ colour: 'red' }, '/colour'], [{ colour: null }, '/colour'], [{ id: 1 }, '/id'], [{ isAdmin: true }, '/isAdmin'], [{ isAdmin: null }, '/isAdmin'],
      [{ secretHash: 'x' }, '/secretHash'], [{ digest: 'x' }, '/digest'],
      [{ client_secret: 'x' }, '/client_secret'], [{ tokenGeneration: 'x' }, '/tokenGeneration'], [{ token_generation: 'x' }, '/token_generation'], [{ version: 1 }, '/version'],
      [{ createdAt: 1 }, '/createdAt'],
      [{ created_at: '2020-01-01T00:00:00.000Z' }, '/created_at'], [{ updated_at: '2020-01-01T00:00:00.000Z' }, '/updated_at'],
      [{ created_at: null }, '/created_at'], [{ client_id: 'other' }, '/client_id'], [{ client_id: null }, '/client_id'],
      ['{"__proto__":{"enabled":false}}', '/__proto__'], ['{"__proto__":null}', '/__proto__'], ['{"constructor":{"prototype":{"x":1}}}', '/constructor'], ['{"prototype":1}', '/prototype'],
      ['{"client_name":{"__proto__":"x"}}', '/client_name/__proto__'], ['{"scope":{"a":{"constructor":{}}}}', '/scope/a/constructor'], ['{"redirect_uris":[{"prototype":1}]}', '/redirect_uris/0/prototype'],
      [{ client_name: 7 }, '/client_name'], [{ client_name: { a: 'b' } }, '/client_name'],
      [{ enabled: 'no' }, '/enabled'], [{ redirect_uris: ['https://a.example/', 7] }, '/redirect_uris/1'], [{ redirect_uris: { 0: 'https://a.example/' } }, '/redirect_uris'],
      [{ default_scope: 'c' }, '/default_scope'], [{ token_endpoint_auth_method: 'none' }, '/grant_types/0'], [{ refresh_token_lifetime: 60 }, '/refresh_token_idle_lifetime'],
    ])('%j is 400 and changes nothing', async (body, pointer) => {
      const before = await get();
      expectProblem(await patch(body), 400, pointer);
      expectProblem(await put(typeof body === 'string' ? body : { ...before.body, ...(body as object) }), 400);
      const after = await get();
      expect([after.body, etagOf(after)]).toEqual([before.body, etagOf(before)]);
      expect(({} as Record<string, unknown>)['enabled']).toBeUndefined();
    });

    it('of members of their own all survive, however many come at once', async () => {
      const patches = [{ client_name: 'After' }, { scope: 'a b c' }, { access_token_lifetime: 60 }, { skip_consent: true }];
      const statuses = (await Promise.all(patches.map((body) => patch(body)))).map(({ status }) => status);
      expect(statuses).toEqual([200, 200, 200, 200]);
      expect((await get()).body).toMatchObject(Object.assign({}, ...patches) as object);
    });

    it('of what is not there is 404', async () => {
      expectProblem(await server.driver.adminRequest('PATCH', '/clients/nobody', { client_name: 'x' }), 404);
    });
  });

  describe('RFC 9110 §13 conditions', () => {
    it('a change gives the item another entity tag, a read does not', async () => {
      const [first, second] = [await get(), await get()];
      expect(etagOf(second)).toBe(etagOf(first));
      const changed = await patch({ client_name: 'After' });
      expect(etagOf(changed)).not.toBe(etagOf(first));
      expect(etagOf(await get())).toBe(etagOf(changed));
    });

    it.each<[string, (headers: Record<string, string>) => Promise<Answer>, number]>([
      ['PUT', (headers) => put({ scope: 'c' }, headers), 200],
      ['PATCH', (headers) => patch({ scope: 'c' }, headers), 200],
      ['DELETE', (headers) => server.driver.adminRequest('DELETE', path, undefined, { headers }), 204],
    ])('%s with If-Match that holds works, and with one that does not is 412 and changes nothing', async (_, write, good) => {
      const stale = etagOf(await get());
      const now = await patch({ client_name: 'After' });
      for (const match of [stale, '"x"', `W/${etagOf(now)}`, '', stale.slice(1, -1)]) expectProblem(await write({ 'if-match': match }), 412);
      expect((await get()).body).toEqual(now.body);
      expect((await write({ 'if-match': `"x", ${etagOf(now)}` })).status).toBe(good);
    });

    it('If-Match: * needs something to be there', async () => {
      expect((await put({ scope: 'c' }, { 'if-match': '*' })).status).toBe(200);
      expectProblem(await server.driver.adminRequest('PUT', `/clients/none-${id}`, {}, { headers: { 'if-match': '*' } }), 412);
      expect((await server.driver.adminRequest('GET', `/clients/none-${id}`)).status).toBe(404);
    });

    it.each(['PUT', 'PATCH'])('of two %s with the same entity tag the second is 412', async (method) => {
      const headers = { 'if-match': etagOf(await get()) };
      expect((await server.driver.adminRequest(method, path, { scope: 'first' }, { headers })).status).toBe(200);
      expectProblem(await server.driver.adminRequest(method, path, { scope: 'second' }, { headers }), 412);
      expect((await get()).body['scope']).toBe('first');
    });

    it('of ten PUT at once with the same entity tag one wins and nine are 412', async () => {
      const headers = { 'if-match': etagOf(await get()) };
      const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => put({ scope: `s${i}` }, headers)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 412)]);
      expect((await get()).body['scope']).toBe(answers.find(({ status }) => status === 200)!.body['scope']);
    });

    it('PUT with If-None-Match: * makes, and never replaces', async () => {
      const fresh = () => server.driver.adminRequest('PUT', `/clients/fresh-${id}`, { scope: 'a' }, { headers: { 'if-none-match': '*' } });
      expect((await fresh()).status).toBe(201);
      expectProblem(await fresh(), 412);
      expectProblem(await put({ scope: 'c' }, { 'if-none-match': '*' }), 412);
      expect((await get()).body['scope']).toBe('a b');
    });

    it('GET with If-None-Match of what it has is 304 without a body, and 200 after a change', async () => {
      const tag = etagOf(await get());
      for (const match of [tag, `W/${tag}`, `"x", ${tag}`, '*']) {
        const answer = await get({ 'if-none-match': match });
        expect([answer.status, answer.text, etagOf(answer)]).toEqual([304, '', tag]);
      }
      await patch({ client_name: 'After' });
      expect((await get({ 'if-none-match': tag })).status).toBe(200);
    });

    it('a client that was made anew under the same id has another entity tag', async () => {
      const tag = etagOf(await get());
      await server.driver.adminRequest('DELETE', path);
      await put({ client_name: 'Before', scope: 'a b' });
      expectProblem(await patch({ client_name: 'After' }, { 'if-match': tag }), 412);
    });
  });

  describe('DELETE', () => {
    it('is 204 without a body, then everything below is 404', async () => {
      const answer = await server.driver.adminRequest('DELETE', path);
      expect([answer.status, answer.text]).toEqual([204, '']);
      expectProblem(await server.driver.adminRequest('DELETE', path), 404);
      expectProblem(await get(), 404);
      expectProblem(await patch({}), 404);
      expectProblem(await server.driver.adminRequest('GET', `${path}/secrets`), 404);
      expectProblem(await server.driver.adminRequest('POST', `${path}/secrets`), 404);
      expectProblem(await server.driver.adminRequest('DELETE', `${path}/tokens`), 404);
    });

    it('ends its credentials and its tokens, and a client made anew under its id does not revive them', async () => {
      const client = await server.driver.registerClient({ scope: 'a' });
      const token = await server.driver.accessToken(client);
      await server.driver.adminRequest('DELETE', `/clients/${client.clientId}`);
      expect((await server.driver.token(client)).status).toBe(401);
      const anew = await server.driver.registerClient({ client_id: client.clientId, scope: 'a' });
      expect((await server.driver.token(client)).status).toBe(401);
      expect((await server.driver.introspect(anew, token)).body).toEqual({ active: false });
    });

    it('of ten at once one is 204 and nine are 404', async () => {
      const statuses = (await Promise.all(Array.from({ length: 10 }, () => server.driver.adminRequest('DELETE', path)))).map(({ status }) => status).sort();
      expect(statuses).toEqual([204, ...Array.from({ length: 9 }, () => 404)]);
    });
  });

  it('a change is in force at once', async () => {
    const client = await server.driver.registerClient({ scope: 'a b' });
    expect((await server.driver.token(client)).body['scope']).toBe('a b');
    await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { scope: 'a', default_scope: null });
    expect((await server.driver.token(client)).body['scope']).toBe('a');
    await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { enabled: false });
    expect((await server.driver.token(client)).status).toBe(401);
  });
});
