import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AreaFinding } from '../../src/cli/doctor/examination.js';
import { endedOn } from '../../src/common/node-release.js';
import { ADMIN_SCOPES } from '../../src/resources/admin-api.js';
import { mintgate } from '../support/command-line.js';
import { mariadbPort, type TestDatabase } from '../support/databases.js';
import { plant } from '../support/leak-watch.js';
import { freePort } from '../support/mariadb.js';
import { PrivateMariadb } from '../support/private-mariadb.js';
import { SpawnedServer } from '../support/spawned-server.js';
import { temporaryFolder } from '../support/temporary-folder.js';

interface Diagnosis {
  fit_for_production: boolean;
  problems: number;
  warnings: number;
  findings: AreaFinding[];
}

const KEY = Buffer.from('0123456789abcdef0123456789abcdef').toString('base64');
const READY = { NODE_ENV: 'production', ISSUER: 'https://id.example.com', KEY_ENCRYPTION_KEY: KEY, TRUST_PROXY: '10.0.0.0/24', MANAGEMENT_PORT: '9000', METRICS_TOKEN: 'a-token-for-the-scraper-of-metrics' };

// Each command is a process that builds the whole application, and there are many.
jest.setTimeout(120_000);

const SECRET_FILES = ['DATABASE_URL_FILE', 'KEY_ENCRYPTION_KEY_FILE', 'BOOTSTRAP_CLIENT_SECRET_FILE', 'METRICS_TOKEN_FILE', 'OTEL_EXPORTER_OTLP_HEADERS_FILE', 'TLS_KEY_FILE'];
/** Of the release that runs the suite, which may be one that has ended. */
const OLD_NODE = endedOn(process.version, Date.now()) !== undefined;
const NODE_LINE = OLD_NODE ? /^ {2}warning {2}Node\.js: \d+\.\d+\.\d+ has had no security fixes since \d{4}-\d\d-\d\d\n {11}-> Node\.js 22 or later$/m : /^ {2}ok {7}Node\.js: \d+\.\d+\.\d+$/m;

