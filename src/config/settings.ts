import { z } from 'zod';
import { DATABASE_TLS_MODES } from './database-tls.js';
import { isOtlpEndpoint } from './tracing.js';

/** One environment variable: how it is read, what it is when unset, and the words for its reference page. */
export interface Setting<T> {
  readonly env: string;
  readonly schema: z.ZodType<T, string>;
  /** Text as it would stand in the environment; absent when unset has a meaning of its own. */
  readonly fallback?: string;
  /** Shown in the reference in place of `fallback`. */
  readonly fallbackNote?: string;
  readonly description: string;
  /** An example for .env.example where there is no fallback. */
  readonly example?: string;
  /** May be given in a file, by `<env>_FILE`. */
  readonly secret?: boolean;
}

const setting = <const S extends Setting<unknown>>(spec: S): S => spec;

const integer = (min: number, max: number) =>
  z.string().regex(/^\d{1,9}$/, `must be a whole number from ${min} to ${max}`).transform(Number).refine((n) => n >= min && n <= max, `must be a whole number from ${min} to ${max}`);
const quota = integer(0, 100_000_000);
const oneOf = <const T extends string>(...values: T[]) => z.string().refine((text): text is T => (values as string[]).includes(text), `must be one of ${values.join(', ')}`);
const boolean = oneOf('true', 'false').transform((text) => text === 'true');
const text = z.string();
const color = z
  .string()
  .regex(/^#?([0-9a-f]{3}|[0-9a-f]{6})$/i, 'must be a colour of six hexadecimal digits, such as 0b7a5f')
  .transform((digits) => `#${digits.replace('#', '').replace(/^(.)(.)(.)$/, '$1$1$2$2$3$3').toLowerCase()}`);

export const SIGNING_ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** The languages of the pages (BCP 47). */
export const LOCALES = ['en', 'de'] as const;
export type Locale = (typeof LOCALES)[number];

/** Every environment variable that the server reads, by the name under which the configuration holds it. Units are in the names. */
export const SETTINGS = {
  environment: setting({
    env: 'NODE_ENV', schema: oneOf('development', 'test', 'production'), fallback: 'development',
    description: '`production` makes the safety checks binding: https issuer, a key of your own, no API documentation unless asked for.',
  }),
  port: setting({ env: 'PORT', schema: integer(0, 65535), fallback: '3000', description: 'Port of the listener. 0 takes a free one.' }),
  host: setting({ env: 'HOST', schema: text.min(1), fallbackNote: '`127.0.0.1`; `0.0.0.0` in production', description: 'Address of the listener.', example: '127.0.0.1' }),
  managementPort: setting({
    env: 'MANAGEMENT_PORT', schema: integer(1, 65535), fallbackNote: 'off: everything is on `PORT`', example: '',
    description: 'Port of a second listener that takes `/admin`, `/metrics`, `/health`, `/docs` and `/openapi.json` off the first, so that the network alone can keep them from the public. It speaks https when the first one does.',
  }),
  managementHost: setting({ env: 'MANAGEMENT_HOST', schema: text.min(1), fallbackNote: '`HOST`', example: '', description: 'Address of that listener.' }),
  issuer: setting({
    env: 'ISSUER', schema: text, fallbackNote: '`http://127.0.0.1:<PORT>`, https with `TLS_CERT_FILE`', example: 'https://id.example.com',
    description: 'The issuer identifier: it decides the `iss` claim and every URL that the server names, whatever the Host header says. No trailing slash; may hold a path; https in production (loopback aside).',
  }),
  databaseUrl: setting({
    env: 'DATABASE_URL', schema: text, fallback: 'sqlite:./data/mintgate.sqlite', secret: true,
    description: '`sqlite:<path>` (embedded), `mysql://user:password@host:port/database` (MySQL 8) or `mariadb://…` (MariaDB 10.6 or later). A relative path starts at the working directory.',
  }),
  databasePoolSize: setting({ env: 'DATABASE_POOL_SIZE', schema: integer(1, 500), fallback: '10', description: 'Connections to a database server, for each process; one more is kept for what must go on while requests use them all.' }),
  databaseDeadlineMs: setting({
    env: 'DATABASE_DEADLINE_MS', schema: integer(50, 10_000), fallback: '2000',
    description: 'Milliseconds that one database call may take, the wait for a connection included. A call that takes longer is given up, its connection destroyed, and the caller answered 503.',
  }),
  databaseTls: setting({
    env: 'DATABASE_TLS',
    schema: oneOf(...DATABASE_TLS_MODES),
    fallbackNote: '`verify-full` with `DATABASE_CA_FILE`, otherwise `off`',
    example: '',
    description:
      'TLS to a database server, 1.2 or later. `required` encrypts, and checks the certificate only against ' +
      '`DATABASE_CA_FILE`, if that is set; `verify-full` also demands the name or address of `DATABASE_URL` in it. ' +
      '`off` is for a database on this machine.',
  }),
  databaseCaFile: setting({
    env: 'DATABASE_CA_FILE',
    schema: text,
    fallbackNote: 'the authorities that Node.js trusts',
    example: '',
    description: 'PEM certificates of the authorities that sign the certificate of the database server.',
  }),
  databaseCertFile: setting({
    env: 'DATABASE_CERT_FILE',
    schema: text,
    fallbackNote: 'none',
    example: '',
    description: 'PEM certificate for a database server that asks its clients for one. Goes with `DATABASE_KEY_FILE`.',
  }),
  databaseKeyFile: setting({
    env: 'DATABASE_KEY_FILE',
    schema: text,
    fallbackNote: 'none',
    example: '',
    description: 'PEM private key of that certificate.',
  }),
  keyEncryptionKey: setting({
    env: 'KEY_ENCRYPTION_KEY', schema: text, secret: true, fallbackNote: 'made once, outside production, in a file beside the embedded database (`./data/` for a database server)', example: '',
    description: '32 bytes in base64: encrypts the private signing keys at rest. The same for all instances. Make one with `openssl rand -base64 32`.',
  }),
  previousKeyEncryptionKeys: setting({
    env: 'KEY_ENCRYPTION_KEY_PREVIOUS', schema: text, secret: true, fallbackNote: 'none', example: '',
    description: 'Further keys, with white space or commas between them, that open what `KEY_ENCRYPTION_KEY` does not, while that is replaced. They encrypt nothing.',
  }),
  bootstrapClientId: setting({
    env: 'BOOTSTRAP_CLIENT_ID', schema: text, fallbackNote: 'made and printed once when the database holds no client', example: '',
    description: 'The first admin client, made at a start, once in the life of a database: it is not made again after an admin has deleted it. It may do everything in the admin API.',
  }),
  bootstrapClientSecret: setting({
    env: 'BOOTSTRAP_CLIENT_SECRET', schema: text, secret: true, fallbackNote: 'made and printed once', example: '',
    description: 'Its secret: 16 characters or more in production. Only read when the client is made; replace it through the admin API afterwards.',
  }),
  trustProxy: setting({
    env: 'TRUST_PROXY', schema: text, fallback: '',
    description: 'Comma-separated addresses or CIDR ranges of proxies whose `X-Forwarded-For` counts, or `loopback`, `linklocal`, `uniquelocal`. Empty: none. A setting that trusts everyone is refused.',
  }),
  workers: setting({ env: 'WORKERS', schema: z.union([z.literal('auto'), integer(1, 256)]), fallback: '1', description: 'Processes that share the port; `auto` = one for each core.' }),
  tlsCertFile: setting({ env: 'TLS_CERT_FILE', schema: text, fallbackNote: 'none: plain http', example: '', description: 'PEM certificate chain, to serve https without a gateway. Goes with `TLS_KEY_FILE`.' }),
  tlsKeyFile: setting({ env: 'TLS_KEY_FILE', schema: text, fallbackNote: 'none', example: '', description: 'PEM private key of that certificate.' }),
  logLevel: setting({
    env: 'LOG_LEVEL', schema: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'silent'), fallback: 'info',
    description: '`info` logs refused and failed requests and what changes; `debug` logs every request.',
  }),
  otlpEndpoint: setting({
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT', schema: text.refine(isOtlpEndpoint, 'must be an http or https URL without user information, query and fragment, such as http://127.0.0.1:4318'),
    fallbackNote: 'none: no traces', example: '',
    description: 'A collector that takes OTLP over HTTP (protobuf), to which traces of requests go (to `/v1/traces` below it). No `OTEL_` variable but the four here is promised to do anything.',
  }),
  otlpHeaders: setting({
    env: 'OTEL_EXPORTER_OTLP_HEADERS', schema: text, secret: true, fallbackNote: 'none', example: '',
    description: 'Headers for the collector: `name=value` pairs with commas between them, values percent-encoded.',
  }),
  otelServiceName: setting({ env: 'OTEL_SERVICE_NAME', schema: z.string().regex(/^\P{Control}{1,255}$/u, 'must have 255 characters or fewer, and no control characters'), fallback: 'mintgate', description: 'The name under which the traces are found.' }),
  traceSampleRatio: setting({
    env: 'OTEL_TRACES_SAMPLER_ARG', schema: z.string().regex(/^(0(\.\d{1,9})?|1(\.0{1,9})?)$/, 'must be a number from 0 to 1').transform(Number), fallback: '1',
    description: 'Which part of the traces that begin here is recorded, 0 to 1. One that a proxy of `TRUST_PROXY` began is recorded when that proxy says so in `traceparent`.',
  }),
  docsEnabled: setting({
    env: 'DOCS_ENABLED', schema: boolean, fallbackNote: '`true`; `false` in production', example: 'true',
    description: 'Serves the API documentation: `/docs` and `/openapi.json`.',
  }),
  themeName: setting({
    env: 'THEME_NAME', schema: z.string().regex(/^\P{Control}{1,60}$/u, 'must have 60 characters or fewer, and no control characters'), fallback: 'Mintgate',
    description: 'The name on the pages that users see: sign-in, consent, account.',
  }),
  themeLogoFile: setting({
    env: 'THEME_LOGO_FILE', schema: text, fallbackNote: 'none: the name and its first letter', example: '',
    description: 'An SVG or PNG file of 256 KiB or less, shown there in place of the name. Where the user prefers dark pages it stands on a light plate.',
  }),
  themeColor: setting({
    env: 'THEME_COLOR', schema: color, fallback: '0b7a5f',
    description: 'Colour of buttons, links and marks on light pages, in hexadecimal digits (a # in front may be left out; in a `.env` file it would begin a comment). Text on it and beside it is kept legible (WCAG 2.2 AA).',
  }),
  themeColorDark: setting({ env: 'THEME_COLOR_DARK', schema: color, fallbackNote: '`THEME_COLOR`, made as light as it has to be', example: '', description: 'The same on dark pages.' }),
  defaultLocale: setting({
    env: 'DEFAULT_LOCALE', schema: oneOf(...LOCALES), fallback: 'en', description: 'Language of the pages for users whose own languages are not among ours: `en` or `de`.',
  }),
  accessTokenSigningAlg: setting({
    env: 'ACCESS_TOKEN_SIGNING_ALG', schema: oneOf(...SIGNING_ALGORITHMS), fallback: 'ES256',
    description: 'Signature of JWT access tokens: `ES256`, `RS256`, `PS256` or `EdDSA`. After a change, tokens signed with the earlier one stay valid until they expire.',
  }),
  accessTokenLifetimeSeconds: setting({
    env: 'ACCESS_TOKEN_LIFETIME_SECONDS', schema: integer(10, 86_400), fallback: '300', description: 'Lifetime of access tokens of clients that are registered without one, in seconds. Tokens for the admin API live for 900 at most.',
  }),
  keyRotationIntervalDays: setting({
    env: 'KEY_ROTATION_INTERVAL_DAYS', schema: integer(0, 3650), fallback: '90', description: 'Signing keys are rotated when they have been in use for so many days. 0 = by hand only.',
  }),
  jwksMaxAgeSeconds: setting({
    env: 'JWKS_MAX_AGE_SECONDS', schema: integer(1, 86_400), fallback: '300',
    description: 'How long others may cache the JWKS and the metadata, in seconds. A new key is published for at least so long before it signs.',
  }),
  clientCacheEntries: setting({ env: 'CLIENT_CACHE_ENTRIES', schema: integer(1, 5_000_000), fallback: '10000', description: 'Clients that are kept in memory, the most recently used ones.' }),
  userCacheEntries: setting({ env: 'USER_CACHE_ENTRIES', schema: integer(1, 5_000_000), fallback: '10000', description: 'Users that are kept in memory (their state and roles, no passwords), the most recently used ones.' }),
  passwordAttemptLimit: setting({
    env: 'PASSWORD_ATTEMPT_LIMIT', schema: integer(1, 10_000), fallback: '10',
    description: 'Wrong passwords for one account from one address that are looked at in 15 minutes. An account takes ten times, an address thirty times as many in all.',
  }),
  rateLimitEnabled: setting({
    env: 'RATE_LIMIT_ENABLED', schema: boolean, fallback: 'true',
    description: 'Limits requests by client, account and address: the `RATE_LIMIT_…` below. `false` = none of them; the throttle of wrong passwords (`PASSWORD_ATTEMPT_LIMIT`) stays.',
  }),
  rateLimitTokenPerMinute: setting({
    env: 'RATE_LIMIT_TOKEN_PER_MINUTE', schema: quota, fallback: '60000', description: 'Token requests of one client in a minute (of one without a secret: from one address). 0 = no such limit, here and below.',
  }),
  rateLimitIntrospectionPerMinute: setting({ env: 'RATE_LIMIT_INTROSPECTION_PER_MINUTE', schema: quota, fallback: '60000', description: 'Introspections by one client in a minute.' }),
  rateLimitInactiveTokensPerMinute: setting({
    env: 'RATE_LIMIT_INACTIVE_TOKENS_PER_MINUTE', schema: quota, fallback: '600',
    description: 'Tokens in a minute of which introspection tells one client that they are not active. Beyond that it tells of active ones only.',
  }),
  rateLimitClientFailuresPer5Minutes: setting({
    env: 'RATE_LIMIT_CLIENT_FAILURES_PER_5_MINUTES', schema: quota, fallback: '600',
    description: 'Failed authentications of one client from one address in five minutes. Beyond that its secrets are not looked at when they come from there.',
  }),
  rateLimitAddressFailuresPer5Minutes: setting({
    env: 'RATE_LIMIT_ADDRESS_FAILURES_PER_5_MINUTES', schema: quota, fallback: '6000',
    description: 'Failed authentications of all clients, and invalid tokens at the admin API and userinfo, from one address in five minutes. Beyond that, known clients and tokens are served, and ten others a second are looked up.',
  }),
  rateLimitAccountLoginsPerMinute: setting({
    env: 'RATE_LIMIT_ACCOUNT_LOGINS_PER_MINUTE', schema: quota, fallback: '600', description: 'Passwords for one account from one address in a minute, right or wrong.',
  }),
  rateLimitAddressLoginsPerMinute: setting({ env: 'RATE_LIMIT_ADDRESS_LOGINS_PER_MINUTE', schema: quota, fallback: '3000', description: 'Passwords for all accounts from one address in a minute.' }),
  rateLimitAuthorizationPerMinute: setting({
    env: 'RATE_LIMIT_AUTHORIZATION_PER_MINUTE', schema: quota, fallback: '6000',
    description: 'Requests from one address in a minute to the authorization endpoint, its pages, pushed authorization requests and the account page.',
  }),
  rateLimitAuthorizationKibPerHour: setting({
    env: 'RATE_LIMIT_AUTHORIZATION_KIB_PER_HOUR', schema: quota, fallback: '65536',
    description: 'Kibibytes of authorization requests that wait for their user, and of requests that public clients push, from one address in an hour. A request takes up 1 to 16.',
  }),
  rateLimitAdminPerMinute: setting({ env: 'RATE_LIMIT_ADMIN_PER_MINUTE', schema: quota, fallback: '6000', description: 'Requests of one client to the admin API in a minute.' }),
  passwordHashThreads: setting({
    env: 'PASSWORD_HASH_THREADS', schema: z.union([z.literal('auto'), integer(1, 64)]), fallback: 'auto',
    description: 'Threads that hash passwords, for each process; `auto` = one for each core. Each takes 19 MiB while it works.',
  }),
  passwordHashQueueLimit: setting({
    env: 'PASSWORD_HASH_QUEUE_LIMIT', schema: integer(1, 10_000), fallback: '100', description: 'Passwords that may wait for a thread, for each process, in fair shares of the addresses that they come from. Beyond that a login is answered 503.',
  }),
  refreshRetryWindowSeconds: setting({
    env: 'REFRESH_RETRY_WINDOW_SECONDS', schema: integer(0, 60), fallback: '10',
    description: 'How long a refresh token may be sent again after its use, in seconds, so that a lost answer does not end the session. 0 = strict: every second use is reuse.',
  }),
  sessionLifetimeSeconds: setting({
    env: 'SESSION_LIFETIME_SECONDS', schema: integer(60, 31_536_000), fallback: '86400', description: 'How long a user stays signed in at our pages at most, in seconds. No use moves this end.',
  }),
  sessionIdleLifetimeSeconds: setting({
    env: 'SESSION_IDLE_LIFETIME_SECONDS', schema: integer(60, 31_536_000), fallback: '14400', description: 'How long she stays signed in without a use, in seconds.',
  }),
  idTokenLifetimeSeconds: setting({ env: 'ID_TOKEN_LIFETIME_SECONDS', schema: integer(10, 86_400), fallback: '3600', description: 'Lifetime of ID tokens, in seconds.' }),
  outboundAllowedHosts: setting({
    env: 'OUTBOUND_ALLOWED_HOSTS', schema: text, fallback: '',
    description: 'Comma-separated hosts (`host` for all of its ports, or `host:port`; exact names or IP addresses) to which requests to URLs of clients may go wherever they are, over http too. All others are reached by https on port 443 of public addresses only.',
  }),
  metricsToken: setting({
    env: 'METRICS_TOKEN', schema: text.regex(/^[A-Za-z0-9._~+/-]{16,256}=*$/, 'must be 16 to 256 characters that a bearer token may have: letters, digits, . _ ~ + / -'), secret: true, fallbackNote: 'none: `/metrics` asks for no token',
    description: 'What a scraper of `/metrics` must bring as its bearer token. Make one with `openssl rand -hex 32`.', example: '',
  }),
  changeFeedIntervalMs: setting({
    env: 'CHANGE_FEED_INTERVAL_MS', schema: integer(20, 900), fallback: '250',
    description: 'Milliseconds between two reads of what other instances changed (revocations, clients, resources, keys). Above 500 it is 500: verdicts need a read that began within the last second.',
  }),
  auditRetentionDays: setting({
    env: 'AUDIT_RETENTION_DAYS', schema: integer(0, 36_500), fallback: '400',
    description: 'Days that events stay in the audit log. 0 keeps them for ever.',
  }),
  lastUsedFlushSeconds: setting({
    env: 'LAST_USED_FLUSH_SECONDS', schema: integer(1, 3600), fallback: '5',
    description: 'How often what is written behind goes to the database, in seconds: when client secrets were last used, when users last signed in, how often grants were used, what the audit log observes.',
  }),
  shutdownDrainSeconds: setting({
    env: 'SHUTDOWN_DRAIN_SECONDS', schema: integer(0, 300), fallbackNote: '`5` in production, else `1`', example: '5',
    description: 'After SIGTERM: how long readiness is off while requests are still served, so that load balancers look away first.',
  }),
  shutdownTimeoutSeconds: setting({
    env: 'SHUTDOWN_TIMEOUT_SECONDS', schema: integer(1, 600), fallback: '25',
    description:
      'After SIGTERM: by when the process has ended, counted from the signal. Requests that still run are cut off 5 seconds before, or after three quarters of the time if that is later.',
  }),
} as const;

type Output<S extends Setting<unknown>> = z.output<S['schema']>;

/** Every setting as it was read; `undefined` where it was unset and has no fallback. */
export type RawSettings = {
  -readonly [K in keyof typeof SETTINGS]: Output<(typeof SETTINGS)[K]> | ((typeof SETTINGS)[K] extends { fallback: string } ? never : undefined);
};
