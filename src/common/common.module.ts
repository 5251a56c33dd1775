import { type DynamicModule, Module } from '@nestjs/common';
import { Logger } from './logging/logger.js';
import { Metrics } from './metrics/metrics.js';
import { OAuthExceptionFilter } from './oauth/oauth-exception.filter.js';
import { Clock } from './time/clock.js';
import { ErrorLog } from './http/error-log.js';
import { FormBodyGuard } from './http/form-body.guard.js';
import { JsonBodyGuard } from './http/json-body.guard.js';
import { ProblemFilter } from './http/problem.filter.js';
import { ServerDrain } from './http/server-drain.js';
import { OutboundClient } from './outbound/outbound-client.js';

const PROVIDERS = [ErrorLog, FormBodyGuard, JsonBodyGuard, OAuthExceptionFilter, ProblemFilter];

/** What every module builds on: the clock, the log, bodies in, errors out, requests that leave. */
@Module({})
export class CommonModule {
  static of(logger: Logger, clock: Clock, drain: ServerDrain, metrics: Metrics, outbound: OutboundClient): DynamicModule {
    return {
      module: CommonModule,
      global: true,
      providers: [{ provide: Logger, useValue: logger }, { provide: Clock, useValue: clock }, { provide: ServerDrain, useValue: drain }, { provide: Metrics, useValue: metrics }, { provide: OutboundClient, useValue: outbound }, ...PROVIDERS],
      exports: [Logger, Clock, ServerDrain, Metrics, OutboundClient, ...PROVIDERS],
    };
  }
}
