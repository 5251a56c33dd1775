import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { ClientsModule } from '../clients/clients.module.js';
import { Cleanup } from '../database/cleanup.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { ResourcesModule } from '../resources/resources.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UsersModule } from '../users/users.module.js';
import { AuthorizationCodeGrant } from './authorization-code/authorization-code.grant.js';
import { AuthorizationCodes } from './authorization-code/authorization-codes.js';
import { AuthorizationCodesRepository } from './authorization-code/authorization-codes.repository.js';
import { CodeRedemption } from './authorization-code/code-redemption.js';
import { CodeTokens } from './authorization-code/code-tokens.js';
import { UsedCodes } from './authorization-code/used-codes.js';
import { ClientCredentialsGrant } from './client-credentials/client-credentials.grant.js';
import { GrantDispatcher } from './grant-dispatcher.js';
import { GRANT_HANDLERS, type GrantHandler } from './grant-handler.js';
import { GrantedTarget } from './granted-target.js';
import { PasswordGrant } from './password/password.grant.js';
import { RefreshTokenGrant } from './refresh-token/refresh-token.grant.js';
import { TokenController } from './token.controller.js';
import { TokenMetrics } from './token-metrics.js';
import { GrantUsage } from './usage/grant-usage.js';
import { GrantUsageRepository } from './usage/grant-usage.repository.js';
import { UsageRetention } from './usage/usage-retention.js';
import { UserScope } from './user-scope.js';

/** Every grant that the server knows. */
const HANDLERS = [ClientCredentialsGrant, PasswordGrant, AuthorizationCodeGrant, RefreshTokenGrant];
const AUTHORIZATION_CODES = [
  AuthorizationCodes,
  AuthorizationCodesRepository,
  CodeRedemption,
  CodeTokens,
  GrantedTarget,
  UsedCodes,
];
const USAGE = [GrantUsage, GrantUsageRepository, UsageRetention];

@Module({
  imports: [AuditModule, RateLimitsModule, ClientsModule, UsersModule, ResourcesModule, SessionsModule, TokensModule],
  controllers: [TokenController],
  providers: [...HANDLERS, { provide: GRANT_HANDLERS, inject: HANDLERS, useFactory: (...handlers: GrantHandler[]) => handlers }, GrantDispatcher, TokenMetrics, UserScope, ...AUTHORIZATION_CODES, ...USAGE],
  exports: [AuthorizationCodes, GrantDispatcher, GrantUsage, GrantUsageRepository, TokenMetrics, UserScope],
})
export class GrantsModule {
  constructor(cleanup: Cleanup, codes: AuthorizationCodesRepository, retention: UsageRetention) {
    cleanup.register('authorization_codes', codes);
    cleanup.register('grant_usage', retention.grantUsage);
    cleanup.register('password_grant_users', retention.passwordGrantUsers);
  }
}
