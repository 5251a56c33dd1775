import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'dotenv';
import { ConfigurationError } from '../../src/config/configuration-error.js';
import { loadConfig } from '../../src/config/load-config.js';
import { configurationReference, environmentExample } from '../../src/config/reference.js';
import { type Setting, SETTINGS } from '../../src/config/settings.js';

const ROOT = resolve(__dirname, '../..');
const KEY = Buffer.from('0123456789abcdefghijklmnopqrstuv').toString('base64');
const BASE = { KEY_ENCRYPTION_KEY: KEY };
const PRODUCTION = { NODE_ENV: 'production', ISSUER: 'https://id.example.com', KEY_ENCRYPTION_KEY: KEY };

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

/** One problem, in one line that says which variable it is about, and nothing of a secret. */
function expectOneLine(problems: readonly string[], variable: string): void {
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(new RegExp(`^${variable}\\b.{10,}$`));
  expect(problems[0]).not.toMatch(/\n|\bat .*:\d+:\d+|undefined|\[object|hunter2/);
}

const integers = (variable: string, min: number, max: number): [string, string[]] => [variable, [String(min - 1), String(max + 1), '1.5', '1e2', '0x10', ' 5 5', 'many', '99999999999999999999', 'NaN', '٣']];

const BAD: [variable: string, values: string[]][] = [
  ['NODE_ENV', ['prod', 'Production', 'staging']],
  integers('PORT', 0, 65535),
  [integers('MANAGEMENT_PORT', 1, 65535)[0], [...integers('MANAGEMENT_PORT', 1, 65535)[1], '3000']],
  ['MANAGEMENT_HOST', ['127.0.0.1']],
  ['ISSUER', ['id.example.com', 'ftp://id.example.com', 'javascript:alert(1)', 'https://', 'https://id.example.com/', 'https://id.example.com/tenant/', 'https://id.example.com?a=b', 'https://id.example.com?',
    'https://id.example.com#', 'https://id.example.com/#x', 'https://user:hunter2@id.example.com', 'https://ID.example.com', 'HTTPS://id.example.com', 'https://id.example.com:443',
    'https://id.example.com/a/../b', 'https://id.example.com/a b', 'https://id.example.com\\a', '//id.example.com']],
  ['DATABASE_URL', ['postgres://u:hunter2@h/db', 'mongodb://h/db', 'nonsense', 'sqlite:', 'sqlite::memory:', 'sqlite://data/x.sqlite', 'sqlite:./x.sqlite?mode=ro', 'mysql://u:hunter2@h', 'mysql://u:hunter2@h/', 'mysql://u:hunter2@h/a/b',
    'mariadb://u:hunter2@h/db?ssl=true', 'mariadb://u:hunter2@h/db#x', 'mysql://u:hunter2%ZZ@h/db', 'mysql://u:hunter2@h/%ff', 'mysql://u:hunter2@h:99999/db', 'mysql:///db', 'mysql:db', 'mariadb:u@h']],
  ['DATABASE_TLS', ['on', 'true', 'preferred', 'verify_full']],
  ['DATABASE_CA_FILE', ['x.pem']],
  ['DATABASE_CERT_FILE', ['x.pem']],
  ['DATABASE_KEY_FILE', ['x.pem']],
  integers('DATABASE_POOL_SIZE', 1, 500),
  integers('DATABASE_DEADLINE_MS', 50, 10_000),
  ['KEY_ENCRYPTION_KEY', ['hunter2', 'not base64!', Buffer.alloc(31, 1).toString('base64'), Buffer.alloc(33, 1).toString('base64'), Buffer.alloc(32, 1).toString('hex'), `${KEY} ${KEY}`]],
  ['KEY_ENCRYPTION_KEY_PREVIOUS', ['hunter2', 'not base64!', `${KEY} hunter2`, `${KEY},${Buffer.alloc(31, 1).toString('base64')}`]],
  ['TRUST_PROXY', ['true', 'TRUE', 'yes', 'all', '*', '1', '2', '0', '0.0.0.0/0', '0.0.0.0/1,128.0.0.0/1', '::/0', '2000::/3', '::ffff:10.0.0.0/8', '::ffff:10.0.0.0/104', '::ffff:10.0.0.1', '::ffff:0:0/96', '::ffff:0a00:0000/104', '0:0:0:0:0:ffff:0:0/96',
    '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/x', '10.0.0.0/8/8', '10.0.0.0/255.0.0.0', '10.0.0', '010.0.0.1', 'proxy.example.com', 'loopback,true', '10.0.0.1;10.0.0.2']],
  [integers('WORKERS', 1, 256)[0], [...integers('WORKERS', 1, 256)[1], 'AUTO', 'all']],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', ['127.0.0.1:4318', 'grpc://127.0.0.1:4317', 'http://user:password@127.0.0.1:4318', 'http://127.0.0.1:4318?x=1', 'http://127.0.0.1:4318/#x', 'http://']],
  ['OTEL_EXPORTER_OTLP_HEADERS', ['x', '=x', 'a b=x', 'x=%zz', 'x=%0d%0ay: z', 'x=\u00e4']],
  ['OTEL_SERVICE_NAME', ['x'.repeat(256), 'a\u0007b']],
  ['OTEL_TRACES_SAMPLER_ARG', ['-1', '1.1', '2', '.5', '1e-3', 'half']],
  ['LOG_LEVEL', ['verbose', 'INFO', 'trace,debug']],
  ['DOCS_ENABLED', ['yes', '1', 'TRUE', 'on']],
  ['THEME_NAME', ['x'.repeat(61), 'two\nlines', 'a\u0000b']],
  ['THEME_LOGO_FILE', ['/nowhere/logo.svg', __dirname, __filename, '/dev/zero']],
  ['THEME_COLOR', ['green', '12345', '1234567', '##123456', 'rgb(1,2,3)', '12345g', '#12', '#fff;}*{color:red']],
  ['THEME_COLOR_DARK', ['mint', '0x00ff00', '#12345678']],
  ['DEFAULT_LOCALE', ['fr', 'EN', 'de-AT', 'english']],
  ['ACCESS_TOKEN_SIGNING_ALG', ['none', 'HS256', 'es256', 'RS1', 'ES512']],
  integers('ACCESS_TOKEN_LIFETIME_SECONDS', 10, 86_400),
  integers('KEY_ROTATION_INTERVAL_DAYS', 0, 3650),
  integers('JWKS_MAX_AGE_SECONDS', 1, 86_400),
  integers('CLIENT_CACHE_ENTRIES', 1, 5_000_000),
  integers('USER_CACHE_ENTRIES', 1, 5_000_000),
  integers('PASSWORD_ATTEMPT_LIMIT', 1, 10_000),
  ['RATE_LIMIT_ENABLED', ['yes', '1', 'FALSE', 'off']],
  ...['TOKEN_PER_MINUTE', 'INTROSPECTION_PER_MINUTE', 'INACTIVE_TOKENS_PER_MINUTE', 'CLIENT_FAILURES_PER_5_MINUTES', 'ADDRESS_FAILURES_PER_5_MINUTES', 'ACCOUNT_LOGINS_PER_MINUTE', 'ADDRESS_LOGINS_PER_MINUTE', 'AUTHORIZATION_PER_MINUTE', 'AUTHORIZATION_KIB_PER_HOUR', 'ADMIN_PER_MINUTE'].map(
    (limit) => integers(`RATE_LIMIT_${limit}`, 0, 100_000_000),
  ),
  [integers('PASSWORD_HASH_THREADS', 1, 64)[0], [...integers('PASSWORD_HASH_THREADS', 1, 64)[1], 'AUTO', 'all']],
  integers('PASSWORD_HASH_QUEUE_LIMIT', 1, 10_000),
  integers('REFRESH_RETRY_WINDOW_SECONDS', 0, 60),
  integers('SESSION_LIFETIME_SECONDS', 60, 31_536_000),
  integers('SESSION_IDLE_LIFETIME_SECONDS', 60, 31_536_000),
  integers('ID_TOKEN_LIFETIME_SECONDS', 10, 86_400),
  ['OUTBOUND_ALLOWED_HOSTS', ['*', '*.example.com', 'https://app.internal', 'app.internal/path', 'user@app.internal', 'app.internal:0', 'app.internal:65536', 'app.internal:x', 'app.internal:', ':8080', '10.0.0.0/8', '0x7f.1', '127.1', '2130706433', 'fd00::1', '[fd00:0::1]', '[::ffff:127.0.0.1]', '[::1',
    'app internal', 'app.internal;b.internal', 'app.internal, https://b.internal', 'ünïcode.internal']],
  ['METRICS_TOKEN', ['hunter2', 'x'.repeat(15), 'x'.repeat(257), 'hunter2 hunter2 hunter2', 'hunter2:hunter2:hunter2', 'hunter2hünter2hunter2']],
  integers('CHANGE_FEED_INTERVAL_MS', 20, 900),
  integers('AUDIT_RETENTION_DAYS', 0, 36_500),
  integers('LAST_USED_FLUSH_SECONDS', 1, 3600),
  integers('SHUTDOWN_DRAIN_SECONDS', 0, 300),
  integers('SHUTDOWN_TIMEOUT_SECONDS', 1, 600),
];

describe('a wrong setting', () => {
  it.each(BAD.flatMap(([variable, values]) => values.map((value): [string, string] => [variable, value])))('%s=%s gets one clear line', (variable, value) => {
    expectOneLine(problemsOf({ ...BASE, [variable]: value }), variable);
  });

  it('is in the table of this test for every variable that can be wrong', () => {
    const tested = new Set(BAD.map(([variable]) => variable));
    const free = ['HOST', 'BOOTSTRAP_CLIENT_ID', 'BOOTSTRAP_CLIENT_SECRET', 'TLS_CERT_FILE', 'TLS_KEY_FILE'];
    expect((Object.values(SETTINGS) as Setting<unknown>[]).map(({ env }) => env).filter((env) => !tested.has(env) && !free.includes(env))).toEqual([]);
  });

  it('does not hide another: each gets its line, whatever kind it is', () => {
    const wrong = { PORT: 'x', ISSUER: 'https://id.example.com/', DATABASE_URL: 'postgres://h/db', TRUST_PROXY: 'true', LOG_LEVEL: 'loud', WORKERS: '0', TLS_CERT_FILE: 'a.pem', BOOTSTRAP_CLIENT_ID: 'admin', TYPEORM_SYNCHRONIZE: 'true', KEY_ENCRYPTION_KEY: 'short' };
    const named = problemsOf(wrong).map((problem) => /^[A-Z_]+/.exec(problem)?.[0]);
    expect(named.sort()).toEqual(Object.keys(wrong).sort());
  });

  it.each([
    ['BOOTSTRAP_CLIENT_ID', { BOOTSTRAP_CLIENT_ID: 'admin' }, 'BOOTSTRAP_CLIENT_ID and BOOTSTRAP_CLIENT_SECRET'],
    ['BOOTSTRAP_CLIENT_SECRET', { BOOTSTRAP_CLIENT_SECRET: 'hunter2-hunter2-hunter2' }, 'BOOTSTRAP_CLIENT_ID and BOOTSTRAP_CLIENT_SECRET'],
    ['TLS_CERT_FILE', { TLS_CERT_FILE: __filename }, 'TLS_CERT_FILE and TLS_KEY_FILE'],
    ['TLS_KEY_FILE', { TLS_KEY_FILE: __filename }, 'TLS_CERT_FILE and TLS_KEY_FILE'],
  ])('%s without the other of the pair is refused', (_, env, both) => {
    expectOneLine(problemsOf({ ...BASE, ...env }), both);
  });

  it.each([
    ['is not there', '/nowhere/cert.pem'],
    ['is a folder', __dirname],
    ['is no PEM', __filename],
  ])('TLS_CERT_FILE and TLS_KEY_FILE that name what %s is refused', (_, file) => {
    expectOneLine(problemsOf({ ...BASE, TLS_CERT_FILE: file, TLS_KEY_FILE: file }), 'TLS_(CERT|KEY)_FILE');
  });

  it.each(['TYPEORM_SYNCHRONIZE', 'DATABASE_SYNCHRONIZE', 'DB_SYNCHRONIZE'])('%s=true is refused, in any environment', (variable) => {
    expectOneLine(problemsOf({ ...BASE, [variable]: 'true' }), variable);
    expectOneLine(problemsOf({ ...PRODUCTION, [variable]: '1' }), variable);
  });

  it('TYPEORM_SYNCHRONIZE=false is passed over', () => {
    expect(problemsOf({ ...BASE, TYPEORM_SYNCHRONIZE: 'false' })).toEqual([]);
  });

  it('makes no key file, nor a folder for one', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mintgate-config-'));
    problemsOf({ DATABASE_URL: `sqlite:${folder}/data/x.sqlite`, TRUST_PROXY: 'true' });
    expect(() => statSync(join(folder, 'data'))).toThrow('ENOENT');
    rmSync(folder, { recursive: true });
  });
});

