import { Module } from '@nestjs/common';
import { ResourcesModule } from '../resources/resources.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { VerifyController } from './verify.controller.js';

@Module({ imports: [ResourcesModule, TokensModule], controllers: [VerifyController] })
export class GatewayModule {}
