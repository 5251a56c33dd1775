import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { AuditModule } from '../audit/audit.module.js';
import { ClientsModule } from '../clients/clients.module.js';
import { Cleanup } from '../database/cleanup.js';
import { KeysModule } from '../keys/keys.module.js';
import { Clock } from '../common/time/clock.js';
import { StoredSecrets } from '../keys/stored-secrets.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { ResourcesModule } from '../resources/resources.module.js';
import { UsersModule } from '../users/users.module.js';
import { AccessTokenIssuer } from './access-token-issuer.js';
import { AccessTokenJwt } from './access-token-jwt.js';
import { AccessTokenReuse } from './access-token-reuse.js';
import { AccessTokenVerifier } from './access-token-verifier.js';
import { AccessTokensRepository } from './access-tokens.repository.js';
import { AllowedAudience } from './allowed-audience.js';
import { AllowedScope } from './allowed-scope.js';
import { BearerGuard } from './bearer.guard.js';
import { IdTokenIssuer } from './id-token-issuer.js';
import { IdTokenKeys } from './id-token-keys.js';
import { IntrospectionController } from './introspection.controller.js';
import { NewTokenFamilies } from './new-token-families.js';
import { RefreshRetryWindow } from './refresh-retry-window.js';
import { RefreshTokenCodec } from './refresh-token-codec.js';
import { RefreshTokenRotation } from './refresh-token-rotation.js';
import { RefreshTokens } from './refresh-tokens.js';
import { RevocationController } from './revocation.controller.js';
import { PresentedTokens } from './presented-tokens.js';
import { RevokedTokens } from './revoked-tokens.js';
import { SignedJwt } from './signed-jwt.js';
import { Subjects } from './subject.js';
import { TargetResolver } from './target-resolver.js';
import { TokenDescriptions } from './token-descriptions.js';
import { TokenFamiliesRepository } from './token-families.repository.js';
import { TokenFamilyRevocation } from './token-family-revocation.js';
import { TokenHoldersRepository } from './token-holders.repository.js';
import { TokenIssuance } from './token-issuance.js';
import { TokenRevocation } from './token-revocation.js';
import { UncertainRotations } from './uncertain-rotations.js';
import { VerifiedSignatures } from './verified-signatures.js';

const ACCESS_TOKENS = [SignedJwt, AccessTokenJwt, AccessTokenIssuer, AccessTokenReuse, AccessTokenVerifier, AccessTokensRepository, AllowedAudience, AllowedScope, BearerGuard, PresentedTokens, RevokedTokens, TargetResolver, TokenDescriptions, TokenRevocation, VerifiedSignatures];
const ID_TOKENS = [IdTokenIssuer, IdTokenKeys];
const ISSUANCE = [TokenIssuance];
const SUBJECTS = {
  provide: Subjects,
  inject: [StoredSecrets],
  useFactory: (secrets: StoredSecrets) => new Subjects(() => secrets.get('pairwise-subjects').key),
};
const REFRESH_TOKENS = [
  {
    provide: RefreshTokenCodec,
    inject: [StoredSecrets, Clock],
    useFactory: (secrets: StoredSecrets, clock: Clock) => new RefreshTokenCodec(() => secrets.get('refresh-tokens'), clock),
  },
  NewTokenFamilies,
  RefreshRetryWindow,
  RefreshTokenRotation,
  RefreshTokens,
  TokenFamiliesRepository,
  TokenFamilyRevocation,
  TokenHoldersRepository,
  UncertainRotations,
];

@Module({
  imports: [JwtModule.register({}), AuditModule, RateLimitsModule, ClientsModule, UsersModule, KeysModule, ResourcesModule],
  controllers: [IntrospectionController, RevocationController],
  providers: [SUBJECTS, ...ACCESS_TOKENS, ...ID_TOKENS, ...ISSUANCE, ...REFRESH_TOKENS],
  exports: [
    AccessTokenIssuer,
    AccessTokenReuse,
    AccessTokenVerifier,
    AccessTokensRepository,
    AllowedScope,
    BearerGuard,
    IdTokenIssuer,
    IdTokenKeys,
    NewTokenFamilies,
    PresentedTokens,
    RefreshTokens,
    SignedJwt,
    Subjects,
    TargetResolver,
    TokenFamiliesRepository,
    TokenFamilyRevocation,
    TokenHoldersRepository,
    TokenIssuance,
    VerifiedSignatures,
  ],
})
export class TokensModule {
  constructor(cleanup: Cleanup, tokens: AccessTokensRepository, families: TokenFamiliesRepository) {
    cleanup.register('access_tokens', tokens);
    cleanup.register('token_families', families);
  }
}
