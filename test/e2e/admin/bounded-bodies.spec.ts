import { describeOnOneDatabase } from '../../support/databases.js';
import { type Answer } from '../../support/oauth-driver.js';
import { expectProblem, pointersOf, type ProblemDetails } from '../../support/problems.js';
import { TestServer } from '../../support/test-server.js';

const IDENTIFIER = 'https://a.example/x';
const wrong = (elements: number): unknown[] => Array<unknown>(elements).fill({});
const errorsOf = (answer: Answer<unknown>) => (answer.body as ProblemDetails).errors ?? [];

/** Every array of the admin API, with its limit and a body that holds the given elements there. */
const ARRAYS: [path: string, at: string, limit: number, body: (elements: unknown[]) => object][] = [
  ['/clients', '/grant_types', 20, (elements) => ({ grant_types: elements })],
  ['/clients', '/response_types', 20, (elements) => ({ response_types: elements })],
  ['/clients', '/redirect_uris', 100, (elements) => ({ redirect_uris: elements })],
  ['/clients', '/post_logout_redirect_uris', 100, (elements) => ({ post_logout_redirect_uris: elements })],
  ['/clients', '/resources', 100, (elements) => ({ resources: elements })],
  ['/users', '/roles', 100, (elements) => ({ username: 'x', roles: elements })],
  ['/resources', '/scopes', 200, (elements) => ({ identifier: IDENTIFIER, scopes: elements })],
  ['/resources', '/scopes/0/required_roles', 50, (elements) => ({ identifier: IDENTIFIER, scopes: [{ name: 'a', required_roles: elements }] })],
  ['/resources', '/resource_servers', 100, (elements) => ({ identifier: IDENTIFIER, resource_servers: elements })],
];

describeOnOneDatabase('the bounds of an admin request body', (kind) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
  });
  afterAll(() => server.stop());

  const post = (path: string, body: unknown) => server.driver.adminRequest('POST', path, body);

  describe.each(ARRAYS)('%s%s', (path, at, limit, bodyWith) => {
    it(`an array of ${limit + 1} elements is refused whole and its elements are not validated`, async () => {
      const answer = await post(path, bodyWith(wrong(limit + 1)));
      expectProblem(answer, 400, at);
      expect(errorsOf(answer)).toEqual([{ pointer: at, detail: `must contain no more than ${limit} elements` }]);
    });

    it('an array of 80,000 elements is refused before the fields are validated', async () => {
      const answer = await post(path, { ...bodyWith(wrong(80_000)), unknown_field: 1 });
      expect(errorsOf(answer)).toEqual([{ pointer: at, detail: 'must contain no more than 1000 elements' }]);
      expect(answer.text.length).toBeLessThan(500);
    });

    it(`an array of ${limit} wrong elements is validated and at most 100 errors are listed`, async () => {
      const answer = await post(path, bodyWith(wrong(limit)));
      expectProblem(answer, 400);
      expect(pointersOf(answer)).toContainEqual(expect.stringContaining(at));
      expect(errorsOf(answer).length).toBeLessThanOrEqual(100);
      expect(answer.text.length).toBeLessThan(20_000);
    });
  });

  it('a response that lists 100 of more errors says how many there are', async () => {
    const { detail } = (await post('/resources', { identifier: IDENTIFIER, scopes: wrong(200) })).body as unknown as ProblemDetails;
    expect(detail).toMatch(/^The request is not valid\. Only the first 100 of \d{3} errors are listed\.$/);
  });

  it('an object of 1,001 members is refused whole', async () => {
    const members = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`member_${index}`, 1]));
    expect(errorsOf(await post('/clients', members))).toEqual([{ pointer: '', detail: 'must contain no more than 1000 members' }]);
    expect(errorsOf(await post('/users', { username: 'x', address: members }))).toEqual([{ pointer: '/address', detail: 'must contain no more than 1000 members' }]);
  });

  it('a body of more than 20,000 values is refused whole', async () => {
    const answer = await post('/resources', { identifier: IDENTIFIER, scopes: Array(150).fill(Array(150).fill(0)) });
    expectProblem(answer, 400);
    expect(answer.body['detail']).toBe('The request body holds more than 20000 values.');
    expect(answer.body).not.toHaveProperty('errors');
  });

  it('a merge patch has the same bounds', async () => {
    const { clientId } = await server.driver.registerClient();
    const answer = await server.driver.adminRequest('PATCH', `/clients/${clientId}`, { redirect_uris: wrong(101) });
    expect(errorsOf(answer)).toEqual([{ pointer: '/redirect_uris', detail: 'must contain no more than 100 elements' }]);
  });

  it('an array at its limit is accepted', async () => {
    const scopes = Array.from({ length: 200 }, (_, index) => ({ name: `bounded:${index}`, required_roles: ['a', 'b'] }));
    expect((await post('/resources', { identifier: `${IDENTIFIER}/full`, scopes })).status).toBe(201);
  });
});
