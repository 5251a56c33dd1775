import { describeOnEachDatabase } from '../../support/databases.js';
import { expectProblem, pointersOf } from '../../support/problems.js';
import { TestServer } from '../../support/test-server.js';

const CALLBACK = { redirect_uris: ['https://app.example.com/cb'] };

describeOnEachDatabase('registering a client', (kind) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
  });
  afterAll(() => server.stop());

  const create = (body: unknown) => server.driver.adminRequest('POST', '/clients', body);

  it('needs nothing: the server chooses the id and every default', async () => {
    const answer = await create({});
    expect(answer.status).toBe(201);
    const { client_id: id, client_secret: secret, ...rest } = answer.body;
    expect(id).toMatch(/^[A-Za-z0-9._~-]{16,}$/);
    expect(secret).toMatch(/^mg_cs_[\w-]{43}$/);
    expect(rest).toEqual({
      client_name: id, token_endpoint_auth_method: 'client_secret_basic', grant_types: ['client_credentials'], response_types: [], redirect_uris: [], post_logout_redirect_uris: [],
      backchannel_logout_uri: null, backchannel_logout_session_required: false, scope: '', default_scope: '', resources: [], access_token_format: 'jwt', access_token_lifetime: 300, access_token_reuse: 0, refresh_token_lifetime: 2_592_000, refresh_token_idle_lifetime: 604_800, require_pkce: true,
      require_pushed_authorization_requests: false,
      id_token_signed_response_alg: 'RS256', subject_type: 'public', skip_consent: false, password_grant_sunset: null, enabled: true,
      created_at: '2026-11-23T12:00:00.000Z', updated_at: '2026-11-23T12:00:00.000Z', client_secret_expires_at: 0,
    });
    expect(answer.headers.get('location')).toBe(`${server.issuer}/admin/v1/clients/${String(id)}`);
    expect(answer.headers.get('etag')).toMatch(/^"[^"]+"$/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('without a body does the same', async () => {
    expect((await server.driver.adminRequest('POST', '/clients')).status).toBe(201);
  });

  it('takes a chosen id and every member, and shows them again', async () => {
    const given = {
      client_id: 'web.app_1~x-Y', client_name: 'Bücher & Töchter 株式会社 🚀', token_endpoint_auth_method: 'client_secret_post', grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
      redirect_uris: ['https://app.example.com/cb'], post_logout_redirect_uris: ['https://app.example.com/bye'],
      backchannel_logout_uri: 'https://app.example.com/logout?x=1', backchannel_logout_session_required: true, scope: 'openid invoices:read', default_scope: 'openid', resources: ['urn:example:archive'], access_token_format: 'opaque',
      access_token_lifetime: 60, access_token_reuse: 30, refresh_token_lifetime: 7200, refresh_token_idle_lifetime: 3600, require_pkce: false, require_pushed_authorization_requests: true, id_token_signed_response_alg: 'ES256', subject_type: 'pairwise', skip_consent: true,
      password_grant_sunset: '2027-01-31T00:00:00.000Z', enabled: false,
    };
    const created = await create(given);
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject(given);
    const read = await server.driver.adminRequest('GET', '/clients/web.app_1~x-Y');
    expect(read.body).toEqual({ ...given, created_at: expect.any(String) as string, updated_at: expect.any(String) as string });
    expect(read.headers.get('etag')).toBe(created.headers.get('etag'));
  });

  it.each([
    [['authorization_code'], ['code']],
    [['implicit'], ['token']],
    [['authorization_code', 'implicit', 'refresh_token'], ['code', 'token']],
    [['refresh_token'], []],
  ])('%j comes with the response types that belong to it (RFC 7591 §2.1)', async (grantTypes, responseTypes) => {
    expect((await create({ grant_types: grantTypes, ...CALLBACK })).body['response_types']).toEqual(responseTypes);
  });

  it.each([
    ['id_token_signed_response_alg', ['RS256', 'ES256', 'PS256', 'EdDSA']],
    ['subject_type', ['public', 'pairwise']],
  ])('each %s of the metadata is taken', async (field, values) => {
    for (const value of values) expect((await create({ grant_types: ['authorization_code'], ...CALLBACK, [field]: value })).body[field]).toBe(value);
  });

  it('each response type of the implicit grant is taken (OIDC Core §3.2)', async () => {
    const responseTypes = ['token', 'id_token', 'id_token token'];
    expect((await create({ grant_types: ['implicit'], response_types: responseTypes, ...CALLBACK })).body['response_types']).toEqual(responseTypes);
  });

  it('a public client gets no secret', async () => {
    const { status, body } = await create({ token_endpoint_auth_method: 'none', grant_types: ['authorization_code'], ...CALLBACK });
    expect(status).toBe(201);
    expect(body).not.toHaveProperty('client_secret');
    expect(body).not.toHaveProperty('client_secret_expires_at');
  });

  it('a taken id is 409, and what is there stays', async () => {
    const first = await server.driver.registerClient({ client_id: 'taken', scope: 'a' });
    expectProblem(await create({ client_id: 'taken', scope: 'b' }), 409);
    expect((await server.driver.adminRequest('GET', '/clients/taken')).body['scope']).toBe('a');
    expect((await server.driver.token(first)).status).toBe(200);
  });

  it('ids are compared byte by byte', async () => {
    for (const id of ['Case', 'case', 'CASE']) expect((await create({ client_id: id })).status).toBe(201);
    expect((await server.driver.adminRequest('GET', '/clients/cASE')).status).toBe(404);
  });

  it('of ten at once with the same id one wins and nine are 409', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => create({ client_id: 'race', scope: 'a' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 9 }, () => 409)]);
    const winner = answers.find(({ status }) => status === 201)!;
    expect((await server.driver.token({ clientId: 'race', clientSecret: winner.body['client_secret'] as string })).status).toBe(200);
    expect((await server.driver.adminRequest<{ items: unknown[] }>('GET', '/clients/race/secrets')).body.items).toHaveLength(1);
  });

  const uris = (count: number) => Array.from({ length: count }, (_, i) => `https://app.example.com/${String(i).padStart(3, '0')}/`.padEnd(1900, 'x'));

  it('takes large metadata whole: 48 KB of redirect URIs, 8000 characters of scope', async () => {
    const given = { redirect_uris: uris(25), post_logout_redirect_uris: uris(25), scope: Array.from({ length: 800 }, (_, i) => `s${String(i).padStart(8, '0')}`).join(' ') };
    expect((await create({ client_id: 'large', ...given })).status).toBe(201);
    expect((await server.driver.adminRequest('GET', '/clients/large')).body).toMatchObject(given);
  });

  it.each(['redirect_uris', 'post_logout_redirect_uris'])('200 KB of %s are 400', async (field) => {
    expectProblem(await create({ [field]: uris(100) }), 400, `/${field}`);
  });

  it.each(['2026-W47-1', '2026-327', '20261123', '+002026-11-23', '2026-11-23T24:00:00Z', '2026-02-30T00:00:00Z', '1', 'tomorrow', ''])('a sunset of %j, which is no RFC 3339 time, is 400', async (sunset) => {
    expectProblem(await create({ password_grant_sunset: sunset }), 400, '/password_grant_sunset');
  });
});

