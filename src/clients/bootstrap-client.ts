import { Injectable } from '@nestjs/common';
import { SERVER } from '../audit/audit-log.js';
import { newOpaqueValue } from '../common/crypto/opaque-value.js';
import { formatScope } from '../common/oauth/scope.js';
import { Config } from '../config/config.js';
import { FatalStartupError } from '../database/startup.js';
import { CLIENT_ID, withDefaults } from './client-metadata.js';
import { ClientExistsError, ClientRegistry } from './client-registry.js';
import { ClientsRepository } from './clients.repository.js';

/** The credentials of an admin client that was made just now; the secret is nowhere else. */
export interface FreshAdmin {
  clientId: string;
  clientSecret: string;
}

/** Makes the first admin client: the configured one when it is missing, or one of our own making in a database that holds no client. */
@Injectable()
export class BootstrapClient {
  /** Set when the server itself chose a secret, which somebody must be told. */
  fresh: FreshAdmin | undefined;

  constructor(
    private readonly config: Config,
    private readonly clients: ClientsRepository,
    private readonly registry: ClientRegistry,
  ) {}

  /** @param scopes every scope of the admin API */
  async ensure(scopes: readonly string[]): Promise<void> {
    const configured = this.config.bootstrapClient;
    if (configured && !CLIENT_ID.test(configured.clientId)) {
      throw new FatalStartupError('BOOTSTRAP_CLIENT_ID: may hold letters, digits, and . _ ~ - after the first character');
    }
    if (configured ? (await this.clients.find(configured.clientId)) !== null : await this.clients.any()) return;
    const { clientId, clientSecret } = configured ?? { clientId: 'admin', clientSecret: newOpaqueValue('clientSecret') };
    const metadata = withDefaults({ client_name: 'First admin', scope: formatScope(scopes) }, clientId, this.config.accessTokenLifetimeSeconds);
    try {
      await this.registry.create(clientId, metadata, SERVER, clientSecret);
      if (!configured) this.fresh = { clientId, clientSecret };
    } catch (error) {
      if (!(error instanceof ClientExistsError)) throw error;
    }
  }
}
