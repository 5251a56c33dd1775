import { Module } from '@nestjs/common';
import { Cleanup } from '../database/cleanup.js';
import { KeysModule } from '../keys/keys.module.js';
import { UsersModule } from '../users/users.module.js';
import { BrowserCookies } from './browser-cookies.js';
import { CsrfTokens } from './csrf-tokens.js';
import { SessionCookieValues } from './session-cookie-values.js';
import { Sessions } from './sessions.js';
import { SessionsRepository } from './sessions.repository.js';
import { SignInForms } from './sign-in-forms.js';

const PROVIDERS = [BrowserCookies, CsrfTokens, SessionCookieValues, Sessions, SessionsRepository, SignInForms];

@Module({ imports: [KeysModule, UsersModule], providers: PROVIDERS, exports: PROVIDERS })
export class SessionsModule {
  constructor(cleanup: Cleanup, sessions: SessionsRepository) {
    cleanup.register('sessions', sessions);
  }
}
