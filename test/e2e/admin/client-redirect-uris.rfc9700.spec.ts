import { expectProblem } from '../../support/problems.js';
import { TestServer } from '../../support/test-server.js';

const REFUSED: [case_: string, uri: string][] = [
  ['javascript:', 'javascript:alert(1)'],
  ['javascript: in mixed case', 'JaVaScRiPt:alert(1)'],
  ['javascript: with an authority', 'javascript://app.example.com/%0aalert(1)'],
  ['javascript: behind a tab', '\tjavascript:alert(1)'],
  ['javascript: with a line break inside', 'java\nscript:alert(1)'],
  ['data:', 'data:text/html,<script>alert(1)</script>'],
  ['vbscript:', 'vbscript:msgbox(1)'],
  ['file:', 'file:///etc/passwd'],
  ['blob:', 'blob:https://app.example.com/0f'],
  ['ftp:', 'ftp://app.example.com/cb'],
  ['about:', 'about:blank'],
  ['a custom scheme without a dot', 'myapp://cb'],
  ['a custom scheme without a dot or slashes', 'myapp:cb'],
  ['http beyond loopback', 'http://app.example.com/cb'],
  ['http on localhost', 'http://localhost/cb'],
  ['http on localhost with a port', 'http://localhost:8080/cb'],
  ['http on another loopback address', 'http://127.0.0.2/cb'],
  ['http on a host that begins like loopback', 'http://127.0.0.1.example.com/cb'],
  ['http on loopback written short', 'http://127.1/cb'],
  ['http on loopback in hexadecimal', 'http://0x7f.0.0.1/cb'],
  ['http on loopback as one number', 'http://2130706433/cb'],
  ['http on the unspecified address', 'http://0.0.0.0/cb'],
  ['http on loopback with a dot behind', 'http://127.0.0.1./cb'],
  ['http on ::ffff:127.0.0.1', 'http://[::ffff:127.0.0.1]/cb'],
  ['http on ::1 written long', 'http://[0:0:0:0:0:0:0:1]/cb'],
  ['a wildcard in the host', 'https://*.example.com/cb'],
  ['a wildcard in the path', 'https://app.example.com/*'],
  ['a wildcard alone', '*'],
  ['a fragment', 'https://app.example.com/cb#x'],
  ['an empty fragment', 'https://app.example.com/cb#'],
  ['user information', 'https://user@app.example.com/cb'],
  ['user information with a password', 'https://user:pass@app.example.com/cb'],
  ['empty user information', 'https://@app.example.com/cb'],
  ['a host disguised as user information', 'https://app.example.com@evil.example/cb'],
  ['a custom scheme with user information', 'com.example.app://user@host/cb'],
  ['dot segments', 'https://app.example.com/a/../cb'],
  ['a single dot segment', 'https://app.example.com/./cb'],
  ['a dot segment at the end', 'https://app.example.com/cb/..'],
  ['encoded dot segments', 'https://app.example.com/a/%2e%2e/cb'],
  ['half encoded dot segments', 'https://app.example.com/a/.%2E/cb'],
  ['a dot segment with a parameter', 'https://app.example.com/a/..;x/cb'],
  ['dot segments of a custom scheme', 'com.example.app:/a/../cb'],
  ['a backslash', 'https://app.example.com\\@evil.example/cb'],
  ['a backslash in the path', 'https://app.example.com/a\\..\\cb'],
  ['a space', 'https://app.example.com/c b'],
  ['a space behind', 'https://app.example.com/cb '],
  ['a line break', 'https://app.example.com/cb\r\nSet-Cookie: x=1'],
  ['a NUL', 'https://app.example.com/cb\u0000'],
  ['an upper-case host', 'https://APP.example.com/cb'],
  ['an upper-case scheme', 'HTTPS://app.example.com/cb'],
  ['an internationalised host', 'https://ünïcode.example/cb'],
  ['a host with a fullwidth dot', 'https://app。example.com/cb'],
  ['a percent-encoded host', 'https://%61pp.example.com/cb'],
  ['a default port', 'https://app.example.com:443/cb'],
  ['a port out of range', 'https://app.example.com:65536/cb'],
  ['no slash behind the scheme', 'https:app.example.com/cb'],
  ['three slashes', 'https:///app.example.com/cb'],
  ['no host', 'https://'],
  ['a network-path reference', '//evil.example/cb'],
  ['a relative reference', '/cb'],
  ['a bare host', 'app.example.com/cb'],
  ['an empty text', ''],
  ['more than 2000 characters', `https://app.example.com/${'x'.repeat(2000)}`],
];

const TAKEN = [
  'https://app.example.com',
  'https://app.example.com/',
  'https://app.example.com/cb',
  'https://app.example.com:8443/deep/path',
  'https://app.example.com/cb?tenant=7&next=%2Fhome',
  'https://app.example.com/a..b/.well-known/cb',
  'https://xn--ncode-hsa5e.example/cb',
  'https://203.0.113.7/cb',
  'https://localhost/cb',
  'http://127.0.0.1/cb',
  'http://127.0.0.1:51004/cb',
  'http://[::1]/cb',
  'http://[::1]:8080/cb?x=1',
  'com.example.app:/cb',
  'com.example.app://cb',
  'com.example.app:/oauth/cb?x=1',
];

describe('RFC 9700 §2.1, RFC 8252 §7 redirect URIs are checked when they are written', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start();
    await server.driver.adminRequest('PUT', '/clients/kept', { grant_types: ['authorization_code'], redirect_uris: ['https://app.example.com/cb'] });
  });
  afterAll(() => server.stop());

  const client = (...uris: string[]) => ({ grant_types: ['authorization_code'], redirect_uris: uris });

  it.each(REFUSED)('%s is refused, whichever way it is written', async (_, uri) => {
    const good = 'https://app.example.com/cb';
    expectProblem(await server.driver.adminRequest('POST', '/clients', client(uri)), 400, '/redirect_uris/0');
    expectProblem(await server.driver.adminRequest('POST', '/clients', client(good, uri)), 400, '/redirect_uris/1');
    expectProblem(await server.driver.adminRequest('POST', '/clients', { post_logout_redirect_uris: [uri] }), 400, '/post_logout_redirect_uris/0');
    expectProblem(await server.driver.adminRequest('PATCH', '/clients/kept', { redirect_uris: [uri] }), 400, '/redirect_uris/0');
    expectProblem(await server.driver.adminRequest('PUT', '/clients/kept', client(uri)), 400, '/redirect_uris/0');
    expect((await server.driver.adminRequest('GET', '/clients/kept')).body['redirect_uris']).toEqual([good]);
  });

  it.each(TAKEN)('%s is taken, byte by byte', async (uri) => {
    const answer = await server.driver.adminRequest('POST', '/clients', client(uri));
    expect([answer.status, answer.body['redirect_uris']]).toEqual([201, [uri]]);
  });
});
