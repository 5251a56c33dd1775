import type { DatabaseTls } from './database-tls.js';
import type { RateLimitQuotas } from './rate-limits.js';
import type { Locale, SigningAlgorithm } from './settings.js';
import type { Theme } from './theme.js';

export type DatabaseTarget =
  | { readonly type: 'sqlite'; readonly path: string }
  | {
      readonly type: 'mysql' | 'mariadb';
      readonly host: string;
      readonly port: number;
      readonly username: string;
      readonly password: string;
      readonly database: string;
      readonly tls?: DatabaseTls;
    };

/**
 * The whole configuration: read once at start, checked, frozen. Times carry their unit in the name. A class, so that it is its own
 * injection token.
 */
export abstract class Config {
  abstract readonly production: boolean;
  abstract readonly port: number;
  abstract readonly host: string;
  /** A second listener, for what the public has no business with. */
  abstract readonly management?: { readonly port: number; readonly host: string };
  abstract readonly issuer: string;
  abstract readonly database: DatabaseTarget;
  abstract readonly databasePoolSize: number;
  abstract readonly databaseDeadlineMs: number;
  /** 32 bytes. */
  abstract readonly keyEncryptionKey: Buffer;
  /** Each 32 bytes, and none of them `keyEncryptionKey`. */
  abstract readonly previousKeyEncryptionKeys: readonly Buffer[];
  abstract readonly bootstrapClient?: { readonly clientId: string; readonly clientSecret: string };
  abstract readonly trustProxy: readonly string[];
  abstract readonly workers: number;
  abstract readonly tls?: { readonly cert: string; readonly key: string };
  abstract readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'silent';
  /** `url` with the path of the traces. */
  abstract readonly tracing?: { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly serviceName: string; readonly sampleRatio: number };
  abstract readonly docsEnabled: boolean;
  abstract readonly theme: Theme;
  abstract readonly defaultLocale: Locale;
  abstract readonly accessTokenSigningAlg: SigningAlgorithm;
  abstract readonly accessTokenLifetimeSeconds: number;
  abstract readonly keyRotationIntervalDays: number;
  abstract readonly jwksMaxAgeSeconds: number;
  abstract readonly clientCacheEntries: number;
  abstract readonly userCacheEntries: number;
  abstract readonly passwordAttemptLimit: number;
  /** All 0 where the limits are off. */
  abstract readonly rateLimits: RateLimitQuotas;
  abstract readonly passwordHashThreads: number;
  abstract readonly passwordHashQueueLimit: number;
  abstract readonly refreshRetryWindowSeconds: number;
  abstract readonly sessionLifetimeSeconds: number;
  abstract readonly sessionIdleLifetimeSeconds: number;
  abstract readonly idTokenLifetimeSeconds: number;
  /** `host` or `host:port`, as the URL parser writes them. */
  abstract readonly outboundAllowedHosts: readonly string[];
  abstract readonly metricsToken?: string;
  abstract readonly changeFeedIntervalMs: number;
  /** 0 = for ever. */
  abstract readonly auditRetentionDays: number;
  abstract readonly lastUsedFlushSeconds: number;
  abstract readonly shutdownDrainSeconds: number;
  abstract readonly shutdownTimeoutSeconds: number;
}
