import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { Cleanup } from '../database/cleanup.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { PasswordAttempts } from './password-attempts.js';
import { PasswordAttemptsRepository } from './password-attempts.repository.js';
import { PasswordHashing } from './passwords/password-hashing.js';
import { SignInRecord } from './sign-in-record.js';
import { UserAuthentication } from './user-authentication.js';
import { UserDirectory } from './user-directory.js';
import { UserLogins } from './user-logins.js';
import { UserRegistry } from './user-registry.js';
import { UsersRepository } from './users.repository.js';

const PROVIDERS = [UsersRepository, UserDirectory, UserRegistry, UserLogins, SignInRecord, UserAuthentication, PasswordAttemptsRepository, PasswordAttempts, PasswordHashing];

@Module({ imports: [AuditModule, RateLimitsModule], providers: PROVIDERS, exports: PROVIDERS })
export class UsersModule {
  constructor(cleanup: Cleanup, attempts: PasswordAttemptsRepository) {
    cleanup.register('password_attempts', attempts);
  }
}
