import { Module } from '@nestjs/common';
import { ClientsModule } from '../clients/clients.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { ClientCredentialsGrant } from './client-credentials/client-credentials.grant.js';
import { GrantDispatcher } from './grant-dispatcher.js';
import { GRANT_HANDLERS, type GrantHandler } from './grant-handler.js';
import { TokenController } from './token.controller.js';

/** Every grant that the server knows. */
const HANDLERS = [ClientCredentialsGrant];

@Module({
  imports: [ClientsModule, TokensModule],
  controllers: [TokenController],
  providers: [...HANDLERS, { provide: GRANT_HANDLERS, inject: HANDLERS, useFactory: (...handlers: GrantHandler[]) => handlers }, GrantDispatcher],
  exports: [GrantDispatcher],
})
export class GrantsModule {}
