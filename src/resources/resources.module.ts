import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { ResourceDirectory } from './resource-directory.js';
import { ResourceRegistry } from './resource-registry.js';
import { ResourcesRepository } from './resources.repository.js';

const PROVIDERS = [ResourcesRepository, ResourceDirectory, ResourceRegistry];

@Module({ imports: [AuditModule], providers: PROVIDERS, exports: PROVIDERS })
export class ResourcesModule {}
