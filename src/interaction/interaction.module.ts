import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuthorizationModule } from '../authorization/authorization.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { LogoutModule } from '../logout/logout.module.js';
import { PagesModule } from '../pages/pages.module.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { ResourcesModule } from '../resources/resources.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { AccountController } from './account/account.controller.js';
import { AccountPage } from './account/account-page.js';
import { PasswordChange } from './account/password-change.js';
import { ConsentController } from './consent.controller.js';
import { ConsentPage } from './consent-page.js';
import { InteractionReturn } from './interaction-return.js';
import { LoginController } from './login.controller.js';
import { SignIn } from './sign-in.js';

@Module({
  imports: [AuditModule, AuthorizationModule, ConsentsModule, LogoutModule, PagesModule, RateLimitsModule, ResourcesModule, SessionsModule, UsersModule],
  controllers: [LoginController, ConsentController, AccountController],
  providers: [AccountPage, ConsentPage, InteractionReturn, PasswordChange, SignIn],
})
export class InteractionModule {}
