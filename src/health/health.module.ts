import { Module } from '@nestjs/common';
import { KeysModule } from '../keys/keys.module.js';
import { HealthController } from './health.controller.js';
import { Readiness } from './readiness.js';

@Module({ imports: [KeysModule], controllers: [HealthController], providers: [Readiness] })
export class HealthModule {}
