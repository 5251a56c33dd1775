import { describeOnEachDatabase } from '../../support/databases.js';
import { type Answer, decodeJwt } from '../../support/oauth-driver.js';
import { expectProblem } from '../../support/problems.js';
import { TestServer } from '../../support/test-server.js';

const etagOf = (answer: Answer): string => answer.headers.get('etag')!;

describeOnEachDatabase('protected resources', (kind) => {
  let server: TestServer;
  let serial = 0;
  let identifier: string;
  let scope: string;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
  });
  beforeEach(() => {
    identifier = `https://api.example.com/r${++serial}`;
    scope = `r${serial}:read`;
  });
  afterAll(() => server.stop());

  const create = (body: unknown) => server.driver.adminRequest('POST', '/resources', body);
  const made = async (more: Record<string, unknown> = {}) => {
    const { resource_id: id } = await server.driver.registerResource({ identifier, scopes: [{ name: scope }], ...more });
    const path = `/resources/${String(id)}`;
    return {
      id, path,
      get: (headers: Record<string, string> = {}) => server.driver.adminRequest('GET', path, undefined, { headers }),
      patch: (body: unknown, headers: Record<string, string> = {}) => server.driver.adminRequest('PATCH', path, body, { headers: { 'content-type': 'application/merge-patch+json', ...headers } }),
      delete: (headers: Record<string, string> = {}) => server.driver.adminRequest('DELETE', path, undefined, { headers }),
    };
  };

  it('needs an identifier only', async () => {
    const answer = await create({ identifier });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      resource_id: expect.stringMatching(/^[\w-]+$/) as string, identifier, name: identifier, scopes: [], resource_servers: [], access_token_format: null, access_token_lifetime: null,
      created_at: '2026-11-23T12:00:00.000Z', updated_at: '2026-11-23T12:00:00.000Z',
    });
    expect(answer.headers.get('location')).toBe(`${server.issuer}/admin/v1/resources/${String(answer.body['resource_id'])}`);
    expect(etagOf(answer)).toMatch(/^"[^"]+"$/);
  });

  it('takes every member, and shows them again', async () => {
    const given = {
      identifier, name: 'Rechnungen 🧾', scopes: [{ name: scope, description: 'See “yours”', required_roles: ['clerk', 'auditor'] }], resource_servers: ['api-1', 'api-2'], access_token_format: 'opaque', access_token_lifetime: 60,
    };
    const resource = await made(given);
    const read = await resource.get();
    expect(read.body).toMatchObject(given);
    expect((await server.driver.adminRequest<{ items: unknown[] }>('GET', '/resources')).body.items[0]).toEqual(read.body);
  });

  it('owns the audience of tokens for its scopes from the moment that it is there, until it is deleted', async () => {
    const client = await server.driver.registerClient({ scope });
    const audience = async () => decodeJwt(await server.driver.accessToken(client)).claims['aud'];
    expect(await audience()).toBe(server.issuer);
    const resource = await made();
    expect(await audience()).toBe(identifier);
    expect((await resource.delete()).status).toBe(204);
    expect(await audience()).toBe(server.issuer);
  });

  it.each<[string, unknown, string]>([
    ['nothing', {}, '/identifier'],
    ['an identifier that is a number', { identifier: 7 }, '/identifier'],
    ['an identifier that is null', { identifier: null }, '/identifier'],
    ['an empty identifier', { identifier: '' }, '/identifier'],
    ['a relative identifier', { identifier: '/api' }, '/identifier'],
    ['a bare name', { identifier: 'invoices' }, '/identifier'],
    ['a fragment', { identifier: 'https://api.example.com/#x' }, '/identifier'],
    ['an empty fragment', { identifier: 'https://api.example.com/#' }, '/identifier'],
    ['a space', { identifier: 'https://api.example.com/a b' }, '/identifier'],
    ['a line break', { identifier: 'https://api.example.com/\n' }, '/identifier'],
    ['a host beyond ASCII', { identifier: 'https://äpi.example/' }, '/identifier'],
    ['an identifier of 501 characters', { identifier: `https://api.example.com/${'x'.repeat(477)}` }, '/identifier'],
    ['an unknown member', { identifier: 'https://x.example/', foo: 1 }, '/foo'],
    ['an unknown member of a scope', { identifier: 'https://x.example/', scopes: [{ name: 'x:1', foo: 1 }] }, '/scopes/0/foo'],
    ['an unknown member of the second scope', { identifier: 'https://x.example/', scopes: [{ name: 'x:1' }, { name: 'x:2', isAdmin: true }] }, '/scopes/1/isAdmin'],
    ['a prototype member', '{"identifier":"https://x.example/","__proto__":{"name":"x"}}', '/__proto__'],
    ['a prototype member of a scope', '{"identifier":"https://x.example/","scopes":[{"name":"x:1","__proto__":{}}]}', '/scopes/0/__proto__'],
    ['a constructor in a scope', { identifier: 'https://x.example/', scopes: [{ name: 'x:1', constructor: {} }] }, '/scopes/0/constructor'],
    ['a resource_id', { identifier: 'https://x.example/', resource_id: '0'.repeat(18) }, '/resource_id'],
    ['an id', { identifier: 'https://x.example/', id: 1 }, '/id'],
    ['a created_at', { identifier: 'https://x.example/', created_at: '2020-01-01T00:00:00.000Z' }, '/created_at'],
    ['scopes that are a text', { identifier: 'https://x.example/', scopes: 'x:1' }, '/scopes'],
    ['scopes that are an object', { identifier: 'https://x.example/', scopes: { name: 'x:1' } }, '/scopes'],
    ['a scope without a name', { identifier: 'https://x.example/', scopes: [{}] }, '/scopes/0/name'],
    ['a scope with a space', { identifier: 'https://x.example/', scopes: [{ name: 'x 1' }] }, '/scopes/0/name'],
    ['a scope with a quote', { identifier: 'https://x.example/', scopes: [{ name: 'x"1' }] }, '/scopes/0/name'],
    ['a scope of 256 characters', { identifier: 'https://x.example/', scopes: [{ name: 'x'.repeat(256) }] }, '/scopes/0/name'],
    ['a scope twice', { identifier: 'https://x.example/', scopes: [{ name: 'x:1' }, { name: 'x:1' }] }, '/scopes/1/name'],
    ['a description that is a number', { identifier: 'https://x.example/', scopes: [{ name: 'x:1', description: 7 }] }, '/scopes/0/description'],
    ['a name with a line break', { identifier: 'https://x.example/', name: 'a\nb' }, '/name'],
    ['a resource server that is no client id', { identifier: 'https://x.example/', resource_servers: 'api' }, '/resource_servers'],
    ['a format that is not known', { identifier: 'https://x.example/', access_token_format: 'xml' }, '/access_token_format'],
    ['a lifetime that is a text', { identifier: 'https://x.example/', access_token_lifetime: '60' }, '/access_token_lifetime'],
    ['a lifetime that is too long', { identifier: 'https://x.example/', access_token_lifetime: 86_401 }, '/access_token_lifetime'],
  ])('%s is 400', async (_, body, pointer) => {
    expectProblem(await create(body), 400, pointer);
  });

  it.each([[[null]], [['x:1']], [[7]], [[[]]], [[['x:1']]]])('scopes that are not objects are 400: %j', async (scopes) => {
    expectProblem(await create({ identifier, scopes }), 400);
  });

  it.each<[string, Record<string, unknown>]>([
    ['required_roles', { scopes: [{ name: 'x:1', required_roles: [7] }] }],
    ['resource_servers', { resource_servers: [7] }],
  ])('elements of %s that are no text are 400', async (_, more) => {
    expectProblem(await create({ identifier, ...more }), 400);
  });

  it('an identifier that is taken is 409; one that differs in a letter’s case is another', async () => {
    await made();
    expectProblem(await create({ identifier }), 409);
    expect((await create({ identifier: identifier.replace('/r', '/R') })).status).toBe(201);
  });

  it('a scope that another resource owns is 409, and nothing of the refused resource stays', async () => {
    await made();
    const other = `${identifier}/other`;
    expectProblem(await create({ identifier: other, scopes: [{ name: `${scope}:new` }, { name: scope }] }), 409);
    expect((await create({ identifier: other, scopes: [{ name: `${scope}:new` }] })).status).toBe(201);
  });

  it('scopes are compared byte by byte', async () => {
    await made();
    expect((await create({ identifier: `${identifier}/upper`, scopes: [{ name: scope.toUpperCase() }] })).status).toBe(201);
  });

  it('of ten resources at once that claim the same scope one gets it and nine are 409', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => create({ identifier: `${identifier}/${i}`, scopes: [{ name: scope }] })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 9 }, () => 409)]);
  });

  it('two that trade scopes at once never end with one scope owned twice', async () => {
    const [a, b] = [await made(), await made({ identifier: `${identifier}/b`, scopes: [{ name: `${scope}:b` }] })];
    const contested = [{ name: `${scope}:contested` }];
    const statuses = (await Promise.all([a.patch({ scopes: contested }), b.patch({ scopes: contested })])).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 409]);
    const owners = [(await a.get()).body, (await b.get()).body].filter(({ scopes }) => JSON.stringify(scopes).includes('contested'));
    expect(owners).toHaveLength(1);
  });

  it('a deleted resource frees its scopes and its identifier', async () => {
    const resource = await made();
    await resource.delete();
    expectProblem(await resource.get(), 404);
    expectProblem(await resource.patch({}), 404);
    expectProblem(await resource.delete(), 404);
    expect((await create({ identifier, scopes: [{ name: scope }] })).status).toBe(201);
  });

  it('RFC 7396 PATCH replaces what it names; null sets back; scopes are replaced whole', async () => {
    const resource = await made({ name: 'Before', access_token_lifetime: 60, resource_servers: ['api'] });
    const answer = await resource.patch({ name: null, access_token_lifetime: null, scopes: [{ name: `${scope}:2` }] });
    expect(answer.body).toMatchObject({ identifier, name: identifier, access_token_lifetime: null, resource_servers: ['api'], scopes: [{ name: `${scope}:2`, description: '', required_roles: [] }] });
    expect((await create({ identifier: `${identifier}/next`, scopes: [{ name: scope }] })).status).toBe(201);
  });

  it('RFC 7396 PATCH that changes nothing keeps the entity tag', async () => {
    const resource = await made();
    const before = await resource.get();
    const answer = await resource.patch({ identifier });
    expect([answer.status, answer.body, etagOf(answer)]).toEqual([200, before.body, etagOf(before)]);
  });

  it.each<[unknown, string]>([
    [{ identifier: null }, '/identifier'], [{ foo: 1 }, '/foo'], [{ foo: null }, '/foo'], [{ id: 1 }, '/id'], [{ resource_id: 'x' }, '/resource_id'], [{ created_at: '2020-01-01T00:00:00.000Z' }, '/created_at'],
    [{ scopes: [{ name: 'y:1', foo: 1 }] }, '/scopes/0/foo'], [{ scopes: 'y:1' }, '/scopes'], ['{"__proto__":{"name":"x"}}', '/__proto__'],
  ])('RFC 7396 PATCH %j is 400 and changes nothing', async (body, pointer) => {
    const resource = await made();
    const before = await resource.get();
    expectProblem(await resource.patch(body), 400, pointer);
    expect(etagOf(await resource.get())).toBe(etagOf(before));
  });

  it('RFC 7396 PATCH as another media type is 415, and of something else than an object 400', async () => {
    const resource = await made();
    expectProblem(await resource.patch('name=x', { 'content-type': 'application/x-www-form-urlencoded' }), 415);
    for (const body of ['[]', 'null', '7', '{']) expectProblem(await resource.patch(body), 400);
  });

  it('RFC 9110 §13 a stale If-Match is 412, a current one works, If-None-Match on GET is 304', async () => {
    const resource = await made();
    const stale = etagOf(await resource.get());
    expect((await resource.patch({ name: 'After' }, { 'if-match': stale })).status).toBe(200);
    expectProblem(await resource.patch({ name: 'Again' }, { 'if-match': stale }), 412);
    expectProblem(await resource.delete({ 'if-match': stale }), 412);
    const current = etagOf(await resource.get());
    expect((await resource.get({ 'if-none-match': current })).status).toBe(304);
    expect((await resource.delete({ 'if-match': current })).status).toBe(204);
  });

  it('RFC 9110 §13 of five PATCH at once with the same entity tag one wins, the others are 412 or 409', async () => {
    const resource = await made();
    const headers = { 'if-match': etagOf(await resource.get()) };
    const statuses = (await Promise.all(Array.from({ length: 5 }, (_, i) => resource.patch({ name: `n${i}` }, headers)))).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 412 || status === 409)).toHaveLength(4);
  });

  it('concurrent PATCH of different members: each that was answered 200 survives, any other is told 409', async () => {
    const resource = await made();
    const patches = [{ name: 'After' }, { access_token_lifetime: 60 }, { resource_servers: ['api'] }];
    const answers = await Promise.all(patches.map((body) => resource.patch(body)));
    for (const { status } of answers) expect([200, 409]).toContain(status);
    expect((await resource.get()).body).toMatchObject(Object.assign({}, ...patches.filter((_, i) => answers[i].status === 200)) as object);
  });

  it('the list is newest first, in pages, and knows no other parameters', async () => {
    for (let i = 0; i < 3; i++) await create({ identifier: `${identifier}/${i}` });
    const page = async (query: string) => (await server.driver.adminRequest<{ items: { identifier: string }[]; next_cursor: string }>('GET', `/resources${query}`)).body;
    const first = await page('?limit=2');
    const second = await page(`?limit=1&cursor=${first.next_cursor}`);
    expect([...first.items, ...second.items].map((item) => item.identifier)).toEqual([2, 1, 0].map((i) => `${identifier}/${i}`));
    for (const query of ['?limit=0', '?limit=201', '?q=x', '?cursor=x', '?sort=name']) expectProblem(await server.driver.adminRequest('GET', `/resources${query}`), 400);
  });

  it.each(['nothing', '0'.repeat(18), '1', '%00', '%F0%9F%92%A9', '[object%20Object]', "1'%20OR%20'1'='1", 'x'.repeat(10_000)])('an unknown resource_id is 404: %#', async (id) => {
    for (const method of ['GET', 'PATCH', 'DELETE']) expectProblem(await server.driver.adminRequest(method, `/resources/${id}`, method === 'PATCH' ? {} : undefined), 404);
  });
});
