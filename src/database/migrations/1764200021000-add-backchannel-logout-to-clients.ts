import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addColumn, dropColumn } from './columns.js';

/** Where clients take logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.2). `null` means not set. */
export class AddBackchannelLogoutToClients1764200021000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addColumn(runner, 'clients', 'backchannel_logout_uri', 'text');
    await addColumn(runner, 'clients', 'backchannel_logout_session_required', runner.connection.options.type === 'better-sqlite3' ? 'boolean' : 'tinyint');
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropColumn(runner, 'clients', 'backchannel_logout_session_required');
    await dropColumn(runner, 'clients', 'backchannel_logout_uri');
  }
}
