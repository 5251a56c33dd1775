import { X509Certificate } from 'node:crypto';
import { isLoopbackHost } from '../../common/oauth/redirect-uri.js';
import type { Config } from '../../config/config.js';
import { ConfigurationError } from '../../config/configuration-error.js';
import { keyEncryptionKeyIn } from '../../config/key-encryption-key.js';
import { loadConfig } from '../../config/load-config.js';
import { wideEntries } from '../../config/trust-proxy.js';
import { type Finding, ok, problem, warning } from './finding.js';

export type Environment = Readonly<Record<string, string | undefined>>;

const DAY_MS = 86_400_000;
const CERTIFICATE_DAYS = 21;

export interface ReadConfiguration {
  findings: Finding[];
  /** `undefined`: it is too wrong to go on with. */
  config?: Config;
  /** Whether the key that encrypts the signing keys is known. */
  keyKnown: boolean;
}

/** Holds the configuration to the rules that it would be started under in production, whatever it says it is for. */
export function readConfiguration(env: Environment): ReadConfiguration {
  let keyKnown = true;
  const load = (environment: string | undefined) => loadConfig({ ...env, NODE_ENV: environment }, (file) => keyEncryptionKeyIn(file) ?? ((keyKnown = false), Buffer.alloc(32)));
  let config: Config | undefined;
  let refused: Finding[] = [];
  try {
    config = load('production');
  } catch (error) {
    refused = problemsOf(error);
    // What production refuses may be enough to look at the rest.
    try {
      config = load('development');
    } catch (other) {
      if (!(other instanceof ConfigurationError)) throw other;
    }
  }
  const named = new Set(refused.map(({ check }) => check));
  const rules = config ? RULES.flatMap((rule) => rule(config, env) ?? []).filter(({ check }) => !named.has(check)) : [environmentRule(env)];
  return { findings: [...refused, ...rules], keyKnown, ...(config ? { config } : {}) };
}

export function problemsOf(error: unknown): Finding[] {
  if (!(error instanceof ConfigurationError)) throw error;
  return error.problems.map((line) => {
    const [, check = 'configuration', detail = line] = /^([A-Z0-9_, .]+|\.env): (.*)$/s.exec(line) ?? [];
    return problem(check, detail);
  });
}

export const isSet = (env: Environment, variable: string): boolean => [variable, `${variable}_FILE`].some((name) => (env[name]?.trim() ?? '') !== '');

type Rule = (config: Config, env: Environment) => Finding | undefined;

const environmentRule = (env: Environment): Finding =>
  env['NODE_ENV']?.trim() === 'production' ? ok('NODE_ENV', 'production') : problem('NODE_ENV', `is ${env['NODE_ENV']?.trim() || 'not set'}: the checks of production are not binding`, 'NODE_ENV=production');

