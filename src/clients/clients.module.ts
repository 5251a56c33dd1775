import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { PassportModule } from '@nestjs/passport';
import { AuditModule } from '../audit/audit.module.js';
import { ClientAuthGuard, ConfidentialClientAuthGuard } from './authentication/client-auth.guard.js';
import { ClientAuthenticationMetrics } from './authentication/client-authentication-metrics.js';
import { ClientCredentials } from './authentication/client-credentials.js';
import { ClientFailures } from './authentication/client-failures.js';
import { ClientSecretBasicStrategy } from './authentication/client-secret-basic.strategy.js';
import { ClientSecretPostStrategy } from './authentication/client-secret-post.strategy.js';
import { PublicClientStrategy } from './authentication/public-client.strategy.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { BootstrapClient } from './bootstrap-client.js';
import { BootstrappedClientsRepository } from './bootstrapped-clients.repository.js';
import { ClientChanges } from './client-changes.js';
import { ClientDirectory } from './client-directory.js';
import { ClientOrigins } from './client-origins.js';
import { ClientOriginsRepository } from './client-origins.repository.js';
import { ClientRegistry } from './client-registry.js';
import { ClientSecretRegistry } from './client-secret-registry.js';
import { ClientSecretUsage } from './client-secret-usage.js';
import { ClientSecretsRepository } from './client-secrets.repository.js';
import { ClientsRepository } from './clients.repository.js';
import { CrossOriginGuard } from './cross-origin/cross-origin.guard.js';
import { CrossOriginPreflight } from './cross-origin/cross-origin-preflight.js';
import { LegacyGrants } from './legacy-grants.js';

const AUTHENTICATION = [ClientCredentials, ClientAuthenticationMetrics, ClientFailures, ClientSecretBasicStrategy, ClientSecretPostStrategy, PublicClientStrategy, ClientAuthGuard, ConfidentialClientAuthGuard];
const CROSS_ORIGIN = [ClientOrigins, ClientOriginsRepository, CrossOriginGuard];
const REGISTRATION = [ClientsRepository, ClientSecretsRepository, ClientDirectory, ClientChanges, ClientRegistry, ClientSecretRegistry, ClientSecretUsage, BootstrappedClientsRepository, BootstrapClient, LegacyGrants];

@Module({
  imports: [PassportModule, DiscoveryModule, AuditModule, RateLimitsModule],
  providers: [...REGISTRATION, ...AUTHENTICATION, ...CROSS_ORIGIN, CrossOriginPreflight],
  exports: [...REGISTRATION, ...AUTHENTICATION, ...CROSS_ORIGIN],
})
export class ClientsModule {}
