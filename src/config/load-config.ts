import { availableParallelism } from 'node:os';
import { createSecureContext } from 'node:tls';
import { isLoopbackHost } from '../common/oauth/redirect-uri.js';
import type { Config, DatabaseTarget } from './config.js';
import { ConfigurationError } from './configuration-error.js';
import { readDatabaseTls } from './database-tls.js';
import { keyEncryptionKeyFile, makeKeyEncryptionKey } from './key-encryption-key.js';
import { parseOutboundAllowedHosts } from './outbound-allowed-hosts.js';
import { readFileOf } from './pem-file.js';
import { readRateLimits } from './rate-limits.js';
import { readSecret } from './secret-file.js';
import { type RawSettings, type Setting, SETTINGS } from './settings.js';
import { readTheme } from './theme.js';
import { readTracing } from './tracing.js';
import { parseTrustProxy } from './trust-proxy.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads and checks the environment.
 * @param keyIn the key that encrypts signing keys where none is configured, in its file; made there unless the caller does otherwise
 * @throws {ConfigurationError} with every problem, not just the first
 */
export function loadConfig(env: Environment, keyIn: (file: string) => Buffer = makeKeyEncryptionKey): Config {
  const problems: string[] = [];
  const check = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      problems.push((error as Error).message);
      return undefined;
    }
  };
  const raw = readSettings(env, problems, check);

  const production = raw.environment === 'production';
  const host = raw.host ?? (production ? '0.0.0.0' : '127.0.0.1');
  const management = check(() => readManagement(raw, host));
  const issuer = check(() => readIssuer(raw, production));
  const database = check(() => readDatabase(raw));
  const trustProxy = check(() => parseTrustProxy(raw.trustProxy));
  const outboundAllowedHosts = check(() => parseOutboundAllowedHosts(raw.outboundAllowedHosts));
  const tls = check(() => readTls(raw));
  const tracing = check(() => readTracing(raw));
  const theme = check(() => readTheme(raw));
  const bootstrapClient = check(() => readBootstrapClient(raw, production));
  check(() => refuseSynchronize(env));
  const configuredKey = check(() => readKeyEncryptionKey(raw.keyEncryptionKey, production));
  const previousKeys = check(() => readPreviousKeys(raw.previousKeyEncryptionKeys ?? '', production));
  // Last, since it may make a file: not for a configuration that is refused anyway.
  const keyEncryptionKey = configuredKey ?? (problems.length > 0 ? undefined : check(() => keyIn(keyEncryptionKeyFile(database!.type === 'sqlite' ? database!.path : './data/mintgate.sqlite'))));
  if (problems.length > 0) throw new ConfigurationError(problems);

  return Object.freeze<Config>({
    production,
    port: raw.port,
    host,
    ...(management ? { management } : {}),
    issuer: issuer!,
    database: database!,
    databasePoolSize: raw.databasePoolSize,
    databaseDeadlineMs: raw.databaseDeadlineMs,
    keyEncryptionKey: keyEncryptionKey!,
    previousKeyEncryptionKeys: previousKeys!.filter((key) => !key.equals(keyEncryptionKey!)),
    ...(bootstrapClient ? { bootstrapClient } : {}),
    trustProxy: trustProxy!,
    workers: raw.workers === 'auto' ? availableParallelism() : raw.workers,
    ...(tls ? { tls } : {}),
    logLevel: raw.logLevel,
    ...(tracing ? { tracing } : {}),
    docsEnabled: raw.docsEnabled ?? !production,
    theme: theme!,
    defaultLocale: raw.defaultLocale,
    accessTokenSigningAlg: raw.accessTokenSigningAlg,
    accessTokenLifetimeSeconds: raw.accessTokenLifetimeSeconds,
    keyRotationIntervalDays: raw.keyRotationIntervalDays,
    jwksMaxAgeSeconds: raw.jwksMaxAgeSeconds,
    clientCacheEntries: raw.clientCacheEntries,
    userCacheEntries: raw.userCacheEntries,
    passwordAttemptLimit: raw.passwordAttemptLimit,
    rateLimits: readRateLimits(raw),
    passwordHashThreads: raw.passwordHashThreads === 'auto' ? availableParallelism() : raw.passwordHashThreads,
    passwordHashQueueLimit: raw.passwordHashQueueLimit,
    refreshRetryWindowSeconds: raw.refreshRetryWindowSeconds,
    sessionLifetimeSeconds: raw.sessionLifetimeSeconds,
    sessionIdleLifetimeSeconds: raw.sessionIdleLifetimeSeconds,
    idTokenLifetimeSeconds: raw.idTokenLifetimeSeconds,
    outboundAllowedHosts: outboundAllowedHosts!,
    ...(raw.metricsToken === undefined ? {} : { metricsToken: raw.metricsToken }),
    changeFeedIntervalMs: raw.changeFeedIntervalMs,
    auditRetentionDays: raw.auditRetentionDays,
    lastUsedFlushSeconds: raw.lastUsedFlushSeconds,
    shutdownDrainSeconds: raw.shutdownDrainSeconds ?? (production ? 5 : 1),
    shutdownTimeoutSeconds: raw.shutdownTimeoutSeconds,
  });
}

