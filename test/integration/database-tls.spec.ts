import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AreaFinding } from '../../src/cli/doctor/examination.js';
import { asFatal } from '../../src/database/fatal-startup.error.js';
import { Database } from '../../src/database/database.js';
import { mintgate } from '../support/command-line.js';
import { type CertificateFiles, makeCertificates, serverOptions } from '../support/database-tls.js';
import { databaseKinds, type TestDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { PrivateMariadb } from '../support/private-mariadb.js';
import { SpawnedServer } from '../support/spawned-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { KEY_ENCRYPTION_KEY, TestServer } from '../support/test-server.js';

const EX_CONFIG = 78;

describe.each(databaseKinds().filter((kind) => kind === 'MariaDB'))('a database server that demands TLS (%s)', () => {
  let folder: string;
  let files: CertificateFiles;
  let other: CertificateFiles;
  let mariadb: PrivateMariadb;
  let database: TestDatabase;

  beforeAll(async () => {
    folder = mkdtempSync(join(temporaryFolder(), 'mintgate-certificates-'));
    const [one, two] = ['one', 'two'].map((name) => join(folder, name));
    mkdirSync(one);
    mkdirSync(two);
    // By its address only: not by the name, which TLS takes for the address where nobody tells it.
    files = makeCertificates(one, 'IP:127.0.0.1');
    other = makeCertificates(two, 'DNS:localhost');
    mariadb = await PrivateMariadb.start(serverOptions(files));
    database = await mariadb.createDatabase('migrated', files.ca);
  }, 60_000);
  afterAll(async () => {
    await database.drop();
    await mariadb.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const byName = () => database.url.replace('127.0.0.1', 'localhost');

  it.each<[string, () => Record<string, string>]>([
    ['DATABASE_CA_FILE alone', () => ({ DATABASE_CA_FILE: files.ca })],
    ['verify-full', () => ({ DATABASE_TLS: 'verify-full', DATABASE_CA_FILE: files.ca })],
    ['required and an authority', () => ({ DATABASE_TLS: 'required', DATABASE_CA_FILE: files.ca })],
    ['required and no authority', () => ({ DATABASE_TLS: 'required' })],
    [
      'required by a name that is not in the certificate',
      () => ({
        DATABASE_TLS: 'required',
        DATABASE_CA_FILE: files.ca,
        DATABASE_URL: byName(),
      }),
    ],
    [
      'a certificate of our own',
      () => ({
        DATABASE_CA_FILE: files.ca,
        DATABASE_CERT_FILE: files.cert,
        DATABASE_KEY_FILE: files.key,
      }),
    ],
  ])('is used over TLS 1.2 or later on every connection: %s', async (_, env) => {
    const server = await TestServer.start({ database, env: env() });
    try {
      const version = `SHOW SESSION STATUS LIKE 'Ssl_version'`;
      const rows = await Promise.all(Array.from({ length: 3 }, () => server.get(Database).query(version)));
      const reserved = await server.get(Database).queryReserved(version);
      for (const [row] of [...rows, reserved]) expect((row as { Value: string }).Value).toMatch(/^TLSv1\.[23]$/);
      expect((await server.driver.token(await server.driver.registerClient())).status).toBe(200);
    } finally {
      await server.stop();
    }
  });

  it.each<[string, () => Record<string, string>, RegExp]>([
    [
      'another authority',
      () => ({ DATABASE_CA_FILE: other.ca }),
      /^mintgate: DATABASE_TLS, DATABASE_CA_FILE: .*certificate/,
    ],
    [
      'another authority and required',
      () => ({ DATABASE_TLS: 'required', DATABASE_CA_FILE: other.ca }),
      /^mintgate: DATABASE_TLS, DATABASE_CA_FILE: .*certificate/,
    ],
    [
      'the authorities of Node.js',
      () => ({ DATABASE_TLS: 'verify-full' }),
      /^mintgate: DATABASE_TLS, DATABASE_CA_FILE: .*certificate/,
    ],
    [
      'a name that is not in the certificate',
      () => ({ DATABASE_CA_FILE: files.ca, DATABASE_URL: byName() }),
      /^mintgate: DATABASE_TLS, DATABASE_CA_FILE: .*does not match/,
    ],
  ])('ends a start with status 78 and one line that says why: %s', async (_, env, line) => {
    const server = await SpawnedServer.start({
      env: { DATABASE_URL: database.url, KEY_ENCRYPTION_KEY, LOG_LEVEL: 'silent', ...env() },
    });
    try {
      expect(await server.exited).toEqual({ code: EX_CONFIG, signal: null });
      expect(server.stderr.split('\n')).toEqual([expect.stringMatching(line), '']);
    } finally {
      await server.dispose();
    }
  });

  it('ends a start without TLS where the server says so, and is named in the log where it does not', async () => {
    const refused = asFatal(Object.assign(new Error('insecure transport'), { errno: 3159 })) as Error;
    expect(refused.name).toBe('FatalStartupError');
    expect(refused.message).toContain('the database server demands TLS');
    const server = await TestServer.start({ database, env: { DATABASE_TLS: 'off' }, withoutReady: true });
    try {
      await eventually(() =>
        expect(server.logLines.join()).toContain('or a server that demands TLS: see DATABASE_TLS'),
      );
    } finally {
      await server.stop();
    }
  });

  it('is waited for when a connection is cut in its handshake', async () => {
    const proxy = await TcpProxy.to(mariadb.port);
    proxy.cutAfterBytes = 200;
    const server = await SpawnedServer.start({
      env: {
        DATABASE_URL: database.url.replace(`:${mariadb.port}/`, `:${proxy.port}/`),
        DATABASE_CA_FILE: files.ca,
        KEY_ENCRYPTION_KEY,
      },
    });
    try {
      await server.until(
        async () => server.log.some(({ msg }) => msg === 'waiting for the database'),
        'waiting',
        20_000,
      );
      proxy.cutAfterBytes = Number.POSITIVE_INFINITY;
      await server.ready();
    } finally {
      await server.dispose();
      await proxy.close();
    }
  });

  it('is what the doctor asks for where the database is not on this machine', async () => {
    const env = {
      NODE_ENV: 'production',
      KEY_ENCRYPTION_KEY,
      ISSUER: 'https://id.example.com',
      DATABASE_DEADLINE_MS: '100',
    };
    const encryption = async (more: Record<string, string>) => {
      const { json } = await mintgate(['doctor', '--json'], { folder, env: { ...env, ...more } });
      return json<{ findings: AreaFinding[] }>().findings.find(({ check }) => check === 'DATABASE_TLS');
    };
    // An address of documentation (RFC 5737).
    const remote = 'mariadb://mintgate:x@192.0.2.1/mintgate';
    expect(await encryption({ DATABASE_URL: remote, DATABASE_TLS: 'off' })).toMatchObject({ level: 'problem' });
    expect(await encryption({ DATABASE_URL: remote, DATABASE_TLS: 'required' })).toMatchObject({ level: 'warning' });
    expect(await encryption({ DATABASE_URL: remote, DATABASE_CA_FILE: files.ca })).toMatchObject({ level: 'ok' });
    expect(await encryption({ DATABASE_URL: database.url, DATABASE_TLS: 'required' })).toMatchObject({ level: 'ok' });
  });

  it.each<[string, () => Record<string, string>, string]>([
    ['a file that is not there', () => ({ DATABASE_CA_FILE: '/nowhere' }), 'DATABASE_CA_FILE: cannot be read (ENOENT)'],
    ['no certificate', () => ({ DATABASE_CA_FILE: __filename }), 'DATABASE_CA_FILE: does not hold PEM certificates'],
    [
      'a damaged certificate',
      () => ({ DATABASE_CA_FILE: damaged() }),
      'DATABASE_CA_FILE: does not hold PEM certificates',
    ],
    [
      'a file without TLS',
      () => ({ DATABASE_TLS: 'off', DATABASE_CA_FILE: files.ca }),
      'DATABASE_CA_FILE: means nothing without DATABASE_TLS=required or verify-full',
    ],
    [
      'a certificate without its key',
      () => ({ DATABASE_TLS: 'required', DATABASE_CERT_FILE: files.cert }),
      'DATABASE_CERT_FILE and DATABASE_KEY_FILE go together: one of them is missing',
    ],
    [
      'the key of another certificate',
      () => ({ DATABASE_TLS: 'required', DATABASE_CERT_FILE: files.cert, DATABASE_KEY_FILE: other.key }),
      'DATABASE_CERT_FILE, DATABASE_KEY_FILE: do not hold a PEM certificate and its private key',
    ],
    [
      'an embedded database',
      () => ({ DATABASE_URL: 'sqlite:x.sqlite', DATABASE_TLS: 'required' }),
      'DATABASE_TLS: means nothing for an embedded database',
    ],
    [
      'an unknown mode',
      () => ({ DATABASE_TLS: 'preferred' }),
      'DATABASE_TLS: must be one of off, required, verify-full',
    ],
    [
      'parameters of the URL',
      () => ({ DATABASE_URL: `${database.url}?ssl=true` }),
      'DATABASE_URL: parameters after ? are not supported; TLS is set by DATABASE_TLS; in the user and the password @ : / ? # % are percent-encoded (# is %23)',
    ],
  ])('has settings that are checked at start: %s', async (_, env, line) => {
    const { code, stderr } = await mintgate(['migrate'], {
      folder,
      env: { DATABASE_URL: database.url, KEY_ENCRYPTION_KEY, ...env() },
    });
    expect({ code, stderr }).toEqual({ code: EX_CONFIG, stderr: `mintgate: ${line}\n` });
  });

  function damaged(): string {
    const body = createHash('sha256').update('no certificate').digest('base64');
    const file = join(folder, 'damaged.pem');
    writeFileSync(file, `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`);
    return file;
  }
});
