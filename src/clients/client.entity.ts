import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { EpochMsColumn } from '../database/epoch-ms.column.js';

@Entity('clients')
@Index('clients_client_id', ['clientId'], { unique: true })
@Index('clients_legacy_grants', ['legacyGrants'])
export class ClientEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  @Column({ name: 'client_id', type: 'varchar', length: 128 }) clientId: string;
  @Column({ name: 'client_name', type: 'varchar', length: 255 }) clientName: string;
  @Column({ name: 'token_endpoint_auth_method', type: 'varchar', length: 32 }) tokenEndpointAuthMethod: string;
  @Column({ name: 'grant_types', type: 'simple-json' }) grantTypes: string[];
  /** Those of the grant types that RFC 9700 advises against, separated by spaces; `null`: none. Few clients have any, and they are looked for. */
  @Column({ name: 'legacy_grants', type: 'varchar', length: 32, nullable: true }) legacyGrants: string | null;
  @Column({ name: 'response_types', type: 'simple-json' }) responseTypes: string[];
  @Column({ name: 'redirect_uris', type: 'simple-json' }) redirectUris: string[];
  @Column({ name: 'post_logout_redirect_uris', type: 'simple-json' }) postLogoutRedirectUris: string[];
  @Column({ name: 'backchannel_logout_uri', type: 'text', nullable: true }) backchannelLogoutUri: string | null;
  /** `null`: not so; the column came later. */
  @Column({ name: 'backchannel_logout_session_required', type: 'boolean', nullable: true }) backchannelLogoutSessionRequired: boolean | null;
  @Column({ type: 'text' }) scope: string;
  /** `null`: the whole scope. */
  @Column({ name: 'default_scope', type: 'text', nullable: true }) defaultScope: string | null;
  /** `null`: none; the column came later. */
  @Column({ type: 'simple-json', nullable: true }) resources: string[] | null;
  @Column({ name: 'access_token_format', type: 'varchar', length: 16 }) accessTokenFormat: string;
  /** Seconds. */
  @Column({ name: 'access_token_lifetime', type: 'integer' }) accessTokenLifetime: number;
  /** Seconds; `null`: not at all; the column came later. */
  @Column({ name: 'access_token_reuse', type: 'integer', nullable: true }) accessTokenReuse: number | null;
  /** Seconds. */
  @Column({ name: 'refresh_token_lifetime', type: 'integer' }) refreshTokenLifetime: number;
  /** Seconds. */
  @Column({ name: 'refresh_token_idle_lifetime', type: 'integer' }) refreshTokenIdleLifetime: number;
  @Column({ name: 'require_pkce', type: 'boolean' }) requirePkce: boolean;
  /** `null`: not so; the column came later. */
  @Column({ name: 'require_pushed_authorization_requests', type: 'boolean', nullable: true }) requirePushedAuthorizationRequests: boolean | null;
  @Column({ name: 'id_token_signed_response_alg', type: 'varchar', length: 16 }) idTokenSignedResponseAlg: string;
  @Column({ name: 'subject_type', type: 'varchar', length: 16 }) subjectType: string;
  @Column({ name: 'skip_consent', type: 'boolean' }) skipConsent: boolean;
  @EpochMsColumn('password_grant_sunset', { nullable: true }) passwordGrantSunset: number | null;
  @Column({ type: 'boolean' }) enabled: boolean;
  /**
   * Random, and part of every token of this client: another value makes all of them invalid at once, and a client that is made anew under
   * a deleted one's id does not revive its tokens.
   */
  @Column({ name: 'token_generation', type: 'varchar', length: 16 }) tokenGeneration: string;
  /** The id and the name in lower case: databases differ in what they take for the same letter. */
  @Column({ name: 'search_text', type: 'varchar', length: 512 }) searchText: string;
  /** Counts writes, for entity tags. */
  @Column({ type: 'integer' }) version: number;
  @EpochMsColumn('created_at') createdAt: number;
  @EpochMsColumn('updated_at') updatedAt: number;
}
