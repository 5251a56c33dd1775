import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { AuditModule } from '../audit/audit.module.js';
import { ClientsModule } from '../clients/clients.module.js';
import { Cleanup } from '../database/cleanup.js';
import { KeysModule } from '../keys/keys.module.js';
import { ResourcesModule } from '../resources/resources.module.js';
import { AccessTokenIssuer } from './access-token-issuer.js';
import { AccessTokenJwt } from './access-token-jwt.js';
import { AccessTokenVerifier } from './access-token-verifier.js';
import { AccessTokensRepository } from './access-tokens.repository.js';
import { BearerGuard } from './bearer.guard.js';
import { IntrospectionController } from './introspection.controller.js';
import { RevocationController } from './revocation.controller.js';
import { RevokedTokens } from './revoked-tokens.js';
import { TargetResolver } from './target-resolver.js';
import { TokenRevocation } from './token-revocation.js';

@Module({
  imports: [JwtModule.register({}), AuditModule, ClientsModule, KeysModule, ResourcesModule],
  controllers: [IntrospectionController, RevocationController],
  providers: [AccessTokenJwt, AccessTokenIssuer, AccessTokenVerifier, AccessTokensRepository, BearerGuard, RevokedTokens, TargetResolver, TokenRevocation],
  exports: [AccessTokenIssuer, AccessTokenVerifier, AccessTokensRepository, BearerGuard, TargetResolver],
})
export class TokensModule {
  constructor(cleanup: Cleanup, tokens: AccessTokensRepository) {
    cleanup.register('access_tokens', (nowMs) => tokens.deleteExpired(nowMs));
  }
}