function readSettings(env: Environment, problems: string[], check: <T>(read: () => T) => T | undefined): RawSettings {
  const raw: Record<string, unknown> = {};
  for (const [name, { env: variable, schema, fallback, secret }] of Object.entries(SETTINGS as Readonly<Record<string, Setting<unknown>>>)) {
    const given = (secret ? check(() => readSecret(env, variable)) : env[variable])?.trim();
    const text = given === undefined || given === '' ? fallback : given;
    if (text === undefined) continue;
    const result = schema.safeParse(text);
    if (result.success) raw[name] = result.data;
    else {
      problems.push(`${variable}: ${firstMessage(result.error.issues)}`);
      // What depends on it is checked all the same, as if it were unset.
      if (fallback !== undefined) raw[name] = schema.parse(fallback);
    }
  }
  return raw as RawSettings;
}

/** Of a union, zod says only that no branch fits; the last branch's own words are clearer. */
function firstMessage(issues: readonly unknown[]): string {
  const issue = issues[0] as { message: string; errors?: readonly (readonly unknown[])[] };
  const branch = issue.errors?.at(-1);
  return branch ? firstMessage(branch) : issue.message;
}

function readManagement({ port, managementPort, managementHost }: RawSettings, host: string): Config['management'] {
  if (managementPort === undefined) {
    if (managementHost !== undefined) throw new Error('MANAGEMENT_HOST: means nothing without MANAGEMENT_PORT');
    return undefined;
  }
  if (managementPort === port) throw new Error('MANAGEMENT_PORT: must differ from PORT');
  return Object.freeze({ port: managementPort, host: managementHost ?? host });
}

function readIssuer(raw: RawSettings, production: boolean): string {
  if (raw.issuer === undefined && raw.port === 0) throw new Error('ISSUER: is required when PORT is 0');
  const issuer = raw.issuer ?? `${raw.tlsCertFile === undefined ? 'http' : 'https'}://127.0.0.1:${raw.port}`;
  let url: URL;
  try {
    url = new URL(issuer);
  } catch {
    throw new Error('ISSUER: is not a URL');
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Error('ISSUER: must be an https URL');
  if (issuer.includes('?') || issuer.includes('#')) throw new Error('ISSUER: may have no query and no fragment (RFC 8414 section 2)');
  if (url.username || url.password) throw new Error('ISSUER: may hold no user information');
  if (issuer.endsWith('/')) throw new Error('ISSUER: may not end with a slash');
  if (url.href !== issuer && url.href !== `${issuer}/`) throw new Error(`ISSUER: is not in its normal form, ${url.href.replace(/\/$/, '')}`);
  if (production && url.protocol === 'http:' && !isLoopbackHost(url.hostname)) throw new Error('ISSUER: must be https in production');
  return issuer;
}

function readDatabase(raw: RawSettings): DatabaseTarget {
  const target = readDatabaseUrl(raw.databaseUrl);
  const tls = readDatabaseTls(raw, target.type === 'sqlite');
  return tls ? Object.freeze({ ...target, tls }) : target;
}

/** For a URL that the characters of a password cut short. It is not shown. */
const ENCODING = 'in the user and the password @ : / ? # % are percent-encoded (# is %23)';

function readDatabaseUrl(text: string): DatabaseTarget {
  if (text.startsWith('sqlite:')) {
    const path = text.slice('sqlite:'.length);
    if (path === '' || path.startsWith('//') || path.includes('?') || path === ':memory:') throw new Error('DATABASE_URL: sqlite: must be followed by the path of a file');
    return Object.freeze({ type: 'sqlite', path });
  }
  const form = 'must be sqlite:<path>, mysql://user:password@host:port/database or mariadb://…';
  if (!/^(mysql|mariadb):\/\//.test(text) || !URL.canParse(text)) throw new Error(`DATABASE_URL: ${form}; ${ENCODING}`);
  const url = new URL(text);
  if (url.hostname === '') throw new Error(`DATABASE_URL: names no host; it ${form}`);
  if (url.search || url.hash) {
    throw new Error(`DATABASE_URL: parameters after ? are not supported; TLS is set by DATABASE_TLS; ${ENCODING}`);
  }
  const [username, password, database] = [url.username, url.password, url.pathname.slice(1)].map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw new Error('DATABASE_URL: holds a percent sign that encodes nothing (write %25 for the sign itself)');
    }
  }) as [string, string, string];
  if (database === '' || database.includes('/')) throw new Error('DATABASE_URL: must name a database, as in mysql://user:password@host/database');
  return Object.freeze({
    type: url.protocol.slice(0, -1) as 'mysql' | 'mariadb',
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 3306 : Number(url.port),
    username,
    password,
    database,
  });
}

