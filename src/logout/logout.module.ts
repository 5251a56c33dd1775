import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { ClientsModule } from '../clients/clients.module.js';
import { Cleanup } from '../database/cleanup.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UsersModule } from '../users/users.module.js';
import { BackchannelLogoutDelivery } from './backchannel-logout-delivery.js';
import { BackchannelLogoutRequest } from './backchannel-logout-request.js';
import { BackchannelLogouts } from './backchannel-logouts.js';
import { BackchannelLogoutsRepository } from './backchannel-logouts.repository.js';
import { EndedSessions } from './ended-sessions.js';
import { ExpiredLogouts } from './expired-logouts.js';
import { LogoutRecipients } from './logout-recipients.js';
import { LogoutTokenIssuer } from './logout-token-issuer.js';
import { SessionEnd } from './session-end.js';
import { SessionEndRepository } from './session-end.repository.js';

@Module({
  imports: [AuditModule, ClientsModule, SessionsModule, TokensModule, UsersModule],
  providers: [
    SessionEnd,
    SessionEndRepository,
    EndedSessions,
    LogoutRecipients,
    BackchannelLogouts,
    BackchannelLogoutDelivery,
    BackchannelLogoutRequest,
    BackchannelLogoutsRepository,
    ExpiredLogouts,
    LogoutTokenIssuer,
  ],
  exports: [BackchannelLogouts, SessionEnd],
})
export class LogoutModule {
  constructor(cleanup: Cleanup, logouts: ExpiredLogouts) {
    cleanup.register('backchannel_logouts', logouts);
  }
}