const folders: string[] = [];
const emptyFolder = () => {
  folders.push(mkdtempSync(join(temporaryFolder(), 'mintgate-doctor-')));
  return folders.at(-1)!;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function examine(env: Record<string, string>, folder = emptyFolder()): Promise<Diagnosis & { code: number | null }> {
  const { code, json, stderr } = await mintgate(['doctor', '--json'], { folder, env });
  expect(stderr).toBe('');
  const diagnosis = json<Diagnosis>();
  expect(diagnosis.problems).toBe(diagnosis.findings.filter(({ level }) => level === 'problem').length);
  expect([code, diagnosis.fit_for_production]).toEqual(diagnosis.problems === 0 ? [0, true] : [1, false]);
  return { code, ...diagnosis };
}
const of = ({ findings }: Diagnosis, check: string) => findings.find((finding) => finding.check === check);
/** Of all but the Node.js that runs the suite. */
const checksOf = ({ findings }: Diagnosis, level: AreaFinding['level']) => findings.filter((finding) => finding.level === level && finding.check !== 'Node.js').map(({ check }) => check);

describe('The doctor in an empty folder', () => {
  it('says line by line what production needs, with what to do, and makes nothing', async () => {
    const folder = emptyFolder();
    const { code, stdout } = await mintgate(['doctor'], { folder });
    expect(code).toBe(1);
    for (const line of [
      NODE_LINE,
      /^ {2}PROBLEM {2}NODE_ENV: is not set.*\n {11}-> NODE_ENV=production$/m,
      /^ {2}PROBLEM {2}ISSUER: is not set.*\n {11}-> ISSUER=https:/m,
      /^ {2}PROBLEM {2}KEY_ENCRYPTION_KEY: is required in production \(openssl rand -base64 32\)$/m,
      /^ {2}PROBLEM {2}TRUST_PROXY: is empty/m,
      /^ {2}warning {2}DATABASE_URL: SQLite/m,
      /^ {2}warning {2}MANAGEMENT_PORT: is not set/m,
      /^ {2}warning {2}METRICS_TOKEN: is not set/m,
      /^ {2}PROBLEM {2}database: there is none yet\n {11}-> mintgate migrate/m,
      OLD_NODE ? /^Not fit for production yet: 5 problems, 4 warnings\.$/m : /^Not fit for production yet: 5 problems, 3 warnings\.$/m,
    ]) expect(stdout).toMatch(line);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says everything that is wrong with a configuration, whatever it says it is for, once and without what is secret', async () => {
    plant('canary-bootstrap', 'canary-key-that-is-none');
    const env = { ISSUER: 'http://id.example.com', WORKERS: '4', KEY_ENCRYPTION_KEY: 'canary-key-that-is-none', BOOTSTRAP_CLIENT_SECRET: 'canary-bootstrap', LOG_LEVEL: 'debug', RATE_LIMIT_ENABLED: 'false', SHUTDOWN_DRAIN_SECONDS: '30' };
    const diagnosis = await examine(env);
    expect(JSON.stringify(diagnosis)).not.toMatch(/canary/);
    expect(checksOf(diagnosis, 'problem')).toEqual(expect.arrayContaining(['ISSUER', 'KEY_ENCRYPTION_KEY', 'NODE_ENV']));
    expect(diagnosis.findings.filter(({ check }) => check === 'ISSUER')).toEqual([{ area: 'configuration', check: 'ISSUER', level: 'problem', detail: 'must be https in production' }]);
    expect(of(diagnosis, 'database')).toMatchObject({ level: 'problem', detail: 'was not looked at: the configuration has to be right first' });

    // Empty is unset.
    const further = await examine({ ...env, BOOTSTRAP_CLIENT_SECRET: '', KEY_ENCRYPTION_KEY: KEY });
    expect(checksOf(further, 'problem')).toEqual(['ISSUER', 'NODE_ENV', 'DATABASE_URL', 'TRUST_PROXY', 'SHUTDOWN_TIMEOUT_SECONDS', 'database']);
    expect(checksOf(further, 'warning')).toEqual(expect.arrayContaining(['RATE_LIMIT_ENABLED', 'LOG_LEVEL']));
  });

  describe('and a file with a secret', () => {
    it('is a problem when other users may read it, whichever setting names it', async () => {
      const folder = emptyFolder();
      chmodSync(folder, 0o755);
      for (const setting of SECRET_FILES) writeFileSync(join(folder, setting), 'a secret\n', { mode: 0o644 });
      const diagnosis = await examine(Object.fromEntries(SECRET_FILES.map((setting) => [setting, setting])), folder);
      for (const setting of SECRET_FILES) {
        const findings = diagnosis.findings.filter(({ area, check }) => area === 'files' && check === setting);
        expect(findings).toMatchObject([{ level: 'problem', detail: 'every user of this machine may read it (mode 644)', advice: `chmod o= ${setting}` }]);
      }
    });

    it('is closed by its own mode, or by that of its folder, such as make-secrets.sh makes', async () => {
      const folder = emptyFolder();
      chmodSync(folder, 0o755);
      const diagnose = async (mode: number, folderMode: number) => {
        chmodSync(join(folder, '.env'), mode);
        chmodSync(folder, folderMode);
        return of(await examine({}, folder), '.env');
      };
      writeFileSync(join(folder, '.env'), 'LOG_LEVEL=info\n');
      expect(await diagnose(0o644, 0o755)).toMatchObject({ level: 'problem', advice: 'chmod o= .env' });
      expect(await diagnose(0o640, 0o755)).toMatchObject({ level: 'ok', detail: 'closed to other users (mode 640)' });
      expect(await diagnose(0o444, 0o700)).toMatchObject({ level: 'ok', detail: 'closed to other users (mode 444, in a folder of mode 700)' });
    });
  });

  it('a network in TRUST_PROXY in which callers may be is a warning, and the addresses of proxies are not', async () => {
    const narrow = ['192.0.2.1', '10.1.2.0/24', 'loopback', 'fd00::/64'];
    const wide = ['10.0.0.0/8', '10.244.0.0/16', 'fd00::/48', 'uniquelocal', 'linklocal'];
    const diagnose = async (entries: string[]) => of(await examine({ ...READY, TRUST_PROXY: entries.join(',') }), 'TRUST_PROXY');
    expect(await diagnose([...narrow, ...wide])).toMatchObject({ level: 'warning', detail: expect.stringMatching(`^${wide.join(', ')}: every caller in there`) as string });
    expect(await diagnose(narrow)).toMatchObject({ level: 'ok', detail: narrow.join(', ') });
  });
});

describe('The doctor and the embedded database', () => {
  it('finds one fit for one process after a start; leaves every file as it is; sees a key that is not the right one', async () => {
    const server = await (await SpawnedServer.start()).ready();
    try {
      expect(server.stdout.includes('this release of Node.js gets no security fixes any more')).toBe(OLD_NODE);
      server.kill('SIGTERM');
      await server.exited;
      const data = join(server.folder, 'data');
      const state = () => readdirSync(data).map((name) => [name, statSync(join(data, name)).size, ...(name.endsWith('-shm') ? [] : [statSync(join(data, name)).mtimeMs])]);
      const before = state();
      const diagnosis = await examine({ ...READY, KEY_ENCRYPTION_KEY: '' }, server.folder);
      expect(state()).toEqual(before);
      // Production asks for a key in the configuration; the one in the file is enough to look at the rest.
      expect(checksOf(diagnosis, 'problem')).toEqual(['KEY_ENCRYPTION_KEY']);
      expect(of(diagnosis, 'signing keys')).toMatchObject({ level: 'ok' });
      expect(of(diagnosis, 'admin client')).toMatchObject({ level: 'ok', detail: 'admin' });
      expect(of(diagnosis, 'rights in the admin API')).toMatchObject({ level: 'ok', detail: `admin (${Object.keys(ADMIN_SCOPES).join(' ')})` });
      // Scanners do not see it: it is inside the binary of libsql.
      expect(of(diagnosis, 'database')).toMatchObject({ level: 'ok', detail: expect.stringMatching(/^SQLite 3\.\d+\.\d+ at /) as string });
      expect(of(diagnosis, 'data/key-encryption-key')).toMatchObject({ level: 'ok', detail: 'closed to other users (mode 600)' });

      const wrong = await examine(READY, server.folder);
      expect(checksOf(wrong, 'problem')).toEqual(['signing keys']);
      expect(checksOf(wrong, 'warning')).toEqual(['DATABASE_URL']);
    } finally {
      await server.dispose();
    }
  });

  it('says that a file is no database', async () => {
    const folder = emptyFolder();
    mkdirSync(join(folder, 'data'), { mode: 0o700 });
    writeFileSync(join(folder, 'data/mintgate.sqlite'), 'this is not a database, although it has its name', { mode: 0o600 });
    expect(of(await examine(READY, folder), 'database')).toMatchObject({ level: 'problem', detail: 'cannot be used: the file in DATABASE_URL is not a database' });
  });
});

// A server that answers commits before they are on disk, as the shared one does for speed, is not fit.
if (mariadbPort() !== undefined) describe('The doctor and a database server', () => {
  let mariadb: PrivateMariadb;
  let database: TestDatabase;
  let env: Record<string, string>;

  beforeAll(async () => {
    mariadb = await PrivateMariadb.start(['--innodb-flush-log-at-trx-commit=1']);
    database = await mariadb.createDatabase('empty');
    env = { ...READY, DATABASE_URL: database.url };
  });
  afterAll(async () => {
    await mariadb?.remove();
  });

  it('leads from an empty database to one that is fit for production, with nothing left to say', async () => {
    const empty = await examine(env);
    expect(checksOf(empty, 'problem')).toEqual(['tables']);
    expect(await database.sql('SHOW TABLES')).toEqual([]);

    const folder = emptyFolder();
    expect((await mintgate(['migrate'], { folder, env })).code).toBe(0);
    const migrated = await examine(env, folder);
    expect(checksOf(migrated, 'problem')).toEqual([]);
    expect(checksOf(migrated, 'warning')).toEqual(['signing keys', 'admin client']);

    const server = await SpawnedServer.start({ env: { ...env, NODE_ENV: 'development', MANAGEMENT_PORT: String(await freePort()) } });
    await server.until(async () => /client secret/.test(server.stdout), 'welcoming', 20_000);
    await server.dispose();
    const started = await examine(env, folder);
    expect([checksOf(started, 'problem'), checksOf(started, 'warning')]).toEqual([[], []]);
    expect(checksOf(started, 'ok')).toEqual(expect.arrayContaining(['tables', 'writing', 'table forms', 'sessions', 'durability', 'connections', 'clock', 'latency', 'signing keys', 'signing key ES256', 'admin client', 'client secrets', 'clean-up']));
    expect((await mintgate(['doctor'], { folder, env })).stdout).toMatch(OLD_NODE ? /\nFit for production: no problems, 1 warning\.\n$/ : /\nFit for production: no problems, no warnings\.\n$/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('sees what a server must not be set to, tables of another form, keys that stopped rotating, secrets that run out', async () => {
    await mariadb.asRoot('SET GLOBAL innodb_flush_log_at_trx_commit = 2', 'SET GLOBAL max_connections = 30');
    await database.sql('ALTER TABLE consents CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci');
    await database.sql(`UPDATE signing_keys SET activated_at = activated_at - ${200 * 86_400_000} WHERE status = 'active'`);
    await database.sql(`UPDATE client_secrets SET expires_at = ${Date.now() + 86_400_000}, created_at = ${Date.now() - 100 * 86_400_000}`);
    const diagnosis = await examine({ ...env, WORKERS: '2' });
    expect(checksOf(diagnosis, 'problem')).toEqual(['durability', 'table forms']);
    expect(checksOf(diagnosis, 'warning')).toEqual(['connections', 'signing key ES256', 'client secrets', 'unused secrets']);
    expect(of(diagnosis, 'table forms')?.detail).toBe('consents (InnoDB, utf8mb4_general_ci)');
    expect(of(diagnosis, 'client secrets')?.detail).toContain('admin');
    expect((await examine({ ...env, WORKERS: '4' })).findings).toContainEqual(expect.objectContaining({ check: 'connections', level: 'problem' }));
  });

  it('says when the bootstrap secret is still good, and when it is of no use', async () => {
    plant('a-bootstrap-secret-of-length');
    const bootstrap = { BOOTSTRAP_CLIENT_ID: 'admin', BOOTSTRAP_CLIENT_SECRET: 'a-bootstrap-secret-of-length' };
    expect(of(await examine({ ...env, ...bootstrap }), 'BOOTSTRAP_CLIENT_SECRET')).toMatchObject({ level: 'warning', detail: 'is of no use any more' });
    await database.sql(`UPDATE client_secrets SET digest = SHA2('a-bootstrap-secret-of-length', 256)`);
    expect(of(await examine({ ...env, ...bootstrap }), 'BOOTSTRAP_CLIENT_SECRET')).toMatchObject({ level: 'warning', detail: expect.stringContaining('still opens the admin API as admin') as string });
    expect(of(await examine({ ...env, ...bootstrap, BOOTSTRAP_CLIENT_ID: 'first' }), 'BOOTSTRAP_CLIENT_SECRET')).toMatchObject({ level: 'ok' });
    await database.sql(`INSERT INTO bootstrapped_clients (client_id, created_at) VALUES ('first', 1)`);
    expect(of(await examine({ ...env, ...bootstrap, BOOTSTRAP_CLIENT_ID: 'first' }), 'BOOTSTRAP_CLIENT_ID')).toMatchObject({ level: 'warning', detail: 'first was deleted and is not made again' });
  });

  it('says that a server refuses writes, or the login, or does not answer', async () => {
    await mariadb.asRoot('SET GLOBAL read_only = 1');
    expect(of(await examine(env), 'writing')).toMatchObject({ level: 'problem' });
    await mariadb.asRoot('SET GLOBAL read_only = 0');
    const login = new URL(database.url);
    login.password = 'another-canary';
    plant('another-canary');
    expect(of(await examine({ ...env, DATABASE_URL: login.href }), 'database')).toMatchObject({ level: 'problem', detail: expect.stringContaining('it refuses the login') as string });
    mariadb.freeze();
    try {
      expect(of(await examine(env), 'database')).toMatchObject({ level: 'problem', detail: expect.stringContaining('cannot be used') as string });
    } finally {
      mariadb.thaw();
    }
  });
});
