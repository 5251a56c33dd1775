import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { clientAnswer } from '../../support/authorization-answers.js';
import { authorizationUrl, CALLBACK, PKCE } from '../../support/authorization-url.js';
import { Browser } from '../../support/browser.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { OAuthDriver } from '../../support/oauth-driver.js';
import { selfSignedCertificate } from '../../support/self-signed-certificate.js';
import { ADMIN, TestServer } from '../../support/test-server.js';
import { TlsClient } from '../../support/tls-client.js';

const NAME = 'id.example.com';
const ISSUER = `https://${NAME}`;
const SESSION = '__Host-mintgate_session';
const FORM = '__Host-mintgate_form_[\\w-]{22}';

describeOnOneDatabase('TLS_CERT_FILE and TLS_KEY_FILE', (kind) => {
  const certificate = selfSignedCertificate(NAME);
  const folder = mkdtempSync(join(tmpdir(), 'mintgate-tls-'));
  let server: TestServer;
  let port: number;
  let tls: TlsClient;
  let driver: OAuthDriver;

  beforeAll(async () => {
    const files = { TLS_CERT_FILE: join(folder, 'cert.pem'), TLS_KEY_FILE: join(folder, 'key.pem') };
    writeFileSync(files.TLS_CERT_FILE, certificate.cert);
    writeFileSync(files.TLS_KEY_FILE, certificate.key);
    server = await TestServer.start({ kind, env: { ISSUER, ...files } });
    port = Number(new URL(server.url).port);
    tls = await TlsClient.to(port, { cert: certificate.cert, servername: NAME });
    driver = new OAuthDriver(tls.url, ADMIN);
  });
  afterAll(async () => {
    await tls?.close();
    await server?.stop();
    rmSync(folder, { recursive: true });
  });

  it('the whole flow goes over https: sign-in, consent, code, tokens, userinfo, refresh, logout', async () => {
    const user = await driver.registerUser({ username: 'margaret', email: 'margaret@example.com' });
    const client = await driver.registerClient({ grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [CALLBACK], post_logout_redirect_uris: ['https://app.example/bye'], scope: 'openid email offline_access' });
    const browser = new Browser(tls.url, ISSUER);
    const { params } = clientAnswer(await browser.authorize(authorizationUrl(client, { scope: 'openid email offline_access' }), user));
    expect(params).toMatchObject({ code: expect.stringMatching(/^mg_ac_/) as string, iss: ISSUER });
    const { body, status } = await driver.redeem(client, { code: params['code'], redirect_uri: CALLBACK, code_verifier: PKCE.verifier });
    expect(status).toBe(200);
    const jwks = createLocalJWKSet((await driver.request<JSONWebKeySet>('GET', '/.well-known/jwks.json')).body);
    const currentDate = new Date(server.clock.nowMs());
    await jwtVerify(body['id_token'] as string, jwks, { issuer: ISSUER, audience: client.clientId, algorithms: ['RS256'], currentDate });
    await jwtVerify(body['access_token'] as string, jwks, { issuer: ISSUER, audience: ISSUER, algorithms: ['ES256'], currentDate });
    const userinfo = await driver.request('GET', '/oauth/userinfo', { headers: { authorization: `Bearer ${String(body['access_token'])}` } });
    expect(userinfo.body).toMatchObject({ sub: user.userId, email: 'margaret@example.com' });
    expect((await driver.refresh(client, body['refresh_token'] as string)).status).toBe(200);
    const query = new URLSearchParams({ id_token_hint: body['id_token'] as string, post_logout_redirect_uri: 'https://app.example/bye' });
    expect((await browser.get(`/oauth/logout?${query.toString()}`)).location?.href).toBe('https://app.example/bye');
    expect(browser.cookie(SESSION)).toBeUndefined();
  });

  it('every cookie is Secure, and says by its name that none but this host can have set it (RFC 6265bis §4.1.3)', async () => {
    const user = await driver.registerUser({ username: 'grace' });
    const client = await driver.registerClient({ grant_types: ['authorization_code'], redirect_uris: [CALLBACK], scope: 'read' });
    const browser = new Browser(tls.url, ISSUER);
    const begun = await browser.get(authorizationUrl(client));
    const form = begun.headers.getSetCookie();
    expect(form).toEqual([expect.stringMatching(new RegExp(`^${FORM}=[\\w-]+; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=\\d+$`))]);
    const page = await browser.follow(begun);
    const fields = { csrf_token: /name="csrf_token" value="([^"]+)"/.exec(page.text)![1], username: user.username, password: user.password, decision: 'sign_in' };
    const signedIn = await browser.post(begun.location!.pathname, fields);
    expect(signedIn.status).toBe(303);
    expect(signedIn.headers.getSetCookie()).toEqual([expect.stringMatching(new RegExp(`^${SESSION}=[\\w-]+; Path=/; HttpOnly; SameSite=Lax; Secure$`))]);
    expect((await browser.get('/account')).text).toContain('grace');
  });

  it('a session cookie under the name that it has on http counts for nothing: a neighbour of the host could have set it', async () => {
    const browser = new Browser(tls.url, ISSUER);
    await browser.signIn(await browser.get('/account'), await driver.registerUser({ username: 'joan' }));
    expect((await browser.get('/account')).text).toContain('joan');
    const planted = new Browser(tls.url, ISSUER);
    planted.setCookie('mintgate_session', browser.cookie(SESSION)!);
    expect((await planted.get('/account')).text).not.toContain('joan');
  });

  it('http is not spoken on that port, nor TLS older than 1.2 (RFC 9325 §3.1.1)', async () => {
    await expect(fetch(`http://127.0.0.1:${port}/health/live`)).rejects.toThrow('fetch failed');
    const versions = await Promise.all((['TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const).map((version) => new Promise<string>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, ca: certificate.cert, servername: NAME, minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' }, () => resolve(socket.getProtocol() ?? '')).on('error', () => resolve('refused'));
      socket.once('secureConnect', () => socket.destroy());
    })));
    expect(versions).toEqual(['refused', 'TLSv1.2', 'TLSv1.3']);
  });
});
