import { Database } from '../../../src/database/database.js';
import { expectProblem } from '../../support/problems.js';
import { TestServer } from '../../support/test-server.js';

const REFUSED: [case_: string, uri: string][] = [
  ['http', 'http://app.example.com/logout'],
  ['http on a host beside the allowed one', 'http://app.internal.example.com/logout'],
  ['http on another port of an allowed host', 'http://app.internal:8081/logout'],
  ['http on loopback', 'http://127.0.0.1/logout'],
  ['http on a port of loopback', 'http://127.0.0.1:8080/logout'],
  ['http on loopback of IPv6', 'http://[::1]/logout'],
  ['https on loopback', 'https://127.0.0.1/logout'],
  ['https on loopback of IPv6', 'https://[::1]/logout'],
  ['https on a mapped address', 'https://[::ffff:10.0.0.1]/logout'],
  ['https on localhost', 'https://localhost/logout'],
  ['https on a name below localhost', 'https://app.localhost/logout'],
  ['a private address', 'https://10.0.0.1/logout'],
  ['a unique local address', 'https://[fd00::1]/logout'],
  ['the address of cloud metadata', 'https://169.254.169.254/latest/meta-data'],
  ['a link-local address', 'https://[fe80::1]/logout'],
  ['another port than 443', 'https://app.example.com:8443/logout'],
  ['http on localhost', 'http://localhost:8080/logout'],
  ['http on loopback written short', 'http://127.1/logout'],
  ['a fragment', 'https://app.example.com/logout#x'],
  ['an empty fragment', 'https://app.example.com/logout#'],
  ['user information', 'https://user:pass@app.example.com/logout'],
  ['empty user information', 'https://@app.example.com/logout'],
  ['a private-use scheme', 'com.example.app:/logout'],
  ['javascript:', 'javascript:alert(1)'],
  ['gopher:', 'gopher://app.example.com/logout'],
  ['a relative reference', '/logout'],
  ['a network-path reference', '//app.example.com/logout'],
  ['an upper-case host', 'https://APP.example.com/logout'],
  ['a default port', 'https://app.example.com:443/logout'],
  ['dot segments', 'https://app.example.com/a/../logout'],
  ['a line break', 'https://app.example.com/logout\r\nX: y'],
  ['a space', 'https://app.example.com/log out'],
  ['a backslash', 'https://app.example.com\\logout'],
  ['an empty text', ''],
  ['more than 2000 characters', `https://app.example.com/${'x'.repeat(2000)}`],
];

const TAKEN = ['https://app.example.com', 'https://app.example.com/logout?tenant=7', 'https://8.8.8.8/logout', 'https://[2606:4700::1111]/logout', 'http://app.internal:8080/logout', 'https://app.internal:8080/logout'];

describe('OpenID Connect Back-Channel Logout 1.0 §2.2 client metadata', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ env: { OUTBOUND_ALLOWED_HOSTS: 'app.internal:8080' } });
    await server.driver.adminRequest('PUT', '/clients/kept', { backchannel_logout_uri: 'https://app.example.com/kept', backchannel_logout_session_required: true });
  });
  afterAll(() => server.stop());

  it.each(REFUSED)('%s is refused, whichever way it is written', async (_, uri) => {
    expectProblem(await server.driver.adminRequest('POST', '/clients', { backchannel_logout_uri: uri }), 400, '/backchannel_logout_uri');
    expectProblem(await server.driver.adminRequest('PUT', '/clients/kept', { backchannel_logout_uri: uri }), 400, '/backchannel_logout_uri');
    expectProblem(await server.driver.adminRequest('PATCH', '/clients/kept', { backchannel_logout_uri: uri }), 400, '/backchannel_logout_uri');
    expect((await server.driver.adminRequest('GET', '/clients/kept')).body).toMatchObject({ backchannel_logout_uri: 'https://app.example.com/kept', backchannel_logout_session_required: true });
  });

  it.each(TAKEN)('%s is taken as it stands', async (uri) => {
    const answer = await server.driver.adminRequest('POST', '/clients', { backchannel_logout_uri: uri });
    expect([answer.status, answer.body['backchannel_logout_uri']]).toEqual([201, uri]);
  });

  it('a URI that an earlier version registered stays while other members change, and a new one follows the rules', async () => {
    const { clientId } = await server.driver.registerClient({});
    await server.get(Database).execute(`UPDATE clients SET backchannel_logout_uri = 'http://127.0.0.1:8080/old' WHERE client_id = ?`, [clientId]);
    const disabled = await server.driver.adminRequest('PATCH', `/clients/${clientId}`, { enabled: false });
    expect([disabled.status, disabled.body['backchannel_logout_uri']]).toEqual([200, 'http://127.0.0.1:8080/old']);
    expectProblem(await server.driver.adminRequest('PATCH', `/clients/${clientId}`, { backchannel_logout_uri: 'http://127.0.0.1:8080/new' }), 400, '/backchannel_logout_uri');
  });

  it('null by a merge patch takes both away again, and a client that was never told of them has neither', async () => {
    const unset = { backchannel_logout_uri: null, backchannel_logout_session_required: false };
    await server.driver.adminRequest('PUT', '/clients/told', { backchannel_logout_uri: 'https://app.example.com/logout', backchannel_logout_session_required: true });
    expect((await server.driver.adminRequest('PATCH', '/clients/told', { backchannel_logout_uri: null, backchannel_logout_session_required: null })).body).toMatchObject(unset);
    expect((await server.driver.adminRequest('PUT', '/clients/untold', {})).body).toMatchObject(unset);
  });
});