describe('in production', () => {
  it.each<[string, Record<string, string | undefined>, string]>([
    ['an http issuer', { ISSUER: 'http://id.example.com' }, 'ISSUER'],
    ['an http issuer on a private address', { ISSUER: 'http://10.0.0.1:3000' }, 'ISSUER'],
    ['an http issuer on a name that only looks like loopback', { ISSUER: 'http://127.0.0.1.example.com' }, 'ISSUER'],
    ['a missing KEY_ENCRYPTION_KEY', { KEY_ENCRYPTION_KEY: undefined }, 'KEY_ENCRYPTION_KEY'],
    ['a KEY_ENCRYPTION_KEY of one repeated byte', { KEY_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64') }, 'KEY_ENCRYPTION_KEY'],
    ['a short BOOTSTRAP_CLIENT_SECRET', { BOOTSTRAP_CLIENT_ID: 'admin', BOOTSTRAP_CLIENT_SECRET: 'hunter2' }, 'BOOTSTRAP_CLIENT_SECRET'],
  ])('refuses %s', (_, env, variable) => {
    expectOneLine(problemsOf({ ...PRODUCTION, ...env }), variable);
  });

  it('listens on all addresses, serves no API documentation, and drains for five seconds, unless told otherwise', () => {
    expect(loadConfig(PRODUCTION)).toMatchObject({ production: true, host: '0.0.0.0', docsEnabled: false, shutdownDrainSeconds: 5 });
    expect(loadConfig({ ...PRODUCTION, HOST: '127.0.0.1', DOCS_ENABLED: 'true', SHUTDOWN_DRAIN_SECONDS: '0' })).toMatchObject({ host: '127.0.0.1', docsEnabled: true, shutdownDrainSeconds: 0 });
  });
});

describe('a right setting', () => {
  it('is not needed: the defaults are a configuration', () => {
    expect(loadConfig(BASE)).toMatchObject({ production: false, port: 3000, host: '127.0.0.1', issuer: 'http://127.0.0.1:3000', database: { type: 'sqlite', path: './data/mintgate.sqlite' }, workers: 1, trustProxy: [] });
    expect(loadConfig(BASE)).toMatchObject({ passwordAttemptLimit: 10, refreshRetryWindowSeconds: 10, passwordHashThreads: availableParallelism() });
    expect(loadConfig(BASE)).toMatchObject({ sessionLifetimeSeconds: 86_400, sessionIdleLifetimeSeconds: 14_400, idTokenLifetimeSeconds: 3600 });
  });

  it.each<[string, string, unknown]>([
    ['PASSWORD_ATTEMPT_LIMIT', '1', { passwordAttemptLimit: 1 }],
    ['PASSWORD_HASH_THREADS', '64', { passwordHashThreads: 64 }],
    ['THEME_COLOR', '#0B7A5F', { theme: { color: '#0b7a5f' } }],
    ['THEME_COLOR', 'fa0', { theme: { color: '#ffaa00' } }],
    ['THEME_COLOR_DARK', 'ffd400', { theme: { colorDark: '#ffd400' } }],
    ['DEFAULT_LOCALE', 'de', { defaultLocale: 'de' }],
    ['REFRESH_RETRY_WINDOW_SECONDS', '0', { refreshRetryWindowSeconds: 0 }],
    ['REFRESH_RETRY_WINDOW_SECONDS', '60', { refreshRetryWindowSeconds: 60 }],
    ['SESSION_LIFETIME_SECONDS', '31536000', { sessionLifetimeSeconds: 31_536_000 }],
    ['SESSION_IDLE_LIFETIME_SECONDS', '60', { sessionIdleLifetimeSeconds: 60 }],
    ['ID_TOKEN_LIFETIME_SECONDS', '10', { idTokenLifetimeSeconds: 10 }],
  ])('%s=%s is taken', (variable, value, expected) => {
    expect(loadConfig({ ...BASE, [variable]: value })).toMatchObject(expected as object);
  });

  it.each(['https://id.example.com', 'https://id.example.com/tenant', 'https://id.example.com:8443', 'http://127.0.0.1:3000', 'http://[::1]:3000', 'http://localhost:3000'])('ISSUER=%s is taken as it stands', (issuer) => {
    expect(loadConfig({ ...BASE, ISSUER: issuer }).issuer).toBe(issuer);
  });

  it.each([
    ['10.0.0.1', ['10.0.0.1']],
    ['10.0.0.0/8, 2001:db8::/32', ['10.0.0.0/8', '2001:db8::/32']],
    ['loopback,uniquelocal , linklocal', ['loopback', 'uniquelocal', 'linklocal']],
    [' , ', []],
  ])('TRUST_PROXY=%s is taken', (text, expected) => {
    expect(loadConfig({ ...BASE, TRUST_PROXY: text }).trustProxy).toEqual(expected);
  });

  it.each([
    ['app.internal', ['app.internal']],
    ['App.Internal:8443, 10.1.2.3:80 ,[fd00::1]:8080,[::1],localhost', ['app.internal:8443', '10.1.2.3:80', '[fd00::1]:8080', '[::1]', 'localhost']],
    [' , ', []],
  ])('OUTBOUND_ALLOWED_HOSTS=%s is taken', (text, expected) => {
    expect(loadConfig({ ...BASE, OUTBOUND_ALLOWED_HOSTS: text }).outboundAllowedHosts).toEqual(expected);
  });

  it('DATABASE_URL gives up its escaped characters', () => {
    expect(loadConfig({ ...BASE, DATABASE_URL: 'mysql://app%40eu:p%2Fw%3A%23@db.internal/mint%20gate' }).database).toEqual({ type: 'mysql', host: 'db.internal', port: 3306, username: 'app@eu', password: 'p/w:#', database: 'mint gate' });
    expect(loadConfig({ ...BASE, DATABASE_URL: 'mariadb://u@[::1]:3307/db' }).database).toMatchObject({ type: 'mariadb', host: '::1', port: 3307, password: '' });
  });

  it('cannot be changed afterwards: the configuration is frozen to its leaves', () => {
    const config = loadConfig({ ...BASE, BOOTSTRAP_CLIENT_ID: 'admin', BOOTSTRAP_CLIENT_SECRET: 'x', TRUST_PROXY: 'loopback', OUTBOUND_ALLOWED_HOSTS: 'localhost', DATABASE_URL: 'mysql://u@h/db' });
    for (const each of [config, config.database, config.trustProxy, config.outboundAllowedHosts, config.bootstrapClient]) expect(Object.isFrozen(each)).toBe(true);
    expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError);
  });
});

describe('a secret in a file that <NAME>_FILE names', () => {
  const secrets = (Object.values(SETTINGS) as Setting<unknown>[]).filter(({ secret }) => secret).map(({ env }) => env);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mintgate-config-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const file = (text: string) => {
    const path = join(folder, 'secret');
    writeFileSync(path, text);
    return path;
  };

  it('is taken as if it stood in the variable, without the white space around it', () => {
    expect(loadConfig({ ...BASE, DATABASE_URL_FILE: file(' mysql://app:hunter2@db.internal/mintgate\n') }).database).toEqual(loadConfig({ ...BASE, DATABASE_URL: 'mysql://app:hunter2@db.internal/mintgate' }).database);
    expect(loadConfig({ ...PRODUCTION, KEY_ENCRYPTION_KEY: '', KEY_ENCRYPTION_KEY_FILE: file(`${KEY}\r\n`) }).keyEncryptionKey).toEqual(Buffer.from(KEY, 'base64'));
    const [one, other] = [Buffer.alloc(32, 1).toString('base64'), Buffer.alloc(32, 2).toString('base64')];
    const previous = loadConfig({ ...BASE, KEY_ENCRYPTION_KEY_PREVIOUS_FILE: file(`${one}\n${KEY}\n${other}, `) }).previousKeyEncryptionKeys;
    expect(previous).toEqual([one, other].map((key) => Buffer.from(key, 'base64')));
    expect(loadConfig({ ...PRODUCTION, BOOTSTRAP_CLIENT_ID: 'admin', BOOTSTRAP_CLIENT_SECRET_FILE: file('a-secret-of-16-characters') }).bootstrapClient).toEqual({ clientId: 'admin', clientSecret: 'a-secret-of-16-characters' });
  });

  it.each(secrets)('%s: the variable names the file where it cannot be read, is none, is empty or too large, or the secret is set as well', (variable) => {
    writeFileSync(join(folder, 'large'), 'hunter2'.repeat(10_000));
    for (const wrong of [join(folder, 'nowhere'), folder, '/dev/zero', file(' \n'), join(folder, 'large')]) {
      expectOneLine(problemsOf({ ...(variable === 'KEY_ENCRYPTION_KEY' ? {} : BASE), [`${variable}_FILE`]: wrong }), `${variable}_FILE`);
    }
    expectOneLine(problemsOf({ ...BASE, [variable]: 'hunter2', [`${variable}_FILE`]: file('hunter2') }), `${variable}_FILE`);
  });

  it('is held to the rules of its setting, which is named in place of the file', () => {
    expectOneLine(problemsOf({ ...BASE, DATABASE_URL_FILE: file('postgres://u:hunter2@h/db') }), 'DATABASE_URL');
    expectOneLine(problemsOf({ ...PRODUCTION, KEY_ENCRYPTION_KEY: '', KEY_ENCRYPTION_KEY_FILE: file('hunter2') }), 'KEY_ENCRYPTION_KEY');
  });

  it('is not looked for where the setting is no secret', () => {
    expect(loadConfig({ ...BASE, ISSUER_FILE: file('https://id.example.com') }).issuer).toBe('http://127.0.0.1:3000');
  });

  it('is told of in the reference, for secrets and no others', () => {
    const told = [...configurationReference().matchAll(/Or `(\w+)_FILE`: the file that holds it/g)].map(([, variable]) => variable);
    expect(told).toEqual(secrets);
  });
});

describe('the key encryption key that is made beside the embedded database', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mintgate-config-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const load = () => loadConfig({ DATABASE_URL: `sqlite:${folder}/data/mintgate.sqlite` });
  const file = () => join(folder, 'data/key-encryption-key');

  it('is 32 random bytes in a file that only its owner can read, in a folder that only its owner can enter', () => {
    expect(load().keyEncryptionKey).toHaveLength(32);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700);
    expect(readFileSync(file(), 'utf8')).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
  });

  it('is made once and found again', () => {
    const first = load().keyEncryptionKey;
    expect(load().keyEncryptionKey.equals(first)).toBe(true);
  });

  it('is one and the same for processes that make it at the same moment', async () => {
    const script = `process.stdout.write(require(${JSON.stringify(join(ROOT, 'dist/src/config/load-config.js'))}).loadConfig({ DATABASE_URL: 'sqlite:' + process.argv[1] }).keyEncryptionKey.toString('hex'))`;
    const made = await Promise.all(Array.from({ length: 6 }, () => promisify(execFile)(process.execPath, ['-e', script, join(folder, 'data/mintgate.sqlite')], { timeout: 20_000 })));
    expect(new Set(made.map(({ stdout }) => stdout))).toEqual(new Set([readFileSync(file(), 'utf8').trim()].map((text) => Buffer.from(text, 'base64').toString('hex'))));
  });

  it('is not made anew over a file that is damaged: the start is refused', () => {
    mkdirSync(join(folder, 'data'));
    writeFileSync(file(), 'AAAA\n');
    expect(load).toThrow(/^KEY_ENCRYPTION_KEY: the file .* does not hold 32 bytes/);
    expect(readFileSync(file(), 'utf8')).toBe('AAAA\n');
  });

  it('is missed with a line that names the setting when the folder cannot be made', () => {
    writeFileSync(join(folder, 'data'), 'a file, not a folder');
    expectOneLine(problemsOf({ DATABASE_URL: `sqlite:${folder}/data/mintgate.sqlite` }), '(DATABASE_URL|KEY_ENCRYPTION_KEY)');
  });
});

describe('the generated reference', () => {
  it.each([
    ['.env.example', environmentExample],
    ['docs/reference/configuration.md', configurationReference],
  ])('%s is what the settings say (npm run docs:generate)', (name, text) => {
    expect(readFileSync(join(ROOT, name), 'utf8')).toBe(text());
  });

  it('names every setting', () => {
    for (const { env } of Object.values(SETTINGS) as Setting<unknown>[]) {
      expect(configurationReference()).toContain(`| \`${env}\` |`);
      expect(environmentExample()).toContain(`\n#${env}=`);
    }
  });

  it('gives examples that are accepted when the # is taken away', () => {
    const given = parse(readFileSync(join(ROOT, '.env.example'), 'utf8').replace(/^#(?=[A-Z_]+=)/gm, ''));
    expect(problemsOf({ ...given, ...BASE })).toEqual([]);
  });
});
