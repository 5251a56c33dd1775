import { type DynamicModule, Module } from '@nestjs/common';
import { AdminModule } from './admin/admin.module.js';
import { ENTITIES } from './app.entities.js';
import { AuthorizationModule } from './authorization/authorization.module.js';
import { CommonModule } from './common/common.module.js';
import type { ServerDrain } from './common/http/server-drain.js';
import type { Logger } from './common/logging/logger.js';
import type { Metrics } from './common/metrics/metrics.js';
import { OutboundClient } from './common/outbound/outbound-client.js';
import type { Clock } from './common/time/clock.js';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { createDataSource } from './database/data-source.js';
import { DatabaseModule } from './database/database.module.js';
import { GatewayModule } from './gateway/gateway.module.js';
import { GrantsModule } from './grants/grants.module.js';
import { HealthModule } from './health/health.module.js';
import { LogoutModule } from './logout/logout.module.js';
import { InteractionModule } from './interaction/interaction.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { OidcModule } from './oidc/oidc.module.js';
import { TokensModule } from './tokens/tokens.module.js';

export interface AppParts {
  config: Config;
  logger: Logger;
  clock: Clock;
  drain: ServerDrain;
  metrics: Metrics;
}

@Module({})
export class AppModule {
  static of({ config, logger, clock, drain, metrics }: AppParts): DynamicModule {
    return {
      module: AppModule,
      imports: [
        CommonModule.of(logger, clock, drain, metrics, new OutboundClient(config.outboundAllowedHosts)),
        ConfigModule.of(config),
        DatabaseModule.of(createDataSource(config, ENTITIES, metrics)),
        // Routes are matched in this order: those that are asked most come first.
        GrantsModule,
        TokensModule,
        GatewayModule,
        AuthorizationModule,
        LogoutModule,
        InteractionModule,
        AdminModule,
        OidcModule,
        HealthModule,
        MetricsModule,
      ],
    };
  }
}
