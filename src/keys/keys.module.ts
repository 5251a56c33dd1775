import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { SecretBox } from '../common/crypto/secret-box.js';
import { Config } from '../config/config.js';
import { KeyFactory } from './key-factory.js';
import { KeyRing } from './key-ring.js';
import { KeyRotation } from './key-rotation.js';
import { KeySchedule } from './key-schedule.js';
import { SigningKeysRepository } from './signing-keys.repository.js';

@Module({
  imports: [AuditModule],
  providers: [{ provide: SecretBox, inject: [Config], useFactory: (config: Config) => new SecretBox(config.keyEncryptionKey) }, SigningKeysRepository, KeyRing, KeyFactory, KeyRotation, KeySchedule],
  exports: [SecretBox, SigningKeysRepository, KeyRing, KeyRotation],
})
export class KeysModule {}
