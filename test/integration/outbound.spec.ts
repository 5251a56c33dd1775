import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve as resolvePath } from 'node:path';
import { promisify } from 'node:util';
import { OutboundClient, type Resolve } from '../../src/common/outbound/outbound-client.js';
import { OutboundError } from '../../src/common/outbound/outbound-error.js';
import { isPublicAddress } from '../../src/common/outbound/public-address.js';
import { HttpTarget } from '../support/http-target.js';
import { selfSignedCertificate } from '../support/self-signed-certificate.js';

const PRIVATE_IPV4 = [
  '0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.88.99.1',
  '192.168.0.1', '192.168.255.255', '198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.7', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255',
];
const PRIVATE_IPV6 = [
  '::', '::1', '::127.0.0.1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::ffff:8.8.8.8', '64:ff9b::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b::8.8.8.8', '64:ff9b:1::1', '100::1', '2001::1', '2001:db8::1', '2002:7f00:1::',
  '3fff::1', '5f00::1', 'fc00::1', 'fd00::8', 'fe80::1', 'fec0::1', 'ff02::1',
];
/** Given to nobody, so that whoever connects to it gets nowhere, as a public address. */
const PUBLIC_AND_UNUSED = '2d00::1';

/** The failure; an answer is none. */
async function failureOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
  } catch (error) {
    if (error instanceof OutboundError) return error.message;
    throw error;
  }
  return 'none';
}

const resolving = (...addresses: string[]) => jest.fn<ReturnType<Resolve>, Parameters<Resolve>>(async () => addresses);

