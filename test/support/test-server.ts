import 'reflect-metadata';
import { Writable } from 'node:stream';
import { MintgateServer } from '../../src/app.setup.js';
import { Logger } from '../../src/common/logging/logger.js';
import type { Clock } from '../../src/common/time/clock.js';
import { loadConfig } from '../../src/config/load-config.js';
import { Exposition } from '../../src/metrics/exposition.js';
import { withDatabaseTls } from './database-tls.js';
import { type Contents, createDatabase, type DatabaseKind, type TestDatabase } from './databases.js';
import { FakeClock } from './fake-clock.js';
import { assertNoSecret, plantSettings } from './leak-watch.js';
import { freePort } from './mariadb.js';
import { OAuthDriver } from './oauth-driver.js';

export const ADMIN = { clientId: 'test-admin', clientSecret: 'test-admin-secret-0123456789abcdef' };
export const KEY_ENCRYPTION_KEY = Buffer.alloc(32, 7).toString('base64');

export interface TestServerOptions {
  kind?: DatabaseKind;
  /** What its own database holds at first; migrated by default. */
  contents?: Contents;
  /** A database to share with another instance; it is not dropped by {@link TestServer.stop}. */
  database?: TestDatabase;
  clock?: FakeClock;
  /** A clock that runs, in place of the fake one. */
  runningClock?: Clock;
  /** Environment variables over the defaults of the tests. */
  env?: Record<string, string>;
  /** The issuer of another instance that this one stands beside. */
  issuer?: string;
  /** Do not wait for the database. */
  withoutReady?: boolean;
}

/** The real server on a free port of 127.0.0.1, on a real database, with only the clock faked. */
export class TestServer {
  private constructor(
    readonly server: MintgateServer,
    readonly url: string,
    readonly issuer: string,
    readonly clock: FakeClock,
    readonly database: TestDatabase,
    private readonly ownsDatabase: boolean,
    /** Every log line so far. */
    readonly logLines: string[],
    readonly driver: OAuthDriver,
  ) {}

  static async start(options: TestServerOptions = {}): Promise<TestServer> {
    const database = options.database ?? (await createDatabase(options.kind ?? 'SQLite', options.contents));
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const issuer = options.env?.['ISSUER'] ?? options.issuer ?? url;
    const clock = options.clock ?? new FakeClock();
    const env = {
      NODE_ENV: 'test',
      PORT: String(port),
      ISSUER: issuer,
      DATABASE_URL: database.url,
      KEY_ENCRYPTION_KEY,
      BOOTSTRAP_CLIENT_ID: ADMIN.clientId,
      BOOTSTRAP_CLIENT_SECRET: ADMIN.clientSecret,
      SHUTDOWN_DRAIN_SECONDS: '0',
      RATE_LIMIT_ENABLED: 'false',
      ...options.env,
    };
    const config = loadConfig(withDatabaseTls(env));
    plantSettings(env);
    const logLines: string[] = [];
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        logLines.push(...chunk.toString().split('\n').filter(Boolean));
        done();
      },
    });
    const server = await MintgateServer.create(config, new Logger(config.logLevel, sink), options.runningClock ?? clock);
    await server.listen();
    const ready = server.ready();
    if (options.withoutReady) ready.catch(() => undefined);
    else await ready;
    return new TestServer(server, url, issuer, clock, database, options.database === undefined, logLines, new OAuthDriver(url, ADMIN));
  }

  /** A part of the running application. */
  get<T>(token: new (...args: never[]) => T): T {
    return this.server.app.get(token);
  }

  /** @throws {Error} when its log, metrics or audit log hold a secret */
  async stop(): Promise<void> {
    const metrics = await this.get(Exposition).text().catch(() => '');
    await this.server.stop();
    if (this.ownsDatabase) await this.database.drop();
    assertNoSecret('the log', this.logLines.join('\n'));
    assertNoSecret('/metrics', metrics);
  }
}
