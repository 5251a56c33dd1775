import { request } from 'node:http';
import { describeOnOneDatabase } from '../../support/databases.js';
import { expectProblem } from '../../support/problems.js';
import { ADMIN, TestServer } from '../../support/test-server.js';

const DESK = { grant_types: ['authorization_code'], redirect_uris: ['https://desk.example.com/cb'], scope: 'openid email', enabled: false };

describeOnOneDatabase('an admin request without a body', (kind) => {
  let server: TestServer;
  let path: string;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
  });
  beforeEach(async () => {
    path = `/clients/${(await server.driver.registerClient(DESK)).clientId}`;
  });
  afterAll(() => server.stop());

  const state = async () => (await server.driver.adminRequest('GET', path)).body;

  it('PUT of a client is 400 and leaves the client as it was', async () => {
    const before = await state();
    expectProblem(await server.driver.adminRequest('PUT', path), 400);
    expect(await state()).toEqual(before);
  });

  it('PUT of a client with an empty chunked body is 400 and leaves the client as it was', async () => {
    const before = await state();
    const token = await server.driver.accessToken(ADMIN);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
      request(`${server.url}/admin/v1${path}`, { method: 'PUT', headers }, (res) => resolve(res.resume().statusCode)).on('error', reject).end();
    });
    expect(status).toBe(400);
    expect(await state()).toEqual(before);
  });

  it('PUT of a client that does not exist is 400 and makes none', async () => {
    expectProblem(await server.driver.adminRequest('PUT', '/clients/never-made'), 400);
    expect((await server.driver.adminRequest('GET', '/clients/never-made')).status).toBe(404);
  });

  it('PUT of a password is 400', async () => {
    const { userId } = await server.driver.registerUser({ username: 'bodiless' });
    expectProblem(await server.driver.adminRequest('PUT', `/users/${userId}/password`), 400);
  });

  it('PUT of an empty object sets every field to its default', async () => {
    const answer = await server.driver.adminRequest('PUT', path, {});
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ grant_types: ['client_credentials'], redirect_uris: [], scope: '', enabled: true });
  });
});
