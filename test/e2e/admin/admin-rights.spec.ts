import { ADMIN_SCOPES } from '../../../src/resources/admin-api.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { TestServer } from '../../support/test-server.js';

const warningOf = (scope: string) => ({ pointer: '/scope', detail: `${scope} is a right in the admin API of this server` });

describeOnOneDatabase('a scope that is a right in the admin API', (kind) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
  });
  afterAll(() => server.stop());

  const adviceOf = async (clientId: string) =>
    (await server.driver.adminRequest<{ items: { advice: string; detail: string }[] }>('GET', `/clients/${clientId}/advice`)).body.items;

  it.each(Object.keys(ADMIN_SCOPES))('%s: the answer to a registration, a replacement and a change says so, and so does the advice', async (scope) => {
    const { clientId, metadata } = await server.driver.registerClient({ scope: `crm:read ${scope}` });
    const answers = [
      { body: metadata },
      await server.driver.adminRequest('PUT', `/clients/${clientId}`, { scope: `crm:read ${scope}`, client_name: 'CRM' }),
      await server.driver.adminRequest('PATCH', `/clients/${clientId}`, { client_name: 'Customers' }),
    ];
    for (const { body } of answers) expect(body['warnings']).toEqual([warningOf(scope)]);
    expect(await adviceOf(clientId)).toMatchObject([{ advice: 'admin_rights', section: 'RFC 9700 section 2.3', detail: expect.stringContaining(`${scope}: a right in the admin API`) as string }]);
  });

  it('a client without one gets no warning and no advice', async () => {
    const { clientId, metadata } = await server.driver.registerClient({ scope: 'crm:read users:list clients' });
    expect(metadata).not.toHaveProperty('warnings');
    expect(await adviceOf(clientId)).toEqual([]);
  });

  it('the client itself is shown without warnings, and an answer that is sent back whole changes nothing', async () => {
    const { clientId } = await server.driver.registerClient({ scope: 'users:read' });
    const path = `/clients/${clientId}`;
    const answer = await server.driver.adminRequest('PATCH', path, { client_name: 'CRM' });
    expect((await server.driver.adminRequest('GET', path)).body).not.toHaveProperty('warnings');
    for (const method of ['PUT', 'PATCH']) {
      const again = await server.driver.adminRequest(method, path, answer.body);
      expect([again.status, again.headers.get('etag')]).toEqual([200, answer.headers.get('etag')]);
    }
  });
});
