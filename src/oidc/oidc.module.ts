import { Module } from '@nestjs/common';
import { ClientsModule } from '../clients/clients.module.js';
import { GrantsModule } from '../grants/grants.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { LogoutModule } from '../logout/logout.module.js';
import { PagesModule } from '../pages/pages.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UsersModule } from '../users/users.module.js';
import { EndSessionController } from './end-session.controller.js';
import { LogoutPages } from './logout-pages.js';
import { LogoutRequests } from './logout-request.js';
import { LogoutTickets } from './logout-tickets.js';
import { ServerMetadata } from './server-metadata.js';
import { Userinfo } from './userinfo.js';
import { UserinfoController } from './userinfo.controller.js';
import { WellKnownController } from './well-known.controller.js';

@Module({
  imports: [ClientsModule, GrantsModule, KeysModule, LogoutModule, PagesModule, SessionsModule, TokensModule, UsersModule],
  controllers: [WellKnownController, UserinfoController, EndSessionController],
  providers: [LogoutPages, LogoutRequests, LogoutTickets, ServerMetadata, Userinfo],
})
export class OidcModule {}
