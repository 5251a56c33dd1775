import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { ClientsModule } from '../clients/clients.module.js';
import { GrantsModule } from '../grants/grants.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { LogoutModule } from '../logout/logout.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UsersModule } from '../users/users.module.js';
import { Backlog } from './backlog.js';
import { CacheMetrics } from './cache-metrics.js';
import { Exposition } from './exposition.js';
import { KeyMetrics } from './key-metrics.js';
import { MetricsController } from './metrics.controller.js';
import { Notes } from './notes.js';
import { ProcessMetrics } from './process-metrics.js';
import { ServiceMetrics } from './service-metrics.js';
import { UpkeepMetrics } from './upkeep-metrics.js';

@Module({
  imports: [AuditModule, ClientsModule, GrantsModule, KeysModule, LogoutModule, TokensModule, UsersModule],
  controllers: [MetricsController],
  providers: [Exposition, Backlog, Notes, ServiceMetrics, CacheMetrics, KeyMetrics, UpkeepMetrics, ProcessMetrics],
})
export class MetricsModule {}