function readTls(raw: RawSettings): Config['tls'] {
  const { tlsCertFile, tlsKeyFile } = raw;
  if (tlsCertFile === undefined && tlsKeyFile === undefined) return undefined;
  if (tlsCertFile === undefined || tlsKeyFile === undefined) throw new Error('TLS_CERT_FILE and TLS_KEY_FILE go together: one of them is missing');
  const tls = { cert: readFileOf('TLS_CERT_FILE', tlsCertFile), key: readFileOf('TLS_KEY_FILE', tlsKeyFile) };
  try {
    createSecureContext(tls);
  } catch (error) {
    throw new Error('TLS_CERT_FILE, TLS_KEY_FILE: do not hold a PEM certificate and its private key', { cause: error });
  }
  return Object.freeze(tls);
}

function readBootstrapClient(raw: RawSettings, production: boolean): Config['bootstrapClient'] {
  const { bootstrapClientId: clientId, bootstrapClientSecret: clientSecret } = raw;
  if (clientId === undefined && clientSecret === undefined) return undefined;
  if (clientId === undefined || clientSecret === undefined) throw new Error('BOOTSTRAP_CLIENT_ID and BOOTSTRAP_CLIENT_SECRET go together: one of them is missing');
  if (production && clientSecret.length < 16) throw new Error('BOOTSTRAP_CLIENT_SECRET: must have 16 characters or more in production');
  return Object.freeze({ clientId, clientSecret });
}

function readKeyEncryptionKey(text: string | undefined, production: boolean): Buffer | undefined {
  if (text === undefined) {
    if (production) throw new Error('KEY_ENCRYPTION_KEY: is required in production (openssl rand -base64 32)');
    return undefined;
  }
  return parseKey('KEY_ENCRYPTION_KEY', text, production);
}

const readPreviousKeys = (text: string, production: boolean): Buffer[] =>
  text.split(/[\s,]+/).filter(Boolean).map((each) => parseKey('KEY_ENCRYPTION_KEY_PREVIOUS', each, production));

function parseKey(variable: string, text: string, production: boolean): Buffer {
  const key = Buffer.from(text, 'base64');
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text) || key.length !== 32) throw new Error(`${variable}: must be 32 bytes in base64 (openssl rand -base64 32)`);
  if (production && key.every((byte) => byte === key[0])) throw new Error(`${variable}: is not random (openssl rand -base64 32)`);
  return key;
}

/** There is no such setting, but those who know TypeORM may try one of its usual names. */
function refuseSynchronize(env: Environment): void {
  const name = Object.keys(env).find((key) => /^(TYPEORM_|DATABASE_|DB_|MINTGATE_)?SYNCHRONIZE$/i.test(key) && /^(true|1|yes|on)$/i.test(env[key] ?? ''));
  if (name) throw new Error(`${name}: the schema is changed by migrations only; synchronize could drop columns that hold data and is refused`);
}
