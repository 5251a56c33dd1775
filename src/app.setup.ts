import { once } from 'node:events';
import type { Server } from 'node:http';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Express } from 'express';
import { loadBodyReader } from './admin/body.js';
import { AppModule } from './app.module.js';
import { AuditLog, SERVER } from './audit/audit-log.js';
import { BootstrapClient, type FreshAdmin } from './clients/bootstrap-client.js';
import { ErrorLog } from './common/http/error-log.js';
import { HttpMetrics } from './common/http/http-metrics.js';
import { loggedPath } from './common/http/logged-path.js';
import { MintgateExpressAdapter } from './common/http/mintgate-express.adapter.js';
import { ServerDrain } from './common/http/server-drain.js';
import { UnroutedFilter } from './common/http/unrouted.filter.js';
import type { Logger } from './common/logging/logger.js';
import { Metrics } from './common/metrics/metrics.js';
import { OAuthExceptionFilter } from './common/oauth/oauth-exception.filter.js';
import { Clock } from './common/time/clock.js';
import { VERSION } from './common/version.js';
import type { Config } from './config/config.js';
import { Startup } from './database/startup.js';
import { setUpApiDocumentation } from './openapi/setup.js';
import { requestsEndMs } from './process-end.js';

/** After the server is ready; so that no administrator meets it, and no start waits for it. */
const LOAD_BODY_READER_AFTER_MS = 1_000;

const PROCESS = { version: VERSION, pid: process.pid };

/** The server as a whole: what main.ts runs, and what the tests run. */
export class MintgateServer {
  private started = false;
  private becomingReady: Promise<{ fresh?: FreshAdmin }> | undefined;
  private loading: NodeJS.Timeout | undefined;

  private constructor(
    readonly app: NestExpressApplication,
    private readonly adapter: MintgateExpressAdapter,
    private readonly config: Config,
    private readonly drain: ServerDrain,
  ) {}

  /** Builds the application. It does not listen, and has not looked at the database, yet. */
  static async create(config: Config, logger: Logger, clock: Clock = new Clock()): Promise<MintgateServer> {
    const drain = new ServerDrain();
    const metrics = new Metrics();
    const adapter = new MintgateExpressAdapter({
      ...(config.tls ? { tls: config.tls } : {}),
      trustProxy: config.trustProxy,
      issuerPath: new URL(config.issuer).pathname.replace(/\/$/, ''),
      drain,
      managementApart: config.management !== undefined,
      metrics: new HttpMetrics(metrics),
      ...(logger.isDebug() ? { onFinish: (req, res, ms) => logger.debug('request', { method: req.method, path: loggedPath(req), status: res.statusCode, ms: Math.round(ms * 10) / 10 }) } : {}),
    });
    const app = await NestFactory.create<NestExpressApplication>(AppModule.of({ config, logger, clock, drain, metrics }), adapter, { logger, bodyParser: false, abortOnError: false });
    app.useGlobalFilters(new UnroutedFilter(app.get(ErrorLog), app.get(OAuthExceptionFilter), adapter.getInstance<Express>()));
    if (config.docsEnabled) setUpApiDocumentation(app, config);
    return new MintgateServer(app, adapter, config, drain);
  }

  /** Listens: from now on the process is alive. */
  async listen(): Promise<void> {
    const { management } = this.config;
    // First, so that nobody is sent to a process whose probes cannot be asked.
    if (management) {
      this.adapter.managementServer!.listen(management.port, management.host);
      await once(this.adapter.managementServer!, 'listening');
    }
    await this.app.listen(this.config.port, this.config.host);
  }

  /** Resolves when the database is there, migrated, and all is loaded: from now on it is ready. */
  ready(): Promise<{ fresh?: FreshAdmin }> {
    return (this.becomingReady ??= this.becomeReady());
  }

  /** Drains, ends what is in flight, writes what is pending, and closes the database last. */
  async stop(): Promise<void> {
    clearTimeout(this.loading);
    const servers = [this.app.getHttpServer(), this.adapter.managementServer].filter((server) => server?.listening) as Server[];
    const { shutdownDrainSeconds: drainSeconds, shutdownTimeoutSeconds: timeoutSeconds } = this.config;
    if (servers.length > 0) await this.drain.run(servers, drainSeconds * 1000, requestsEndMs(timeoutSeconds * 1000));
    if (this.started) this.app.get(AuditLog).note({ type: 'server.stopped', actor: SERVER, detail: PROCESS });
    await this.app.close();
    await this.app.get(Startup).stop();
  }

  private async becomeReady(): Promise<{ fresh?: FreshAdmin }> {
    await this.app.init();
    await this.app.get(Startup).run();
    this.app.get(AuditLog).note({ type: 'server.started', actor: SERVER, detail: PROCESS });
    this.started = true;
    this.loading = setTimeout(loadBodyReader, LOAD_BODY_READER_AFTER_MS).unref();
    const { fresh } = this.app.get(BootstrapClient);
    return fresh ? { fresh } : {};
  }
}
