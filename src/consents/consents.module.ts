import { Module } from '@nestjs/common';
import { ClientsModule } from '../clients/clients.module.js';
import { Cleanup } from '../database/cleanup.js';
import { Consents } from './consents.js';
import { ResourcesModule } from '../resources/resources.module.js';
import { ConsentsRepository } from './consents.repository.js';

const PROVIDERS = [Consents, ConsentsRepository];

@Module({ imports: [ClientsModule, ResourcesModule], providers: PROVIDERS, exports: PROVIDERS })
export class ConsentsModule {
  constructor(cleanup: Cleanup, consents: ConsentsRepository) {
    cleanup.register('consents', consents);
  }
}
