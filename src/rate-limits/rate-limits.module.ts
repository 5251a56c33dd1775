import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { Cleanup } from '../database/cleanup.js';
import { AuthorizationRateGuard } from './authorization-rate.guard.js';
import { RateLimitCountsRepository } from './rate-limit-counts.repository.js';
import { RateLimits } from './rate-limits.js';
import { SharedCounts } from './shared-counts.js';

@Module({
  imports: [AuditModule],
  providers: [AuthorizationRateGuard, RateLimitCountsRepository, RateLimits, SharedCounts],
  exports: [AuthorizationRateGuard, RateLimits],
})
export class RateLimitsModule {
  constructor(cleanup: Cleanup, counts: RateLimitCountsRepository) {
    cleanup.register('rate_limit_counts', counts);
  }
}
