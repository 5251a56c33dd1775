import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { ClientsModule } from '../clients/clients.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { Cleanup } from '../database/cleanup.js';
import { GrantsModule } from '../grants/grants.module.js';
import { PagesModule } from '../pages/pages.module.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { AuthorizationDecision } from './authorization-decision.js';
import { AuthorizationExceptionFilter } from './authorization-exception.filter.js';
import { AuthorizationGround } from './authorization-ground.js';
import { AuthorizationIssuer } from './authorization-issuer.js';
import { AuthorizationResponder } from './authorization-responder.js';
import { Authorizations } from './authorizations.js';
import { AuthorizedClients } from './authorized-clients.js';
import { AuthorizeController } from './authorize.controller.js';
import { AuthorizePipeline } from './authorize.pipeline.js';
import { ConsentWithdrawal } from './consent-withdrawal.js';
import { ImplicitTokens } from './implicit-tokens.js';
import { AuthorizationRequestsRepository } from './interactions/authorization-requests.repository.js';
import { Interactions } from './interactions/interactions.js';
import { ParController } from './pushed/par.controller.js';
import { PushedAuthorizationRequests } from './pushed/pushed-authorization-requests.js';
import { PushedAuthorizationRequestsRepository } from './pushed/pushed-authorization-requests.repository.js';

const REQUESTS = [AuthorizationRequestsRepository, Interactions, PushedAuthorizationRequests, PushedAuthorizationRequestsRepository];
const ANSWERS = [
  AuthorizationDecision,
  AuthorizationExceptionFilter,
  AuthorizationGround,
  AuthorizationIssuer,
  AuthorizationResponder,
  Authorizations,
  AuthorizePipeline,
  AuthorizedClients,
  ConsentWithdrawal,
  ImplicitTokens,
];

@Module({
  imports: [AuditModule, ClientsModule, ConsentsModule, GrantsModule, PagesModule, RateLimitsModule, SessionsModule, TokensModule],
  controllers: [AuthorizeController, ParController],
  providers: [...REQUESTS, ...ANSWERS],
  exports: [AuthorizationDecision, AuthorizationExceptionFilter, AuthorizationResponder, Authorizations, AuthorizedClients, ConsentWithdrawal, Interactions],
})
export class AuthorizationModule {
  constructor(cleanup: Cleanup, requests: AuthorizationRequestsRepository, pushed: PushedAuthorizationRequestsRepository) {
    cleanup.register('authorization_requests', requests);
    cleanup.register('pushed_authorization_requests', pushed);
  }
}
