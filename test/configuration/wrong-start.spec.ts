import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { type Exit, SpawnedServer } from '../support/spawned-server.js';

const EX_CONFIG = 78;
const KEY_ENCRYPTION_KEY = Buffer.alloc(32, 1).toString('base64');
const MAIN = resolve(__dirname, '../../dist/src/main.js');
const ANOTHER_PLATFORM = resolve(__dirname, '../support/another-platform.cjs');
const STACK = /\n\s+at |node:internal|\.js:\d+/;

describe('a start that cannot succeed', () => {
  const started: SpawnedServer[] = [];

  async function spawn(env: Record<string, string>, folder?: string): Promise<SpawnedServer> {
    const server = await SpawnedServer.start({ env: { LOG_LEVEL: 'silent', ...env }, ...(folder === undefined ? {} : { folder }) });
    started.push(server);
    return server;
  }

  async function run(env: Record<string, string>): Promise<Exit & { lines: string[]; stdout: string }> {
    const server = await spawn(env);
    const exit = await server.exited;
    return { ...exit, lines: server.stderr.split('\n').filter(Boolean), stdout: server.stdout };
  }

  afterEach(async () => {
    for (const server of started.splice(0)) await server.dispose();
  });

  it.each<[string, Record<string, string>, RegExp[]]>([
    ['one wrong setting', { LOG_LEVEL: 'loud' }, [/^mintgate: LOG_LEVEL: /]],
    ['three wrong settings', { WORKERS: '0', DOCS_ENABLED: 'yes', LOG_LEVEL: 'loud' }, [/^mintgate: WORKERS: /, /^mintgate: LOG_LEVEL: /, /^mintgate: DOCS_ENABLED: /]],
    ['settings that are wrong together', { NODE_ENV: 'production', ISSUER: 'http://id.example.com', TRUST_PROXY: '0.0.0.0/0' }, [/^mintgate: ISSUER: /, /^mintgate: TRUST_PROXY: /, /^mintgate: KEY_ENCRYPTION_KEY: /]],
    ['no key of its own in production', { NODE_ENV: 'production', ISSUER: 'https://id.example.com' }, [/^mintgate: KEY_ENCRYPTION_KEY: is required in production/]],
    ['synchronize', { TYPEORM_SYNCHRONIZE: 'true' }, [/^mintgate: TYPEORM_SYNCHRONIZE: /]],
    ['a wrong setting with several workers', { WORKERS: '2', TRUST_PROXY: '*' }, [/^mintgate: TRUST_PROXY: /]],
    ['a bootstrap client id that no client may have', { BOOTSTRAP_CLIENT_ID: 'a b', BOOTSTRAP_CLIENT_SECRET: 'hunter2-hunter2' }, [/^mintgate: BOOTSTRAP_CLIENT_ID: /]],
  ])('ends with status 78 and one line for each problem: %s', async (_, env, expected) => {
    const { code, lines, stdout } = await run(env);
    expect(lines).toHaveLength(expected.length);
    for (const pattern of expected) expect(lines.some((line) => pattern.test(line))).toBe(true);
    expect(`${lines.join('\n')}${stdout}`).not.toMatch(STACK);
    expect(`${lines.join('\n')}${stdout}`).not.toContain('hunter2');
    expect(code).toBe(EX_CONFIG);
  });

  it('ends with status 78 and one line when a TLS file holds no PEM', async () => {
    const { code, lines } = await run({ TLS_CERT_FILE: __filename, TLS_KEY_FILE: __filename });
    expect({ code, lines }).toEqual({ code: EX_CONFIG, lines: [expect.stringMatching(/^mintgate: TLS_(CERT|KEY)_FILE/)] });
  });

  it('ends with status 78 and one line when the .env file cannot be read', async () => {
    const first = await spawn({ LOG_LEVEL: 'loud' });
    await first.exited;
    mkdirSync(join(first.folder, '.env'));
    const second = await spawn({}, first.folder);
    expect(await second.exited).toEqual({ code: EX_CONFIG, signal: null });
    expect(second.stderr.split('\n').filter(Boolean)).toEqual([expect.stringMatching(/^mintgate: \.env/)]);
  });

  it('ends with status 78 and one line when the key encryption key is not the one that the signing keys were made under', async () => {
    const key = (fill: number) => Buffer.alloc(32, fill).toString('base64');
    const first = await (await spawn({ KEY_ENCRYPTION_KEY: key(1) })).ready();
    first.kill('SIGTERM');
    expect(await first.exited).toEqual({ code: 0, signal: null });
    const second = await spawn({ KEY_ENCRYPTION_KEY: key(2) }, first.folder);
    expect(await second.exited).toEqual({ code: EX_CONFIG, signal: null });
    expect(second.stderr).toMatch(/^mintgate: KEY_ENCRYPTION_KEY: [^\n]+\n$/);
    const third = await (await spawn({ KEY_ENCRYPTION_KEY: key(1) }, first.folder)).ready();
    expect(third.running).toBe(true);
  });

  it('ends with status 78 and one line when the embedded database has a path that cannot be made', async () => {
    const path = `${__filename}/folder/mintgate.sqlite`;
    const { code, lines } = await run({ DATABASE_URL: `sqlite:${path}`, KEY_ENCRYPTION_KEY });
    const line = /^mintgate: DATABASE_URL: .*\/folder\/mintgate\.sqlite cannot be made or written \(ENOTDIR\)$/;
    expect({ code, lines }).toEqual({ code: EX_CONFIG, lines: [expect.stringMatching(line)] });
  });

  describe('on a platform for which libsql has no binary', () => {
    const spawnThere = async (env: Record<string, string>) => {
      const server = await SpawnedServer.start({ env, command: [process.execPath, '-r', ANOTHER_PLATFORM, MAIN] });
      started.push(server);
      return server;
    };

    it('ends with status 78 and one line for the embedded database', async () => {
      const server = await spawnThere({ LOG_LEVEL: 'silent' });
      expect(await server.exited).toEqual({ code: EX_CONFIG, signal: null });
      expect(server.stderr).toMatch(/^mintgate: DATABASE_URL: .* needs libsql, .* on s390x; .*\n$/);
    });

    it('goes on for a database server, which needs none', async () => {
      const server = await spawnThere({ DATABASE_URL: 'mariadb://u:hunter2@127.0.0.1:1/x', KEY_ENCRYPTION_KEY });
      const isWaiting = async () => server.log.some(({ msg }) => msg === 'waiting for the database');
      await server.until(isWaiting, 'waiting', 20_000);
    });
  });

  describe('on a port that is taken', () => {
    let other: Server;

    beforeAll(async () => {
      other = createServer();
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    });
    afterAll(() => new Promise((resolve) => other.close(resolve)));

    it.each(['1', '2'])('ends with status 1 and one line that names it (WORKERS=%s)', async (workers) => {
      const { port } = other.address() as AddressInfo;
      const { code, lines } = await run({ PORT: String(port), WORKERS: workers });
      expect(new Set(lines)).toEqual(new Set([`mintgate: PORT: 127.0.0.1:${port} is in use by another process`]));
      if (workers === '1') expect(lines).toHaveLength(1);
      expect(code).toBe(1);
    });
  });

  it('ends with status 1 and one line when the address is not of this machine', async () => {
    const { code, lines } = await run({ HOST: '192.0.2.1' });
    expect({ code, lines }).toEqual({ code: 1, lines: [expect.stringMatching(/^mintgate: HOST, PORT: 192\.0\.2\.1:\d+ /)] });
  });
});

describe('a .env file in the working directory', () => {
  it('is read, and the process environment wins over it', async () => {
    const refused = await SpawnedServer.start({ env: { LOG_LEVEL: 'loud' } });
    await refused.exited;
    writeFileSync(join(refused.folder, '.env'), 'ISSUER=https://from-file.example\nLOG_LEVEL=loud\n');
    const server = await SpawnedServer.start({ env: { LOG_LEVEL: 'info' }, folder: refused.folder });
    try {
      await server.ready();
      const metadata = (await (await fetch(`${server.url}/.well-known/oauth-authorization-server`)).json()) as { issuer: string };
      expect(metadata.issuer).toBe('https://from-file.example');
    } finally {
      await server.dispose();
      await refused.dispose();
    }
  });
});
