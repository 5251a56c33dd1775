import { Module } from '@nestjs/common';
import { ClientsModule } from '../clients/clients.module.js';
import { GrantsModule } from '../grants/grants.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { ServerMetadata } from './server-metadata.js';
import { WellKnownController } from './well-known.controller.js';

@Module({ imports: [ClientsModule, GrantsModule, KeysModule], controllers: [WellKnownController], providers: [ServerMetadata] })
export class OidcModule {}
