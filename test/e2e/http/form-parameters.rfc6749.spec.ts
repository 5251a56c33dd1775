import { gzipSync } from 'node:zlib';
import { basic, type Credentials } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { type RawAnswer, rawAnswer, type RawHeaders } from '../../support/raw-http.js';
import { TestServer } from '../../support/test-server.js';

const FORM = 'application/x-www-form-urlencoded';
const PATHS = ['/oauth/token', '/oauth/introspect', '/oauth/revoke'] as const;

describe('RFC 6749 §3.2 and Appendix B: the form body of the endpoints for clients', () => {
  let server: TestServer;
  let client: Credentials;
  let postClient: Credentials;

  /** A post with Basic, of the bytes as they are. */
  const post = (body: string | Buffer, headers: RawHeaders = [['Content-Type', FORM]], path: string = '/oauth/token'): Promise<RawAnswer> =>
    rawAnswer(server.url, 'POST', path, [['Authorization', basic(client)], ...headers], body);

  const valid = { '/oauth/token': 'grant_type=client_credentials', '/oauth/introspect': 'token=x', '/oauth/revoke': 'token=x' } as const;

  beforeAll(async () => {
    server = await TestServer.start();
    client = await server.driver.registerClient({ scope: 'read write', default_scope: 'read', resources: ['https://one.example', 'https://two.example'] });
    postClient = await server.driver.registerClient({ scope: 'read', token_endpoint_auth_method: 'client_secret_post' });
  });
  afterAll(() => server.stop());

  /** The server still serves, and nothing of an earlier request has rubbed off. */
  afterEach(async () => {
    expect((await server.driver.token(postClient)).status).toBe(401);
    const { status, body } = await server.driver.form('/oauth/token', { grant_type: 'client_credentials', client_id: postClient.clientId, client_secret: postClient.clientSecret });
    expect({ status, scope: body['scope'] }).toEqual({ status: 200, scope: 'read' });
    for (const name of ['a', 'x', 'client_id', 'polluted', 'scope']) expect(name in {}).toBe(false);
  });

  describe('§3.2: a parameter must not be included more than once', () => {
    it.each([
      ['grant_type', 'grant_type=client_credentials'],
      ['client_id', 'client_id='],
      ['client_secret', 'client_secret='],
      ['client_assertion', 'client_assertion=x'],
      ['client_assertion_type', 'client_assertion_type=x'],
      ['scope', 'scope=read'],
      ['username', 'username=x'],
      ['password', 'password=x'],
      ['refresh_token', 'refresh_token=x'],
      ['code', 'code=x'],
      ['redirect_uri', 'redirect_uri=https://app.example/cb'],
      ['code_verifier', 'code_verifier=x'],
      ['token', 'token=x'],
      ['token_type_hint', 'token_type_hint=access_token'],
    ])('%s twice -> invalid_request, with the same value and with another', async (name, pair) => {
      const rest = name === 'grant_type' ? '' : 'grant_type=client_credentials&';
      const once = pair.endsWith('=') ? `${pair}x` : pair;
      expectOAuthError(await post(`${rest}${once}&${once}`), 400, 'invalid_request');
      expectOAuthError(await post(`${rest}${once}&${name}=other`), 400, 'invalid_request');
    });

    it('is not fooled by two spellings of the same name', async () => {
      expectOAuthError(await post('grant_type=client_credentials&scope=read&%73cope=write'), 400, 'invalid_request');
      expectOAuthError(await post('grant_type=client_credentials&grant%5Ftype=foo'), 400, 'invalid_request');
    });

    it('resource may be repeated (RFC 8707 §2)', async () => {
      await server.driver.registerResource({ identifier: 'https://one.example' });
      await server.driver.registerResource({ identifier: 'https://two.example' });
      const answer = await post('grant_type=client_credentials&resource=https%3A%2F%2Fone.example&resource=https%3A%2F%2Ftwo.example');
      expect(answer.status).toBe(200);
    });

    it('a parameter of the authorization endpoint is unknown here, repeated or not', async () => {
      expect((await post('grant_type=client_credentials&state=1&state=2&nonce=1&nonce=2&claims=x&claims[x]=1&response_type=code&response_type=token')).status).toBe(200);
    });

    it.each(PATHS)('unknown parameters are ignored by %s, repeated or not', async (path) => {
      const answer = await post(`foo=1&foo=2&utm[x]=1&=nameless&flag&a.b=1&audience=z&${valid[path]}&foo=3`, undefined, path);
      expect(answer.status).toBe(200);
    });
  });

  describe('§3.2: a parameter without a value is as if it were omitted', () => {
    it('scope= gives the default scope', async () => {
      const answer = await post('grant_type=client_credentials&scope=&resource=&foo=');
      expect(answer).toMatchObject({ status: 200, body: { scope: 'read' } });
    });

    it.each(['grant_type=', 'grant_type', '', '&', '&&=&'])('%j has no grant_type -> invalid_request', async (body) => {
      expectOAuthError(await post(body), 400, 'invalid_request');
    });

    it('client_secret=, client_id= and client_assertion= beside Basic are no second authentication', async () => {
      expect((await post('grant_type=client_credentials&client_secret=&client_id=&client_assertion=&client_assertion_type=')).status).toBe(200);
    });

    it('client_secret= authenticates nobody', async () => {
      const answer = await server.driver.form('/oauth/token', { grant_type: 'client_credentials', client_id: postClient.clientId, client_secret: '' });
      expectOAuthError(answer, 401, 'invalid_client');
    });

    it('token= is a missing token', async () => {
      expectOAuthError(await post('token=', undefined, '/oauth/introspect'), 400, 'invalid_request');
    });
  });

  describe('parameters are flat', () => {
    it.each([
      'client_id[x]=1', 'client_id[]=1', 'scope[]=read', 'scope[0]=read', 'scope%5B%5D=read', 'grant_type[$ne]=x', 'resource[]=https://one.example', 'token[a][b]=1', 'code[]=x', 'redirect_uri[]=x', 'code_verifier[0]=x',
      '__proto__[a]=1', '__proto__[scope]=write', 'constructor[prototype][a]=1', 'constructor%5Bprototype%5D%5Bclient_id%5D=x', 'prototype[x]=1', 'toString[]=1', 'hasOwnProperty[x]=1', '__defineGetter__[x]=1',
    ])('%s -> invalid_request', async (pair) => {
      expectOAuthError(await post(`grant_type=client_credentials&${pair}`), 400, 'invalid_request');
      expectOAuthError(await post(`${pair}&grant_type=client_credentials`), 400, 'invalid_request');
    });

    it.each(['__proto__=1&__proto__=2', 'constructor=1', 'toString=1', 'hasOwnProperty=1&valueOf=2', 'prototype=x', '__proto__.scope=write', 'constructor.prototype.polluted=1'])('%s is just an unknown parameter', async (pairs) => {
      const answer = await post(`${pairs}&grant_type=client_credentials`);
      expect(answer).toMatchObject({ status: 200, body: { scope: 'read' } });
    });
  });

  describe('§4.4.2: application/x-www-form-urlencoded in UTF-8 and nothing else', () => {
    const json = JSON.stringify({ grant_type: 'client_credentials' });
    const multipart = '--b\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\nclient_credentials\r\n--b--\r\n';

    it.each<[string, RawHeaders, string]>([
      ['JSON', [['Content-Type', 'application/json']], json],
      ['JSON that says to be a form', [['Content-Type', 'application/x-www-form-urlencoded+json']], json],
      ['multipart/form-data', [['Content-Type', 'multipart/form-data; boundary=b']], multipart],
      ['text/plain', [['Content-Type', 'text/plain']], 'grant_type=client_credentials'],
      ['no Content-Type', [], 'grant_type=client_credentials'],
      ['an empty Content-Type', [['Content-Type', '']], 'grant_type=client_credentials'],
      ['a Content-Type that only begins like a form', [['Content-Type', 'application/x-www-form-urlencodedX']], 'grant_type=client_credentials'],
      ['two media types', [['Content-Type', 'text/plain, application/x-www-form-urlencoded']], 'grant_type=client_credentials'],
      ['charset=utf-16', [['Content-Type', `${FORM}; charset=utf-16`]], 'grant_type=client_credentials'],
      ['charset=utf-7', [['Content-Type', `${FORM}; charset=utf-7`]], 'grant_type=client_credentials'],
      ['an unheard-of charset', [['Content-Type', `${FORM}; charset=__proto__`]], 'grant_type=client_credentials'],
    ])('%s -> 400 or 415, and no token', async (_, headers, body) => {
      for (const path of PATHS) {
        const answer = await post(body, headers, path);
        expect([400, 415]).toContain(answer.status);
        expectOAuthError(answer, answer.status, 'invalid_request');
      }
    });

    it('is refused in UTF-16 also where the bytes say so', async () => {
      const answer = await post(Buffer.from('grant_type=client_credentials', 'utf16le'), [['Content-Type', `${FORM}; charset=utf-16le`]]);
      expectOAuthError(answer, answer.status === 415 ? 415 : 400, 'invalid_request');
    });

    it.each([FORM, `${FORM};charset=UTF-8`, `${FORM}; charset=utf-8`, `${FORM}; charset="utf-8"`, 'Application/X-WWW-Form-URLEncoded', `${FORM} ; charset=Utf-8`])('%s is taken', async (type) => {
      expect((await post('grant_type=client_credentials', [['Content-Type', type]])).status).toBe(200);
    });

    it('a compressed body is refused, a bomb too', async () => {
      for (const [encoding, body] of [
        ['gzip', gzipSync('grant_type=client_credentials')],
        ['gzip', gzipSync(Buffer.alloc(10 * 1024 * 1024, 'a'))],
        ['br', Buffer.from('grant_type=client_credentials')],
        ['nonsense', Buffer.from('grant_type=client_credentials')],
        ['gzip, gzip', gzipSync(gzipSync('grant_type=client_credentials'))],
      ] as const) {
        const answer = await post(body, [['Content-Type', FORM], ['Content-Encoding', encoding]]);
        expect([400, 413, 415]).toContain(answer.status);
        expectOAuthError(answer, answer.status, 'invalid_request');
      }
    });
  });

  describe('odd bytes', () => {
    it.each<[string, string | Buffer]>([
      ['a broken percent-escape', 'scope=%zz'],
      ['half an escape at the end', 'scope=%'],
      ['three hundred percent signs', `scope=${'%'.repeat(300)}`],
      ['an escaped surrogate', 'scope=%ED%A0%80'],
      ['an overlong escape', 'scope=%C0%AF'],
      ['a truncated UTF-8 sequence', 'scope=%F0%9F%8E'],
      ['a broken escape in an unknown parameter', 'foo=%zz'],
      ['a broken escape in a name', '%zz=1'],
      ['an escaped NUL', 'scope=read%00'],
      ['a raw NUL', 'scope=read\0'],
      ['a NUL in an unknown parameter', 'foo=%00'],
      ['a NUL in a name', 'scope%00=read'],
      ['raw bytes that are not UTF-8', Buffer.from('scope=\xff\xfe', 'latin1')],
      ['a raw overlong sequence', Buffer.from('foo=\xc0\xaf', 'latin1')],
      ['Latin-1', Buffer.from('foo=\xe9t\xe9', 'latin1')],
    ])('%s -> invalid_request', async (_, body) => {
      expectOAuthError(await post(Buffer.concat([Buffer.from('grant_type=client_credentials&'), Buffer.from(body)])), 400, 'invalid_request');
    });

    it.each(['%F0%9F%8E%AB', '🎫', 'r%C3%A9ad', 'read%E2%80%8B', 'read%0A', 'read%0D%0Aread', 'read%7F', 'read%09write'])('scope=%s -> invalid_scope', async (scope) => {
      expectOAuthError(await post(`grant_type=client_credentials&scope=${scope}`), 400, 'invalid_scope');
    });

    it.each(['%F0%9F%8E%AB', '../../etc/passwd', "x' OR '1'='1", 'x%0Ay', 'x'.repeat(5000), '%7B%22$ne%22:1%7D', '-x', '.'])('client_id=%s in the body -> invalid_client', async (clientId) => {
      const answer = await rawAnswer(server.url, 'POST', '/oauth/token', [['Content-Type', FORM]], `grant_type=client_credentials&client_id=${clientId}&client_secret=x`);
      expectOAuthError(answer, 401, 'invalid_client');
    });

    it.each(['🎫', '%F0%9F%8E%AB', '..', '%22%3E', "'%20OR%201=1--", 'mg_at_', 'mg_at_x', 'mg_cs_x', 'a.b.c', '...', 'e30.e30.', 'x'.repeat(20_000)])('token=%s is just not active', async (token) => {
      const introspected = await post(`token=${token}`, undefined, '/oauth/introspect');
      expect(introspected).toMatchObject({ status: 200, text: '{"active":false}' });
      expect((await post(`token=${token}&token_type_hint=${token.slice(0, 100)}`, undefined, '/oauth/revoke')).status).toBe(200);
    });

    it('a plus sign is a space, and %2B a plus sign', async () => {
      const plus = await server.driver.registerClient({ scope: 'a+b c' });
      const ask = (scope: string) => rawAnswer(server.url, 'POST', '/oauth/token', [['Authorization', basic(plus)], ['Content-Type', FORM]], `grant_type=client_credentials&scope=${scope}`);
      expect((await ask('a%2Bb+c')).body['scope']).toBe('a+b c');
      expectOAuthError(await ask('a+b'), 400, 'invalid_scope');
    });
  });

  it('none of this was an unexpected condition', () => {
    expect(server.logLines.length).toBeGreaterThan(0);
    expect(server.logLines.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
  });
});