const RULES: readonly Rule[] = [
  (_config, env) => environmentRule(env),

  ({ issuer }, env) => {
    if (!isSet(env, 'ISSUER')) return problem('ISSUER', 'is not set: every token and URL would name this machine only', 'ISSUER=https://id.example.com, the address that clients use');
    return isLoopbackHost(new URL(issuer).hostname) ? problem('ISSUER', `${issuer} can be reached from this machine only`, 'the https address that clients use') : ok('ISSUER', issuer);
  },

  (_config, env) => (isSet(env, 'KEY_ENCRYPTION_KEY') ? ok('KEY_ENCRYPTION_KEY', 'is set; it must be the same on every instance') : undefined),

  ({ database, workers }) => {
    if (database.type !== 'sqlite') return ok('DATABASE_URL', `a database server (${database.type}), for any number of instances`);
    if (workers > 1) return problem('DATABASE_URL', `SQLite is for one process, and WORKERS are ${workers}`, 'a database server: DATABASE_URL=mariadb://user:password@host/database, or WORKERS=1');
    return warning('DATABASE_URL', 'SQLite: for one process on one machine, whose disk is the only copy', 'a database server as soon as there is a second instance; until then, back the file up');
  },

  ({ database }) => (database.type !== 'sqlite' && (database.username === 'root' || database.password === '') ? problem('DATABASE_URL user', database.username === 'root' ? 'is root' : 'has no password', 'a user of its own, with a password and rights on this database only') : undefined),

  ({ issuer, tls, trustProxy }) => {
    const wide = wideEntries(trustProxy);
    if (wide.length > 0) {
      return warning('TRUST_PROXY', `${wide.join(', ')}: every caller in there chooses the address that limits and the audit log see`, 'the addresses of the gateways alone; or let no other caller in there reach this server');
    }
    if (trustProxy.length > 0) return ok('TRUST_PROXY', trustProxy.join(', '));
    if (tls) return ok('TRUST_PROXY', 'is empty: nobody’s forwarded headers count');
    return issuer.startsWith('https:')
      ? problem('TRUST_PROXY', 'is empty, and without TLS_CERT_FILE a gateway ends TLS: in the limits and in the audit log all callers would have its address', 'TRUST_PROXY=the addresses of the gateway')
      : problem('TRUST_PROXY', 'is empty, and nothing here or in front ends TLS', 'a gateway that does, and its addresses in TRUST_PROXY; or TLS_CERT_FILE and TLS_KEY_FILE');
  },

  ({ tls, issuer }) => (tls ? certificateRule(tls.cert, new URL(issuer).hostname) : undefined),

  ({ management }) =>
    management
      ? ok('MANAGEMENT_PORT', `${management.host}:${management.port}`)
      : warning('MANAGEMENT_PORT', 'is not set: /admin, /metrics and /health are on the public listener', 'MANAGEMENT_PORT=9000, closed to the public; or keep these paths out at the gateway'),

  ({ metricsToken, management }) => {
    if (metricsToken !== undefined) return ok('METRICS_TOKEN', 'is set');
    return management ? ok('METRICS_TOKEN', 'is not set: whoever reaches MANAGEMENT_PORT may read /metrics') : warning('METRICS_TOKEN', 'is not set: /metrics is open to whoever reaches the public listener', 'METRICS_TOKEN from openssl rand -hex 32, or MANAGEMENT_PORT');
  },

  (_config, env) => (env['RATE_LIMIT_ENABLED']?.trim() === 'false' ? warning('RATE_LIMIT_ENABLED', 'is false: nothing here limits requests', 'take it out, unless the gateway limits them') : ok('RATE_LIMIT_ENABLED', 'requests are limited')),

  (_config, env) => (env['DOCS_ENABLED']?.trim() === 'true' ? warning('DOCS_ENABLED', 'is true: /docs shows the admin API', 'take it out') : undefined),

  ({ logLevel }) => {
    if (logLevel === 'debug') return warning('LOG_LEVEL', 'is debug: a line for every request', 'LOG_LEVEL=info');
    return logLevel === 'silent' || logLevel === 'fatal' ? warning('LOG_LEVEL', `is ${logLevel}: failures leave no trace`, 'LOG_LEVEL=info') : ok('LOG_LEVEL', logLevel);
  },

  ({ shutdownDrainSeconds: drain, shutdownTimeoutSeconds: timeout }) =>
    drain >= timeout ? problem('SHUTDOWN_TIMEOUT_SECONDS', `is ${timeout}: requests are cut off before the ${drain} seconds of SHUTDOWN_DRAIN_SECONDS are over`, 'more than SHUTDOWN_DRAIN_SECONDS') : undefined,
];

function certificateRule(pem: string, host: string): Finding {
  const certificate = new X509Certificate(pem);
  const days = Math.floor((Date.parse(certificate.validTo) - Date.now()) / DAY_MS);
  if (days < 0) return problem('TLS_CERT_FILE', `has expired (${certificate.validTo})`, 'a new certificate, then a restart');
  const fits = host.startsWith('[') ? certificate.checkIP(host.slice(1, -1)) : (certificate.checkHost(host) ?? certificate.checkIP(host));
  if (fits === undefined) return problem('TLS_CERT_FILE', `is not for ${host}, the host of ISSUER`, 'a certificate of that name');
  return days < CERTIFICATE_DAYS ? warning('TLS_CERT_FILE', `expires in ${days} days`, 'a new certificate, then a restart') : ok('TLS_CERT_FILE', `for ${host}, until ${certificate.validTo}`);
}