describe('what a client may not be', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server.stop());

  const create = (body: unknown, headers: Record<string, string> = {}) => server.driver.adminRequest('POST', '/clients', body, { headers });
  const count = async () => (await server.driver.adminRequest<{ items: unknown[] }>('GET', '/clients?limit=200')).body.items.length;

  it.each<[field: string, value: unknown, pointer?: string]>([
    ['client_id', 7], ['client_id', ''], ['client_id', 'a b'],
    ['client_id', 'a:b'], ['client_id', 'a/b'], ['client_id', '../x'], ['client_id', '.x'], ['client_id', 'ä'], ['client_id', 'a\n'], ['client_id', 'x'.repeat(129)],
    ['client_name', 7], ['client_name', ''], ['client_name', 'x'.repeat(256)], ['client_name', 'a\nb'], ['client_name', 'a\u0000b'], ['client_name', '\u202eevil'],
    ['client_name', ['x']], ['client_name', { x: 1 }], ['client_name', '\ud800'],
    ['token_endpoint_auth_method', 'magic'], ['token_endpoint_auth_method', true], ['token_endpoint_auth_method', ['none']],
    ['grant_types', 'client_credentials'], ['grant_types', {}], ['grant_types', { 0: 'client_credentials', length: 1 }],
    ['response_types', 'code'], ['redirect_uris', 'https://app.example.com/cb'], ['redirect_uris', [7], '/redirect_uris/0'], ['redirect_uris', ['https://app.example.com/cb', null], '/redirect_uris/1'],
    ['redirect_uris', [['https://app.example.com/cb']], '/redirect_uris/0'], ['redirect_uris', [{ toString: 'x' }], '/redirect_uris/0'], ['redirect_uris', Array.from({ length: 101 }, (_, i) => `https://app.example.com/${i}`)],
    ['post_logout_redirect_uris', { a: 1 }], ['post_logout_redirect_uris', [false], '/post_logout_redirect_uris/0'], ['post_logout_redirect_uris', ['javascript:alert(1)'], '/post_logout_redirect_uris/0'],
    ['backchannel_logout_uri', 7], ['backchannel_logout_uri', ''], ['backchannel_logout_uri', ['https://app.example.com/logout']], ['backchannel_logout_session_required', 'true'], ['backchannel_logout_session_required', 1],
    ['scope', ['a']], ['scope', 7], ['scope', ' a'], ['scope', 'a '], ['scope', 'a  b'], ['scope', 'a\tb'], ['scope', 'a"b'], ['scope', 'a\\b'], ['scope', 'ä'], ['scope', 'a'.repeat(8001)],
    ['resources', 'urn:example:open'], ['resources', [7], '/resources/0'], ['resources', ['open'], '/resources/0'], ['resources', ['https://api.example.com/#x'], '/resources/0'], ['resources', ['urn:a:b', 'urn:a:b'], '/resources/1'],
    ['resources', ['https://api.example.com/ä'], '/resources/0'], ['resources', [`urn:example:${'x'.repeat(500)}`], '/resources/0'], ['resources', Array.from({ length: 101 }, (_, i) => `urn:example:${i}`)],
    ['default_scope', 7], ['default_scope', 'beyond'], ['access_token_format', 'xml'], ['access_token_format', 'JWT'],
    ['access_token_lifetime', '300'], ['access_token_lifetime', 9], ['access_token_lifetime', 86_401], ['access_token_lifetime', 60.5], ['access_token_lifetime', -1], ['access_token_lifetime', 1e300],
    ['refresh_token_lifetime', 59], ['refresh_token_lifetime', true], ['refresh_token_idle_lifetime', 59], ['refresh_token_idle_lifetime', [60]],
    ['require_pkce', 'true'], ['require_pkce', 0], ['require_pushed_authorization_requests', 'true'], ['require_pushed_authorization_requests', 1], ['id_token_signed_response_alg', ['RS256']], ['id_token_signed_response_alg', 'ES384'], ['id_token_signed_response_alg', 'none'], ['id_token_signed_response_alg', 'HS256'], ['subject_type', 'private'], ['skip_consent', 'no'],
    ['password_grant_sunset', 7], ['enabled', 'false'], ['enabled', 1],
  ])('%s may not be %j', async (field, value, pointer = `/${field}`) => {
    expectProblem(await create({ [field]: value }), 400, pointer);
  });

  it.each(['grant_types', 'response_types'])('an unknown one among %s is pointed at', async (field) => {
    const answer = await create({ [field]: ['magic'] });
    expectProblem(answer, 400);
    expect(pointersOf(answer)[0]).toMatch(new RegExp(`^/${field}(/0)?$`));
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['RFC 6749 §4.4 client_credentials for a public client', { token_endpoint_auth_method: 'none' }, '/grant_types/0'],
    ['client_credentials among others for a public client', { token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'client_credentials'], ...CALLBACK }, '/grant_types/1'],
    ['authorization_code without a redirect URI', { grant_types: ['authorization_code'] }, '/redirect_uris'],
    ['implicit without a redirect URI', { grant_types: ['implicit'] }, '/redirect_uris'],
    ['RFC 7591 §2.1 response type code without authorization_code', { response_types: ['code'] }, '/response_types/0'],
    ['RFC 7591 §2.1 response type token without implicit', { grant_types: ['authorization_code'], response_types: ['code', 'token'], ...CALLBACK }, '/response_types/1'],
    ['RFC 7591 §2.1 response type id_token without implicit', { grant_types: ['authorization_code'], response_types: ['id_token'], ...CALLBACK }, '/response_types/0'],
    ['a response type twice', { grant_types: ['authorization_code'], response_types: ['code', 'code'], ...CALLBACK }, '/response_types/1'],
    ['a post-logout redirect URI twice', { post_logout_redirect_uris: ['https://a.example/', 'https://a.example/'] }, '/post_logout_redirect_uris/1'],
    ['require_pkce false for a public client', { token_endpoint_auth_method: 'none', grant_types: ['authorization_code'], require_pkce: false, ...CALLBACK }, '/require_pkce'],
    ['a default_scope beyond scope', { scope: 'a b', default_scope: 'a c' }, '/default_scope'],
    ['an idle lifetime above the absolute one', { refresh_token_lifetime: 3600, refresh_token_idle_lifetime: 3601 }, '/refresh_token_idle_lifetime'],
    ['a grant type twice', { grant_types: ['client_credentials', 'client_credentials'] }, '/grant_types/1'],
    ['a redirect URI twice', { redirect_uris: ['https://a.example/', 'https://a.example/'] }, '/redirect_uris/1'],
  ])('%s is 400', async (_, body, pointer) => {
    expectProblem(await create(body), 400, pointer);
  });

  it('everything that is wrong is told at once', async () => {
    const answer = await create({ client_name: 7, enabled: 'yes', colour: 'red' });
    expectProblem(answer, 400);
    expect(pointersOf(answer).sort()).toEqual(['/client_name', '/colour', '/enabled']);
  });

  it.each(['id', 'isAdmin', 'is_admin', 'secretHash', 'secret_hash', 'digest', 'client_secret', 'tenantId', 'tokenGeneration', 'token_generation', 'tokenVersion', 'version', 'createdAt', 'created_at', 'updated_at',
    'clientName', 'toString', 'hasOwnProperty', 'a/b~c'])(
    'the unknown member %s is refused, not dropped',
    async (member) => {
      const before = await count();
      expectProblem(await create({ client_id: 'mass', [member]: 'x' }), 400, `/${member.replaceAll('~', '~0').replaceAll('/', '~1')}`);
      expect(await count()).toBe(before);
    },
  );

  it.each([
    ['{"__proto__": {"isAdmin": true}}', '/__proto__'],
    ['{"__proto__": null}', '/__proto__'],
    ['{"constructor": {"prototype": {"isAdmin": true}}}', '/constructor'],
    ['{"prototype": {}}', '/prototype'],
    ['{"\\u005f_proto__": {"enabled": false}}', '/__proto__'],
    ['{"redirect_uris": {"__proto__": ["https://a.example/"]}}', '/redirect_uris/__proto__'],
    ['{"scope": {"a": {"constructor": 1}}}', '/scope/a/constructor'],
    ['{"redirect_uris": [{"__proto__": []}]}', '/redirect_uris/0/__proto__'],
  ])('%s is 400, and no prototype has changed', async (body, pointer) => {
    const before = await count();
    expectProblem(await create(body), 400, pointer);
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
    expect(await count()).toBe(before);
    expect((await create({})).body).toMatchObject({ enabled: true });
  });

  it.each(['{', '{"a":}', "{'a':1}", '{"scope":"a"}x', '\u0000', 'client_name=x', '{"scope": NaN}', '{"client_name": "\\ud8"}'])('a body that is not JSON is 400: %j', async (body) => {
    expectProblem(await create(body), 400);
  });

  it.each(['[]', '[{}]', '"x"', '7', 'true', 'null'])('a body that is JSON but no object is 400: %s', async (body) => {
    expectProblem(await create(body), 400);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml', 'text/json', 'application/jsonp', 'application/octet-stream', 'json'])('a body of type %s is 415', async (type) => {
    expectProblem(await create('{}', { 'content-type': type }), 415);
  });

  it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])('a body of type %s is read', async (type) => {
    expect((await create('{}', { 'content-type': type })).status).toBe(201);
  });

  it.each([['gzip', 'application/json'], ['br', 'application/json'], ['x', 'application/json']])('a body in the encoding %s is 415', async (encoding, type) => {
    expectProblem(await create('{}', { 'content-type': type, 'content-encoding': encoding }), 415);
  });

  it('a body in another character set is 415', async () => {
    expectProblem(await create('{}', { 'content-type': 'application/json; charset=latin1' }), 415);
  });

  it('a body of 300 KB is 413', async () => {
    expectProblem(await create({ client_name: 'x'.repeat(300_000) }), 413);
  });

  it.each<[string, string, (depth: number) => string]>([
    ['objects', 'POST', (depth) => `{"scope":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`],
    ['arrays', 'POST', (depth) => `{"redirect_uris":${'['.repeat(depth)}${']'.repeat(depth)}}`],
    ['objects in an unknown member', 'POST', (depth) => `{"x":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`],
    ['objects', 'PATCH', (depth) => `{"scope":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`],
    ['arrays', 'PUT', (depth) => `{"redirect_uris":${'['.repeat(depth)}${']'.repeat(depth)}}`],
  ])('deeply nested %s by %s are 400, and the server goes on', async (_, method, body) => {
    await server.driver.adminRequest('PUT', '/clients/deep', {});
    const path = method === 'POST' ? '/clients' : '/clients/deep';
    const statuses: number[] = [];
    for (const depth of [40, 1000, 40_000]) statuses.push((await server.driver.adminRequest(method, path, body(depth))).status);
    expect(statuses).toEqual([400, 400, 400]);
    expect((await create({})).status).toBe(201);
  });
});
