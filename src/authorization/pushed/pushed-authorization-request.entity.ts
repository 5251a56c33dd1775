import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import type { AuthorizationParams } from '../../common/oauth/form-params.js';
import { EpochMsColumn } from '../../database/epoch-ms.column.js';

/** The parameters of a pushed request as they are stored. The user whom an ID token named stands in its place. */
export type StoredParams = Omit<AuthorizationParams, 'id_token_hint'> & { readonly hinted_user_id?: string };

@Entity('pushed_authorization_requests')
@Index('pushed_authorization_requests_digest', ['digest'], { unique: true })
@Index('pushed_authorization_requests_purge_after', ['purgeAfter'])
export class PushedAuthorizationRequestEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  /** SHA-256 in hex of the request_uri. */
  @Column({ type: 'varchar', length: 64 }) digest: string;
  @Column({ name: 'client_id', type: 'varchar', length: 128 }) clientId: string;
  /** The client's token generation when it was pushed. */
  @Column({ name: 'client_generation', type: 'varchar', length: 16 }) clientGeneration: string;
  @Column({ type: 'simple-json' }) params: StoredParams;
  /** When it was answered. */
  @EpochMsColumn('consumed_at', { nullable: true }) consumedAt: number | null;
  /** By then the user must have been sent here. */
  @EpochMsColumn('expires_at') expiresAt: number;
  @EpochMsColumn('purge_after') purgeAfter: number;
}
