import { basic, type Credentials, formEncode } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { rawAnswer } from '../../support/raw-http.js';
import { TestServer } from '../../support/test-server.js';

const SPECIAL = 'a+b %:/é~ – 🎫"\\&=p:q:r';
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('RFC 6749 §2.3.1 and RFC 7617: client_secret_basic', () => {
  describe('id and secret are form-encoded each, then joined by a colon (Appendix B)', () => {
    let server: TestServer;
    const ID = 'first.admin~1';
    const ask = (authorization: string) => server.driver.form('/oauth/token', { grant_type: 'client_credentials' }, undefined, { authorization });

    beforeAll(async () => {
      server = await TestServer.start({ env: { BOOTSTRAP_CLIENT_ID: ID, BOOTSTRAP_CLIENT_SECRET: SPECIAL } });
    });
    afterAll(() => server.stop());

    it.each<[string, string]>([
      ['form-encoded', `${formEncode(ID)}:${formEncode(SPECIAL)}`],
      ['percent-encoded, with %20 for a space', `${encodeURIComponent(ID)}:${encodeURIComponent(SPECIAL)}`],
      ['percent-encoded in lower case', `${ID}:${encodeURIComponent(SPECIAL).replace(/%../g, (escape) => escape.toLowerCase())}`],
      ['with nothing but what has a meaning in a form encoded, the colons raw: only the first one splits', `${ID}:${SPECIAL.replace(/[%+&]/g, (each) => encodeURIComponent(each)).replaceAll(' ', '+')}`],
      ['every byte escaped', [ID, SPECIAL].map((part) => [...Buffer.from(part)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')).join(':')],
    ])('%s -> 200', async (_, pair) => {
      expect((await ask(`Basic ${base64(pair)}`)).status).toBe(200);
    });

    it.each<[string, string]>([
      ['as it is, not encoded at all', `${ID}:${SPECIAL}`],
      ['encoded twice', `${ID}:${formEncode(formEncode(SPECIAL))}`],
      ['cut at its first colon', `${ID}:${formEncode(SPECIAL.split(':')[0])}`],
      ['cut at its last colon', `${ID}:${formEncode(SPECIAL.slice(0, SPECIAL.lastIndexOf(':')))}`],
      ['with a plus sign for a plus sign', `${ID}:${encodeURIComponent(SPECIAL).replaceAll('%2B', '+')}`],
      ['with a broken escape', `${ID}:${formEncode(SPECIAL)}%zz`],
      ['with a NUL behind it', `${ID}:${formEncode(SPECIAL)}%00`],
      ['with a space behind it', `${ID}:${formEncode(SPECIAL)}+`],
      ['in another Unicode normal form', `${ID}:${formEncode(SPECIAL.normalize('NFD'))}`],
      ['with the encoded colon as the one that splits', `${formEncode(`${ID}:`)}${formEncode(SPECIAL)}`],
    ])('%s -> 401', async (_, pair) => {
      expectOAuthError(await ask(`Basic ${base64(pair)}`), 401, 'invalid_client');
    });

    it('in Latin-1 bytes -> 401, since the charset is UTF-8', async () => {
      expectOAuthError(await ask(`Basic ${Buffer.from(`${ID}:${SPECIAL.replaceAll('%', '%25').replaceAll('+', '%2B')}`, 'latin1').toString('base64')}`), 401, 'invalid_client');
    });
  });

  describe('the header', () => {
    let server: TestServer;
    let client: Credentials;
    let pair: string;
    const ask = (authorization: string, path = '/oauth/token') =>
      rawAnswer(server.url, 'POST', path, [['Authorization', authorization], ['Content-Type', 'application/x-www-form-urlencoded']], 'grant_type=client_credentials&token=x');

    beforeAll(async () => {
      server = await TestServer.start();
      client = await server.driver.registerClient({ client_id: 'basic-client', scope: 'read' });
      pair = basic(client).slice('Basic '.length);
    });
    afterAll(() => server.stop());

    it.each(['Basic', 'basic', 'BASIC', 'bAsIc'])('scheme %s -> 200 (RFC 9110 §11.1)', async (scheme) => {
      expect((await ask(`${scheme} ${pair}`)).status).toBe(200);
    });

    it('more than one space behind the scheme -> 200 (RFC 9110 §11.4)', async () => {
      expect((await ask(`Basic   ${pair}`)).status).toBe(200);
    });

    describe.each(['/oauth/token', '/oauth/introspect', '/oauth/revoke'])('%s', (path) => {
      it.each<[string, (pair: string, credentials: Credentials) => string]>([
        ['another scheme that ends in Basic', (good) => `XBasic ${good}`],
        ['another scheme that begins with Basic', (good) => `Basicx ${good}`],
        ['Bearer', (good) => `Bearer ${good}`],
        ['Digest', () => 'Digest username="basic-client"'],
        ['Basic behind another word', (good) => `Bearer Basic ${good}`],
        ['Basic alone', () => 'Basic'],
        ['no scheme', (good) => good],
        ['no space', (good) => `Basic${good}`],
        ['a tab for the space', (good) => `Basic\t${good}`],
        ['an equals sign for the space', (good) => `Basic=${good}`],
        ['nothing', () => ''],
        ['a trailing word', (good) => `Basic ${good} x`],
        ['a trailing comma', (good) => `Basic ${good},`],
        ['two credentials in one header', (good) => `Basic ${good}, Basic ${good}`],
        ['a parameter', (good) => `Basic ${good};charset=utf-8`],
        ['no base64', () => 'Basic !!!!'],
        ['broken base64', (good) => `Basic ${good.slice(0, -1)}*`],
        ['base64 in the middle of which a space stands', (good) => `Basic ${good.slice(0, 8)} ${good.slice(8)}`],
        ['base64 that decodes to nothing', () => 'Basic ===='],
        ['the credentials without base64', (_good, { clientId, clientSecret }) => `Basic ${clientId}:${clientSecret}`],
        ['no colon', (_good, { clientId }) => `Basic ${base64(clientId)}`],
        ['an encoded colon only', (_good, { clientId, clientSecret }) => `Basic ${base64(`${clientId}%3A${clientSecret}`)}`],
        ['no id', (_good, { clientSecret }) => `Basic ${base64(`:${clientSecret}`)}`],
        ['no secret', (_good, { clientId }) => `Basic ${base64(`${clientId}:`)}`],
        ['only a colon', () => `Basic ${base64(':')}`],
        ['bytes that are not UTF-8', () => `Basic ${Buffer.from('basic-client:\xff\xfe', 'latin1').toString('base64')}`],
        ['a broken escape in the id', (_good, { clientSecret }) => `Basic ${base64(`%zz:${clientSecret}`)}`],
        ['an escaped surrogate', () => `Basic ${base64('%ED%A0%80:x')}`],
        ['a NUL in the id', (_good, { clientId, clientSecret }) => `Basic ${base64(`${clientId}\0:${clientSecret}`)}`],
        ['a line break in the id', (_good, { clientId, clientSecret }) => `Basic ${base64(`${clientId}%0A:${clientSecret}`)}`],
        ['an id of 4,000 characters', (_good, { clientSecret }) => `Basic ${base64(`${'a'.repeat(4000)}:${clientSecret}`)}`],
        ['a name of an object\'s prototype', () => `Basic ${base64('__proto__:x')}`],
      ])('%s -> 401 invalid_client with a Basic challenge', async (_, header) => {
        const answer = await ask(header(pair, client), path);
        expectOAuthError(answer, 401, 'invalid_client');
        expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="[^"]+"/);
      });
    });

    it('base64 that is not the canonical one of its bytes -> 401 (RFC 4648 §3.5)', async () => {
      const variants = (text: string): string[] => {
        const good = base64(text);
        const padding = good.length - good.replace(/=+$/, '').length;
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
        const last = good.charAt(good.length - padding - 1);
        return [
          good.replace(/=+$/, ''),
          `${good}=`,
          `${good}AAAA`,
          good.slice(0, good.length - padding - 1) + alphabet.charAt(alphabet.indexOf(last) + 1) + '='.repeat(padding),
        ].filter((each) => each !== good);
      };
      // Secrets have one length, so the length of the id decides how much padding there is: both kinds are tried.
      const padded: Credentials[] = [];
      for (const clientId of ['pad-a', 'pad-ab', 'pad-abc']) padded.push(await server.driver.registerClient({ client_id: clientId }));
      const texts = padded.map(({ clientId, clientSecret }) => `${formEncode(clientId)}:${formEncode(clientSecret)}`).filter((text) => base64(text).endsWith('='));
      expect(texts).toHaveLength(2);
      for (const text of texts) {
        expect((await ask(`Basic ${base64(text)}`)).status).toBe(200);
        for (const variant of variants(text)) expect([variant, (await ask(`Basic ${variant}`)).status]).toEqual([variant, 401]);
      }
    });

    it('base64url in place of base64 -> 401', async () => {
      const text = 'basic-client:~~~???';
      expect(base64(text)).toMatch(/[+/]/);
      expectOAuthError(await ask(`Basic ${base64(text).replaceAll('+', '-').replaceAll('/', '_')}`), 401, 'invalid_client');
    });
  });
});
