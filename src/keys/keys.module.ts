import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { SecretBox } from '../common/crypto/secret-box.js';
import { Config } from '../config/config.js';
import { KeyFactory } from './key-factory.js';
import { KeyRewrap } from './key-rewrap.js';
import { KeyRing } from './key-ring.js';
import { KeyRotation } from './key-rotation.js';
import { KeySchedule } from './key-schedule.js';
import { SigningKeysRepository } from './signing-keys.repository.js';
import { StoredSecrets } from './stored-secrets.js';
import { StoredSecretsRepository } from './stored-secrets.repository.js';

const boxOf = ({ keyEncryptionKey, previousKeyEncryptionKeys }: Config) => new SecretBox(keyEncryptionKey, ...previousKeyEncryptionKeys);

@Module({
  imports: [AuditModule],
  providers: [
    { provide: SecretBox, inject: [Config], useFactory: boxOf },
    SigningKeysRepository, StoredSecretsRepository, KeyRing, StoredSecrets, KeyFactory, KeyRotation, KeyRewrap, KeySchedule,
  ],
  exports: [SecretBox, SigningKeysRepository, StoredSecrets, KeyRing, KeyRotation, KeyRewrap],
})
export class KeysModule {}
