import { Injectable } from '@nestjs/common';
import { SERVER } from '../audit/audit-log.js';
import { newOpaqueValue } from '../common/crypto/opaque-value.js';
import { Logger } from '../common/logging/logger.js';
import { formatScope } from '../common/oauth/scope.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { FatalStartupError } from '../database/fatal-startup.error.js';
import { BootstrappedClientsRepository } from './bootstrapped-clients.repository.js';
import { CLIENT_ID, withDefaults } from './client-metadata.js';
import { ClientExistsError, ClientRegistry } from './client-registry.js';
import { ClientsRepository } from './clients.repository.js';

/** The credentials of an admin client that was made just now; the secret is nowhere else. */
export interface FreshAdmin {
  clientId: string;
  clientSecret: string;
}

/** A configured client, or one of the server's own making. */
interface Admin extends FreshAdmin {
  readonly isConfigured: boolean;
}

/**
 * Makes the first admin client: the configured one, once in the life of a database, or one of the server's own making
 * in a database that holds no client. An admin who deletes the client, perhaps because its secret leaked, deletes it
 * for good, although deployments keep the secret in their configuration.
 */
@Injectable()
export class BootstrapClient {
  /** Set when the server itself chose a secret, which it must tell somebody. */
  fresh: FreshAdmin | undefined;

  constructor(
    private readonly config: Config,
    private readonly clients: ClientsRepository,
    private readonly registry: ClientRegistry,
    private readonly bootstrapped: BootstrappedClientsRepository,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** @param scopes every scope of the admin API */
  async ensure(scopes: readonly string[]): Promise<void> {
    const { bootstrapClient: configured } = this.config;
    if (configured && !CLIENT_ID.test(configured.clientId)) {
      throw new FatalStartupError('BOOTSTRAP_CLIENT_ID: may hold letters, digits, and . _ ~ - after the first character');
    }
    if (configured) {
      if (await this.isMissing(configured.clientId)) await this.make({ ...configured, isConfigured: true }, scopes);
    } else if (!(await this.clients.any())) {
      await this.make({ clientId: 'admin', clientSecret: newOpaqueValue('clientSecret'), isConfigured: false }, scopes);
    }
  }

  private async isMissing(clientId: string): Promise<boolean> {
    if ((await this.clients.find(clientId)) !== null) {
      // An earlier version made the client, or an admin did: it counts all the same.
      await this.bootstrapped.remember(clientId, this.clock.nowMs());
      return false;
    }
    if (!(await this.bootstrapped.has(clientId))) return true;
    this.logger.warn('the client of BOOTSTRAP_CLIENT_ID was deleted and is not made again: remove the setting, or name another id', { client_id: clientId });
    return false;
  }

  private async make({ clientId, clientSecret, isConfigured }: Admin, scopes: readonly string[]): Promise<void> {
    const given = { client_name: 'First admin', scope: formatScope(scopes) };
    const metadata = withDefaults(given, clientId, this.config.accessTokenLifetimeSeconds);
    try {
      await this.registry.create(clientId, metadata, SERVER, clientSecret, async (manager) => {
        const isFirst = await this.bootstrapped.remember(clientId, this.clock.nowMs(), manager);
        // Another instance made it meanwhile, and an admin has deleted it again.
        if (isConfigured && !isFirst) throw new ClientExistsError();
      });
      if (!isConfigured) this.fresh = { clientId, clientSecret };
    } catch (error) {
      if (!(error instanceof ClientExistsError)) throw error;
    }
  }
}
