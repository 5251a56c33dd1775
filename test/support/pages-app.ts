import 'reflect-metadata';
import { Writable } from 'node:stream';
import { Controller, Get, type INestApplication, Module, Req, Res, UseFilters } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Request, Response } from 'express';
import { ErrorLog } from '../../src/common/http/error-log.js';
import { HttpMetrics } from '../../src/common/http/http-metrics.js';
import { MintgateExpressAdapter } from '../../src/common/http/mintgate-express.adapter.js';
import { ProblemFilter } from '../../src/common/http/problem.filter.js';
import { ServerDrain } from '../../src/common/http/server-drain.js';
import { Logger } from '../../src/common/logging/logger.js';
import { Metrics } from '../../src/common/metrics/metrics.js';
import { ConfigModule } from '../../src/config/config.module.js';
import { loadConfig } from '../../src/config/load-config.js';
import { PageErrorFilter } from '../../src/pages/page-error.filter.js';
import { preferLocales } from '../../src/pages/page-locale.js';
import { type PageOptions, PageRenderer } from '../../src/pages/page-renderer.js';
import { PagesModule } from '../../src/pages/pages.module.js';
import type { Views } from '../../src/pages/views.js';
import { type Answer, OAuthDriver } from './oauth-driver.js';
import { SAMPLES } from './sample-pages.js';
import { ADMIN, KEY_ENCRYPTION_KEY } from './test-server.js';

export interface Visit {
  options?: PageOptions;
  /** `ui_locales` of the authorization request that the page belongs to. */
  uiLocales?: string;
  headers?: Record<string, string>;
  query?: string;
}

type Act = (req: Request, res: Response, pages: PageRenderer) => void;

/** What the next request does. */
let act: Act = () => undefined;

@Controller('page')
@UseFilters(PageErrorFilter)
class AnyPageController {
  constructor(private readonly pages: PageRenderer) {}

  @Get()
  page(@Req() req: Request, @Res() res: Response): void {
    act(req, res, this.pages);
  }
}

@Module({ imports: [PagesModule], controllers: [AnyPageController] })
class AnyPageModule {}

/** The pages by themselves on the real HTTP server, with one address that shows whichever is wanted: each view with each model, also those that take a long way to come by. */
export class PagesApp {
  private constructor(
    private readonly app: INestApplication,
    readonly url: string,
    readonly logLines: string[],
    readonly driver: OAuthDriver,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<PagesApp> {
    const config = loadConfig({ NODE_ENV: 'test', KEY_ENCRYPTION_KEY, ISSUER: 'https://id.example.com', ...env });
    const logLines: string[] = [];
    const logger = new Logger('info', new Writable({ write: (chunk: Buffer, _encoding, done) => done(void logLines.push(...chunk.toString().split('\n').filter(Boolean))) }));
    const drain = new ServerDrain();
    const logging = { module: class {}, global: true, providers: [{ provide: Logger, useValue: logger }, ErrorLog, ProblemFilter], exports: [Logger, ErrorLog, ProblemFilter] };
    const adapter = new MintgateExpressAdapter({ trustProxy: [], issuerPath: new URL(config.issuer).pathname.replace(/\/$/, ''), drain, managementApart: false, metrics: new HttpMetrics(new Metrics()) });
    const app = await NestFactory.create({ module: class {}, imports: [logging, ConfigModule.of(config), AnyPageModule] }, adapter, { logger, bodyParser: false, abortOnError: false });
    app.useGlobalFilters(app.get(ProblemFilter));
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    return new PagesApp(app, url, logLines, new OAuthDriver(url, ADMIN));
  }

  /** The page as a browser gets it: a sample unless a model is given. */
  show<V extends keyof Views>(view: V, model: Views[V] = SAMPLES[view], { options, uiLocales, headers = {}, query = '' }: Visit = {}): Promise<Answer> {
    return this.visit((req, res, pages) => {
      preferLocales(req, uiLocales);
      pages.render(req, res, 200, view, model, options);
    }, headers, query);
  }

  /** The page for something that was thrown. */
  fail(thrown: unknown, { uiLocales, headers = {}, query = '' }: Visit = {}): Promise<Answer> {
    return this.visit((req) => {
      preferLocales(req, uiLocales);
      throw thrown;
    }, headers, query);
  }

  private visit(next: Act, headers: Record<string, string>, query: string): Promise<Answer> {
    act = next;
    return this.driver.request('GET', `/page${query}`, { headers: { 'accept-language': 'en', ...headers } });
  }

  async stop(): Promise<void> {
    await this.app.close();
  }
}
