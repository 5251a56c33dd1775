import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, epochMs, flag, integer, NULLABLE, text, varchar } from './columns.js';

export class CreateClients1764000003000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'clients',
      [
        autoIncrement(),
        varchar('client_id', 128),
        varchar('client_name', 255),
        varchar('token_endpoint_auth_method', 32),
        text('grant_types'),
        text('response_types'),
        text('redirect_uris'),
        text('post_logout_redirect_uris'),
        text('scope'),
        text('default_scope', NULLABLE),
        varchar('access_token_format', 16),
        integer('access_token_lifetime'),
        integer('refresh_token_lifetime'),
        integer('refresh_token_idle_lifetime'),
        flag(runner, 'require_pkce'),
        varchar('id_token_signed_response_alg', 16),
        varchar('subject_type', 16),
        flag(runner, 'skip_consent'),
        epochMs('password_grant_sunset', NULLABLE),
        flag(runner, 'enabled'),
        varchar('token_generation', 16),
        varchar('search_text', 512),
        integer('version'),
        epochMs('created_at'),
        epochMs('updated_at'),
      ],
      [{ name: 'clients_client_id', columnNames: ['client_id'], isUnique: true }],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('clients', true);
  }
}
