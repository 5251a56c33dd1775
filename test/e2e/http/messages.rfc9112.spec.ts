import { basic, type Credentials } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { exchange, rawAnswer, type RawHeaders, rawRequest } from '../../support/raw-http.js';
import { TestServer } from '../../support/test-server.js';

const FORM: RawHeaders = [['Content-Type', 'application/x-www-form-urlencoded']];
const GRANT = 'grant_type=client_credentials';
const PATHS = ['/oauth/token', '/oauth/introspect', '/oauth/revoke'] as const;

describe('HTTP messages: methods, sizes, framing', () => {
  let server: TestServer;
  let client: Credentials;
  let authorized: RawHeaders;

  const send = (bytes: Buffer) => exchange(server.url, bytes);
  const chunked = (text: string, size: number): string => {
    let body = '';
    for (let at = 0; at < text.length; at += size) body += `${Math.min(size, text.length - at).toString(16)}\r\n${text.slice(at, at + size)}\r\n`;
    return `${body}0\r\n\r\n`;
  };

  beforeAll(async () => {
    server = await TestServer.start({ env: { LOG_LEVEL: 'debug' } });
    client = await server.driver.registerClient({ scope: 'read' });
    authorized = [['Authorization', basic(client)], ...FORM];
  });
  afterAll(() => server.stop());

  /** However a connection was abused, the next one is served. */
  afterEach(async () => {
    expect((await server.driver.token(client)).status).toBe(200);
  });

  describe('RFC 6749 §3.2, RFC 7662 §2.1, RFC 7009 §2.1: POST only', () => {
    describe.each(PATHS)('%s', (path) => {
      it.each(['GET', 'PUT', 'DELETE', 'PATCH', 'PROPFIND', 'SEARCH'])('%s -> 405 with Allow: POST, and nothing is issued', async (method) => {
        const body = method === 'GET' ? '' : GRANT;
        const answer = await rawAnswer(server.url, method, `${path}?${GRANT}&token=x&client_id=${client.clientId}&client_secret=${client.clientSecret}`, authorized, body);
        expectOAuthError(answer, 405, 'invalid_request');
        expect(answer.headers.get('allow')).toBe('POST');
      });

      it('HEAD -> 405 with Allow: POST and no body', async () => {
        const answer = await server.driver.request('HEAD', path, { headers: { authorization: basic(client) } });
        expect(answer).toMatchObject({ status: 405, text: '' });
        expect(answer.headers.get('allow')).toBe('POST');
      });

      it('TRACE -> 405 or 501, and nothing is reflected', async () => {
        const answer = await rawAnswer(server.url, 'TRACE', path, [...authorized, ['X-Canary', 'canary']]);
        expect([405, 501]).toContain(answer.status);
        expect(answer.text).not.toMatch(/canary|authorization/i);
      });

      it.each(['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'])('GET with %s: POST stays GET', async (header) => {
        expect((await rawAnswer(server.url, 'GET', `${path}?_method=POST`, [...authorized, [header, 'POST']])).status).toBe(405);
      });

      it('OPTIONS from a foreign origin allows it nothing', async () => {
        const answer = await rawAnswer(server.url, 'OPTIONS', path, [['Origin', 'https://evil.example'], ['Access-Control-Request-Method', 'POST']]);
        expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      });
    });
  });

  describe('RFC 6749 §2.3.1: credentials do not belong in the URI', () => {
    it('issue nothing there, whatever else is sent, and do not reach the log', async () => {
      const query = `${GRANT}&client_id=${client.clientId}&client_secret=${client.clientSecret}&scope=read`;
      expectOAuthError(await rawAnswer(server.url, 'POST', `/oauth/token?${query}`, FORM, GRANT), 401, 'invalid_client');
      expectOAuthError(await rawAnswer(server.url, 'POST', `/oauth/token?${query}`, FORM), 401, 'invalid_client');
      expect((await rawAnswer(server.url, 'POST', `/oauth/token?${query}`, [])).status).toBe(400);
      expect((await rawAnswer(server.url, 'GET', `/oauth/token?${query}`, [])).status).toBe(405);
      expect((await rawAnswer(server.url, 'GET', `/nowhere?${query}`, [])).status).toBe(404);
      expectOAuthError(await rawAnswer(server.url, 'POST', `/oauth/token?${GRANT}`, authorized), 400, 'invalid_request');
      expect((await rawAnswer(server.url, 'GET', `/admin/v1/clients?access_token=canary-in-the-query`, [])).status).toBe(401);
      const log = server.logLines.join('\n');
      expect(log).toContain('/oauth/token');
      expect(log).not.toContain(client.clientSecret);
      expect(log).not.toContain('canary-in-the-query');
    });
  });

  describe('paths mean what they say', () => {
    it.each(['//oauth/token', '/OAUTH/token', '/oauth/Token', '/oauth%2ftoken', '/oauth%2Ftoken', '/oauth/token/', '/oauth//token', '/oauth/./token', '/x/../oauth/token', '/oauth/%2e/token', '/oauth/token;x=1', '/oauth/token%20', '/oauth/token%00', '/%6fauth/token', '/oauth\\token', '/oauth/token.json', '/oauth/token%zz', '/oauth/%ED%A0%80'])(
      'POST %s -> 400 or 404, and no token',
      async (path) => {
        const answer = await rawAnswer(server.url, 'POST', path, authorized, GRANT);
        expect([400, 404]).toContain(answer.status);
        expect(answer.body).not.toHaveProperty('access_token');
      },
    );
  });

  describe('paths of the admin API do not lead around its guard', () => {
    it.each(['/admin/v1/clients', '//admin/v1/clients', '/ADMIN/v1/clients', '/admin/V1/clients', '/admin%2fv1%2fclients', '/admin/v1/clients/', '/admin/v1//clients', '/admin/..;/admin/v1/clients', '/oauth/token/../../admin/v1/clients', '/health/live/%2e%2e/%2e%2e/admin/v1/clients', '/admin/v1/clients%00', '/admin/v1/clients;.css', '/admin/v1/clients?access_token=x', '/docs/../admin/v1/clients', '\\admin\\v1\\clients'])(
      '%s without a token -> 400, 401, 404 or 405, by GET, HEAD and POST',
      async (path) => {
        for (const headers of [[], [['X-HTTP-Method-Override', 'GET'], ['X-Original-URL', '/admin/v1/clients'], ['X-Rewrite-URL', '/admin/v1/clients']]] as RawHeaders[]) {
          for (const method of ['GET', 'POST']) expect([400, 401, 404, 405]).toContain((await rawAnswer(server.url, method, path, headers)).status);
          const { answers } = await send(rawRequest('HEAD', path, [...headers, ['Connection', 'close']]));
          expect([400, 401, 404, 405]).toContain(answers[0]?.status);
        }
      },
    );
  });

  describe('sizes', () => {
    it('a body of 200 KB -> 413', async () => {
      const began = performance.now();
      expectOAuthError(await rawAnswer(server.url, 'POST', '/oauth/token', authorized, `${GRANT}&x=${'a'.repeat(200 * 1024)}`), 413, 'invalid_request');
      expect(performance.now() - began).toBeLessThan(2000);
    });

    it('an announced body of 1 TB -> 413 before any of it is read', async () => {
      const { answers } = await send(rawRequest('POST', '/oauth/token', [...authorized, ['Content-Length', String(2 ** 40)]], GRANT));
      expectOAuthError(answers[0], 413, 'invalid_request');
    });

    it('a body of 200 KB in chunks, whose size nobody announced -> 413', async () => {
      for (const size of [7, 1024, 200 * 1024]) {
        const body = chunked(`${GRANT}&x=${'a'.repeat(200 * 1024)}`, size);
        expectOAuthError(await rawAnswer(server.url, 'POST', '/oauth/token', [...authorized, ['Transfer-Encoding', 'chunked']], body), 413, 'invalid_request');
      }
    });

    it('a small body in chunks is taken, a byte at a time too', async () => {
      const answer = await rawAnswer(server.url, 'POST', '/oauth/token', [...authorized, ['Transfer-Encoding', 'chunked']], chunked(GRANT, 1));
      expect(answer.status).toBe(200);
    });

    it.each([['a=1', 2000], ['resource=x', 2000], ['a', 2000], ['=', 2000]])('%s, %i times -> 413', async (pair, times) => {
      expectOAuthError(await rawAnswer(server.url, 'POST', '/oauth/token', authorized, `${GRANT}&${Array<string>(times).fill(pair).join('&')}`), 413, 'invalid_request');
    });

    it('what is left of a body that was too large is not read as the next request', async () => {
      const large = rawRequest('POST', '/oauth/token', authorized, `${GRANT}&x=${'a'.repeat(60_000)}`);
      const next = rawRequest('POST', '/oauth/token', [...authorized, ['Connection', 'close']], GRANT);
      const { answers } = await send(Buffer.concat([large, next]));
      expect([[413], [413, 200]]).toContainEqual(answers.map(({ status }) => status));
    });

    it.each(PATHS)('%s refuses them before it looks at the credentials', async (path) => {
      expectOAuthError(await rawAnswer(server.url, 'POST', path, FORM, 'a'.repeat(200 * 1024)), 413, 'invalid_request');
    });

    it('a header of 20 KB -> 431', async () => {
      for (const header of ['Authorization', 'Cookie', 'X-Anything']) {
        const { answers, closed } = await send(rawRequest('POST', '/oauth/token', [...FORM, [header, `Basic ${'a'.repeat(20 * 1024)}`]], GRANT));
        expect(answers.map(({ status }) => status)).toEqual([431]);
        expect(closed).toBe(true);
      }
    });

    it('a path of 20 KB -> 414 or 431', async () => {
      const { answers } = await send(rawRequest('POST', `/oauth/token?${'a'.repeat(20 * 1024)}`, FORM, GRANT));
      expect([414, 431]).toContain(answers[0]?.status);
    });
  });

  describe('RFC 9112 §3.2, §6: one reading of where a request begins and whom it is for', () => {
    const smuggled = rawRequest('GET', '/health/live', [['X-Smuggled', '1']]).toString('latin1');
    const request = (headers: RawHeaders, body: string) => rawRequest('POST', '/oauth/token', [...authorized, ...headers], body);

    it.each<[string, () => Buffer]>([
      ['Content-Length and Transfer-Encoding', () => request([['Content-Length', '4'], ['Transfer-Encoding', 'chunked']], `0\r\n\r\n${smuggled}`)],
      ['Transfer-Encoding and Content-Length', () => request([['Transfer-Encoding', 'chunked'], ['Content-Length', '4']], `0\r\n\r\n${smuggled}`)],
      ['two different Content-Lengths', () => request([['Content-Length', String(GRANT.length)], ['Content-Length', '0']], GRANT + smuggled)],
      ['two equal Content-Lengths', () => request([['Content-Length', String(GRANT.length)], ['Content-Length', String(GRANT.length)]], GRANT + smuggled)],
      ['a list of Content-Lengths', () => request([['Content-Length', `${GRANT.length}, ${GRANT.length}`]], GRANT + smuggled)],
      ['a signed Content-Length', () => request([['Content-Length', `+${GRANT.length}`]], GRANT + smuggled)],
      ['a hexadecimal Content-Length', () => request([['Content-Length', '0x1d']], GRANT + smuggled)],
      ['a Transfer-Encoding that does not end in chunked', () => request([['Transfer-Encoding', 'chunked, identity']], `0\r\n\r\n${smuggled}`)],
      ['an unknown Transfer-Encoding', () => request([['Transfer-Encoding', 'xchunked']], `0\r\n\r\n${smuggled}`)],
      ['a chunk size that is no number', () => request([['Transfer-Encoding', 'chunked']], `zz\r\n${GRANT}\r\n0\r\n\r\n${smuggled}`)],
      ['a header name followed by a space', () => Buffer.from(request([], GRANT).toString('latin1').replace('Content-Length:', 'Content-Length :'), 'latin1')],
      ['a folded header line', () => Buffer.from(request([['X-A', 'b']], GRANT).toString('latin1').replace('X-A: b\r\n', 'X-A: b\r\n c\r\n'), 'latin1')],
      ['a bare line feed in the head', () => Buffer.from(request([['X-A', 'b']], GRANT).toString('latin1').replace('X-A: b\r\n', 'X-A: b\nX-B: c\r\n'), 'latin1')],
      ['a NUL in a header', () => request([['X-A', 'a\0b']], GRANT)],
      ['two Hosts', () => request([['Host', '127.0.0.1'], ['Host', 'evil.example']], GRANT)],
      ['two equal Hosts', () => request([['Host', '127.0.0.1'], ['host', '127.0.0.1']], GRANT)],
      ['no Host', () => Buffer.from(request([], GRANT).toString('latin1').replace('Host: 127.0.0.1\r\n', ''), 'latin1')],
    ])('%s -> 400 and the connection is closed', async (_, bytes) => {
      const { answers, closed } = await send(bytes());
      expect(answers.map(({ status }) => status)).toEqual([400]);
      expect(closed).toBe(true);
      expect(answers[0].text).not.toContain('access_token');
    });

    it.each<[string, string]>([
      ['a sentence', 'hello, is anybody there?\r\n\r\n'],
      ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
      ['HTTP/2 without TLS', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
      ['an unknown version', 'GET /health/live HTTP/9.9\r\nHost: x\r\n\r\n'],
    ])('%s is no request: 400, 405 or 505, and the connection is closed', async (_, text) => {
      const { answers, closed } = await send(Buffer.from(text, 'latin1'));
      expect([400, 405, 505]).toContain(answers[0]?.status);
      expect(closed).toBe(true);
    });

    it('two Authorization headers -> invalid_request, in any order and case (RFC 6749 §2.3)', async () => {
      const [one, other] = [basic(client), 'Bearer x'];
      for (const [first, second] of [[one, other], [other, one], [one, one]] as const) {
        const answer = await rawAnswer(server.url, 'POST', '/oauth/token', [...FORM, ['Authorization', first], ['authorization', second]], GRANT);
        expectOAuthError(answer, 400, 'invalid_request');
      }
    });

    it('requests that are broken off half-way do no harm', async () => {
      const half = rawRequest('POST', '/oauth/token', [...authorized, ['Content-Length', '1000']], GRANT);
      const halfChunked = rawRequest('POST', '/oauth/token', [...authorized, ['Transfer-Encoding', 'chunked']], '5\r\ngrant');
      const cut = await Promise.all([half, halfChunked, half.subarray(0, 60)].flatMap((bytes) => Array.from({ length: 5 }, () => exchange(server.url, bytes, { waitMs: 50 }))));
      expect(cut.every(({ answers }) => answers.length === 0)).toBe(true);
    });

    it('pipelined requests each get their own answer, in their order', async () => {
      const other = await server.driver.registerClient({ scope: 'other' });
      const [first, second] = [client, other].map((who) => rawRequest('POST', '/oauth/token', [['Authorization', basic(who)], ...FORM], GRANT));
      const last = rawRequest('POST', '/oauth/token', [...FORM, ['Connection', 'close']], GRANT);
      const { answers } = await send(Buffer.concat([first, second, last]));
      expect(answers.map(({ status, body }) => [status, body['scope']])).toEqual([[200, 'read'], [200, 'other'], [401, undefined]]);
    });
  });

  it('none of this was an unexpected condition', () => {
    expect(server.logLines.length).toBeGreaterThan(0);
    expect(server.logLines.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
  });
});