describe('requests to URLs of clients', () => {
  let target: HttpTarget;

  beforeEach(async () => {
    target = await HttpTarget.start();
  });
  afterEach(() => target.close());

  describe('what the configuration does not allow is not connected to', () => {
    it.each([
      'http://app.example.com/', 'http://app.example.com:443/', 'https://app.example.com:80/', 'https://app.example.com:8443/', 'https://user@app.example.com/', 'https://user:pass@app.example.com/', 'https://app.example.com@127.0.0.1:8443/',
      'gopher://app.example.com/', 'ftp://app.example.com/', 'file:///etc/passwd', 'data:text/plain,x', 'javascript:1', 'ws://app.example.com/', 'unix:/run/docker.sock', '//app.example.com/', '/', '',
    ])('%j: no name is looked up', async (url) => {
      const resolve = resolving(PUBLIC_AND_UNUSED);
      expect(await failureOf(new OutboundClient([], resolve).get(url, '*/*'))).toBe('url_not_allowed');
      expect(resolve).not.toHaveBeenCalled();
    });

    it('another port of this machine, by http or https, whichever way it is written', async () => {
      const hosts = ['127.0.0.1', 'localhost', 'localhost.', '0x7f.1', '2130706433', '0', '[::1]', '[::ffff:127.0.0.1]'];
      for (const url of hosts.flatMap((host) => [`http://${host}:${target.port}/`, `https://${host}:${target.port}/`])) {
        expect([url, await failureOf(new OutboundClient([]).postForm(url, { a: 'b' }))]).toEqual([url, 'url_not_allowed']);
      }
      expect(target.connections).toBe(0);
    });

    it.each([
      ...PRIVATE_IPV4, ...PRIVATE_IPV6.map((address) => `[${address}]`),
      '127.1', '127.0.1', '0x7f.1', '0x7f000001', '0X7F.0.0.1', '2130706433', '017700000001', '0177.0.0.1', '127.0.0.1.', '127.000.0.1', '１２７.0.0.1', '127。0。0。1', '%31%32%37.0.0.1', '0', '0x0', '2852039166', '[0:0:0:0:0:ffff:7f00:1]', '[::FFFF:127.0.0.1]',
    ])('https://%s/ names an address inside', async (host) => {
      const resolve = resolving(PUBLIC_AND_UNUSED);
      expect(await failureOf(new OutboundClient([], resolve).get(`https://${host}/`, '*/*'))).toBe('address_not_allowed');
      expect(resolve).not.toHaveBeenCalled();
    });

    it.each(['localhost', 'localhost.', 'LocalHost', 'ｌocalhost'])('https://%s/ is resolved to one', async (host) => {
      expect(await failureOf(new OutboundClient([]).get(`https://${host}/`, '*/*'))).toMatch(/^(address_not_allowed|name_not_resolved)$/);
    });

    it.each([...PRIVATE_IPV4, ...PRIVATE_IPV6, 'fe80::1%eth0', '127.1', 'not an address'])('a name that is resolved to %s', async (address) => {
      expect(await failureOf(new OutboundClient([], resolving(address)).get('https://app.example.com/', '*/*'))).toBe('address_not_allowed');
    });

    it.each([[[PUBLIC_AND_UNUSED, '127.0.0.1']], [['10.0.0.1', PUBLIC_AND_UNUSED]], [[PUBLIC_AND_UNUSED, '::ffff:169.254.169.254']]])('a name of which one address of several is inside: %j', async (addresses) => {
      expect(await failureOf(new OutboundClient([], resolving(...addresses)).get('https://app.example.com/', '*/*'))).toBe('address_not_allowed');
    });

    it.each([[[]], [new Error('ENOTFOUND')]])('a name that is resolved to nothing: %j', async (addresses) => {
      const resolve: Resolve = async () => {
        if (addresses instanceof Error) throw addresses;
        return addresses;
      };
      expect(await failureOf(new OutboundClient([], resolve).get('https://app.example.com/', '*/*'))).toBe('name_not_resolved');
    });

    it('a name that moves inside after it was looked at: it is looked at once, and the connection goes to where it was', async () => {
      const resolve = resolving('127.0.0.1').mockResolvedValueOnce([PUBLIC_AND_UNUSED]);
      // Refused by this machine or, where 443 is open on it, answered: neither is what comes from an address that nobody has.
      expect(await failureOf(new OutboundClient([], resolve).get('https://localhost/', '*/*'))).toMatch(/^(connection_failed: E(NETUNREACH|HOSTUNREACH|ADDRNOTAVAIL)|timed_out)$/);
      expect(resolve.mock.calls).toEqual([['localhost']]);
    });

    it.each([
      ['another port', () => `${target.host}0`], ['another host', () => '127.0.0.2'], ['a name for the same host', () => `localhost:${target.port}`], ['the beginning of it', () => '127.0.0'], ['a host of which it is the end', () => `x${target.host}`],
    ])('a host beside one that is allowed: %s', async (_, allowed) => {
      expect(await failureOf(new OutboundClient([allowed()]).get(`http://${target.host}/`, '*/*'))).toBe('url_not_allowed');
      expect(target.connections).toBe(0);
    });
  });

  it.each(['9.255.255.255', '11.0.0.1', '100.63.255.255', '100.128.0.1', '126.255.255.255', '128.0.0.1', '172.15.255.255', '172.32.0.1', '192.0.1.1', '192.167.255.255', '198.17.255.255', '198.20.0.1', '223.255.255.255', '2001:200::1', '2606:4700::1111', '2a00::1'])(
    'the public address %s is not taken for one inside',
    // Asked directly, since the other way to see it is to connect to somebody.
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  describe('a host that the configuration allows', () => {
    it.each([['its address and port', () => target.host], ['all of its ports', () => '127.0.0.1']])('is sent requests, by %s', async (_, allowed) => {
      target.answer = (response) => response.setHeader('set-cookie', 'a=b').end('grüezi');
      const client = new OutboundClient(['other.example', allowed()]);
      expect(await client.get(`http://${target.host}/jwks?x=1`, 'application/jwk-set+json')).toEqual({ status: 200, body: 'grüezi' });
      expect(await client.postForm(`http://${target.host}/logout`, { logout_token: 'a.b+c&d' })).toEqual({ status: 200, body: 'grüezi' });
      const [got, posted] = target.requests;
      expect(got).toEqual({ method: 'GET', path: '/jwks?x=1', body: '', headers: { accept: 'application/jwk-set+json', 'user-agent': 'Mintgate', host: target.host, connection: 'close' } });
      expect(posted).toEqual({
        method: 'POST', path: '/logout', body: 'logout_token=a.b%2Bc%26d',
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '24', 'user-agent': 'Mintgate', host: target.host, connection: 'close' },
      });
    });

    it('may be a name of an address inside: it is looked up once, and named to the server', async () => {
      const resolve = resolving('127.0.0.1');
      const client = new OutboundClient([`app.internal:${target.port}`], resolve);
      expect(await client.get(`http://app.internal:${target.port}/`, '*/*')).toEqual({ status: 200, body: '' });
      expect(target.requests[0].headers.host).toBe(`app.internal:${target.port}`);
      expect(resolve.mock.calls).toEqual([['app.internal']]);
    });

    it.each([301, 302, 303, 307, 308])('is not followed to where a %i sends', async (status) => {
      const inside = await HttpTarget.start();
      target.answer = (response) => response.writeHead(status, { location: `http://${inside.host}/` }).end();
      const client = new OutboundClient(['127.0.0.1']);
      expect(await client.get(`http://${target.host}/`, '*/*')).toMatchObject({ status });
      expect(await client.postForm(`http://${target.host}/`, {})).toMatchObject({ status });
      expect(inside.connections).toBe(0);
      await inside.close();
    });

    it('is not asked by way of a proxy that the environment names', async () => {
      const proxy = await HttpTarget.start();
      const names = ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'];
      for (const name of names) process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : `http://${proxy.host}`;
      try {
        expect(await new OutboundClient([target.host]).get(`http://${target.host}/`, '*/*')).toMatchObject({ status: 200 });
      } finally {
        for (const name of names) delete process.env[name];
      }
      expect([proxy.connections, target.connections]).toEqual([0, 1]);
      await proxy.close();
    });

    it('that does not listen has failed', async () => {
      const { host } = target;
      await target.close();
      expect(await failureOf(new OutboundClient([host]).get(`http://${host}/`, '*/*'))).toBe('connection_failed: ECONNREFUSED');
      await target.open();
    });

    it.each<[string, string]>([['nothing like HTTP', 'SSH-2.0-OpenSSH_9.7\r\n'], ['half an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc']])('that answers with %s has failed', async (_, bytes) => {
      target.answer = (response) => response.socket!.end(bytes);
      expect(await failureOf(new OutboundClient([target.host]).get(`http://${target.host}/`, '*/*'))).toMatch(/^connection_failed: (HPE_\w+|ECONNRESET)$/);
    });
  });

  describe('limits', () => {
    const get = () => new OutboundClient([target.host]).get(`http://${target.host}/`, '*/*');

    it.each([[64 * 1024, 64 * 1024], [64 * 1024 + 1, undefined]])('of a body of %i bytes, %p are read', async (length, read) => {
      target.answer = (response) => response.end('x'.repeat(length));
      const { status, body } = await get();
      expect([status, body?.length]).toEqual([200, read]);
    });

    it('a body of 10 MB is broken off', async () => {
      let written = 0;
      let closed: Promise<void> | undefined;
      target.answer = (response) => {
        closed = new Promise((resolve) => response.once('close', resolve));
        response.writeHead(200, { 'content-type': 'application/json' });
        const write = () => {
          while (!response.destroyed && written < 10_000_000 && response.write(Buffer.alloc(64 * 1024, 0x20))) written += 64 * 1024;
          if (written >= 10_000_000) response.end();
        };
        response.on('drain', write);
        write();
      };
      const began = performance.now();
      expect(await get()).toEqual({ status: 200, body: undefined });
      await closed;
      expect(performance.now() - began).toBeLessThan(3000);
      expect(written).toBeLessThan(10_000_000);
    });

    it('whatever takes more than three seconds is broken off: the name, the TLS handshake, the head, the body', async () => {
      const mute = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
      await once(mute, 'listening');
      const open: Promise<void>[] = [];
      target.answer = (response, { path }) => {
        open.push(new Promise((resolve) => response.once('close', resolve)));
        if (path === '/head') return;
        response.writeHead(200);
        const drip = setInterval(() => response.write('.'), 50);
        response.once('close', () => clearInterval(drip));
      };
      const client = new OutboundClient(['127.0.0.1', 'slow.internal'], () => new Promise<string[]>(() => undefined));
      const began = performance.now();
      const urls = ['http://slow.internal/', `https://127.0.0.1:${(mute.address() as AddressInfo).port}/`, `http://${target.host}/head`, `http://${target.host}/body`];
      const failures = urls.map(async (url) => [url, await failureOf(client.get(url, '*/*')), performance.now() - began] as const);
      for (const [url, failure, ms] of await Promise.all(failures)) {
        expect([url, failure]).toEqual([url, 'timed_out']);
        expect(ms).toBeLessThan(3500);
      }
      await Promise.all(open);
      await promisify(mute.close.bind(mute))();
    });
  });

  describe('TLS', () => {
    const { cert, key } = selfSignedCertificate('app.internal');
    let secure: HttpTarget;

    beforeEach(async () => {
      secure = await HttpTarget.start({ tls: { cert, key } });
    });
    afterEach(() => secure.close());

    it('a certificate that nobody vouches for is refused, after the name was given as SNI', async () => {
      const client = new OutboundClient(['app.internal'], resolving('127.0.0.1'));
      expect(await failureOf(client.get(`https://app.internal:${secure.port}/`, '*/*'))).toBe('connection_failed: DEPTH_ZERO_SELF_SIGNED_CERT');
      expect(secure.serverNames).toEqual(['app.internal']);
      expect(secure.requests).toEqual([]);
    });

    it('a certificate is trusted for its own name only', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'mintgate-ca-'));
      try {
        const file = join(folder, 'ca.pem');
        writeFileSync(file, cert);
        const script = `
          const { OutboundClient } = require(${JSON.stringify(resolvePath(__dirname, '../../dist/src/common/outbound/outbound-client.js'))});
          const client = new OutboundClient(['app.internal', 'other.internal', '127.0.0.1'], async () => ['127.0.0.1']);
          const ask = (host) => client.get('https://' + host + ':${secure.port}/', '*/*').then(({ status }) => status, (error) => error.message);
          (async () => console.log(JSON.stringify([await ask('app.internal'), await ask('other.internal'), await ask('127.0.0.1')])))();`;
        const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { env: { PATH: process.env['PATH'], NODE_EXTRA_CA_CERTS: file } });
        expect(JSON.parse(stdout)).toEqual([200, 'connection_failed: ERR_TLS_CERT_ALTNAME_INVALID', 'connection_failed: ERR_TLS_CERT_ALTNAME_INVALID']);
        expect(secure.requests).toHaveLength(1);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });
});
