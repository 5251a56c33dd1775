import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuthorizationModule } from '../authorization/authorization.module.js';
import { BootstrapClient } from '../clients/bootstrap-client.js';
import { ClientsModule } from '../clients/clients.module.js';
import { SecretBox } from '../common/crypto/secret-box.js';
import { PageCursors } from '../common/http/page-cursor.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { Startup } from '../database/startup.js';
import { GrantsModule } from '../grants/grants.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { ADMIN_SCOPES } from '../resources/admin-api.js';
import { ResourcesModule } from '../resources/resources.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UsersModule } from '../users/users.module.js';
import { AdminHeaders } from './admin-controller.decorator.js';
import { AdminExceptionFilter } from './admin-exception.filter.js';
import { AdviceController } from './advice.controller.js';
import { AdminMetrics } from './admin-metrics.js';
import { AuditEventsController } from './audit-events.controller.js';
import { ClientAdministration } from './client-administration.js';
import { ClientAdvice } from './client-advice.js';
import { ClientSecretsController } from './client-secrets.controller.js';
import { ClientTokensController } from './client-tokens.controller.js';
import { ClientsController } from './clients.controller.js';
import { KeyAdministration } from './key-administration.js';
import { KeysController } from './keys.controller.js';
import { NewPassword } from './new-password.js';
import { ResourceAdministration } from './resource-administration.js';
import { ResourcesController } from './resources.controller.js';
import { UserAccessController } from './user-access.controller.js';
import { UserAdministration } from './user-administration.js';
import { UserConsentsController } from './user-consents.controller.js';
import { UsersController } from './users.controller.js';

@Module({
  imports: [AuditModule, ClientsModule, UsersModule, KeysModule, RateLimitsModule, ResourcesModule, TokensModule, GrantsModule, ConsentsModule, AuthorizationModule],
  controllers: [
    ClientsController,
    ClientSecretsController,
    ClientTokensController,
    AdviceController,
    UsersController,
    UserAccessController,
    UserConsentsController,
    ResourcesController,
    KeysController,
    AuditEventsController,
  ],
  providers: [AdminExceptionFilter, AdminHeaders, AdminMetrics, ClientAdministration, UserAdministration, ResourceAdministration, KeyAdministration, ClientAdvice, NewPassword, { provide: PageCursors, inject: [SecretBox], useFactory: (box: SecretBox) => new PageCursors(box.deriveEach('page-cursors')) }],
})
export class AdminModule {
  constructor(startup: Startup, bootstrap: BootstrapClient) {
    startup.prepare(() => bootstrap.ensure(Object.keys(ADMIN_SCOPES)));
  }
}
