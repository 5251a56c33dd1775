import { Module } from '@nestjs/common';
import { PassportModule } from '@nestjs/passport';
import { AuditModule } from '../audit/audit.module.js';
import { ClientAuthGuard, ConfidentialClientAuthGuard } from './authentication/client-auth.guard.js';
import { ClientCredentials } from './authentication/client-credentials.js';
import { ClientSecretBasicStrategy } from './authentication/client-secret-basic.strategy.js';
import { ClientSecretPostStrategy } from './authentication/client-secret-post.strategy.js';
import { PublicClientStrategy } from './authentication/public-client.strategy.js';
import { BootstrapClient } from './bootstrap-client.js';
import { ClientDirectory } from './client-directory.js';
import { ClientRegistry } from './client-registry.js';
import { ClientSecretUsage } from './client-secret-usage.js';
import { ClientSecretsRepository } from './client-secrets.repository.js';
import { ClientsRepository } from './clients.repository.js';
import { LegacyGrants } from './legacy-grants.js';

const AUTHENTICATION = [ClientCredentials, ClientSecretBasicStrategy, ClientSecretPostStrategy, PublicClientStrategy, ClientAuthGuard, ConfidentialClientAuthGuard];
const REGISTRATION = [ClientsRepository, ClientSecretsRepository, ClientDirectory, ClientRegistry, ClientSecretUsage, BootstrapClient, LegacyGrants];

@Module({ imports: [PassportModule, AuditModule], providers: [...REGISTRATION, ...AUTHENTICATION], exports: [...REGISTRATION, ...AUTHENTICATION] })
export class ClientsModule {}
