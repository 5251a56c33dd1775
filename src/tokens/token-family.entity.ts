import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { EpochMsColumn } from '../database/epoch-ms.column.js';
import type { OpenIdGrant } from './openid-grant.js';

/**
 * What one authorization by a user gave: a lineage of refresh tokens, of which one is good at any time, and the access tokens that came with them. The row
 * stays the same for the whole lineage, however often it is refreshed.
 */
@Entity('token_families')
@Index('token_families_family_id', ['familyId'], { unique: true })
@Index('token_families_user_id', ['userId'])
@Index('token_families_session_id', ['sessionId'])
@Index('token_families_purge_after', ['purgeAfter'])
export class TokenFamilyEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  @Column({ name: 'family_id', type: 'varchar', length: 32 }) familyId: string;
  @Column({ name: 'client_id', type: 'varchar', length: 128 }) clientId: string;
  /** The client's token generation when the family began. */
  @Column({ name: 'client_generation', type: 'varchar', length: 16 }) clientGeneration: string;
  @Column({ name: 'user_id', type: 'varchar', length: 32 }) userId: string;
  /** The user's token generation when the family began. */
  @Column({ name: 'user_generation', type: 'varchar', length: 16 }) userGeneration: string;
  /** The grant by which it began. */
  @Column({ name: 'grant_type', type: 'varchar', length: 64 }) grantType: string;
  /** What was granted then: no refresh gets more. */
  @Column({ type: 'text' }) scope: string;
  @Column({ type: 'simple-json' }) audience: string[];
  /** SHA-256 in hex of the one refresh token that is good now. */
  @Column({ name: 'current_digest', type: 'varchar', length: 64 }) currentDigest: string;
  /** Of the one before it. */
  @Column({ name: 'previous_digest', type: 'varchar', length: 64, nullable: true }) previousDigest: string | null;
  /** With it and the token before, the current token can be made once more; see {@link RefreshTokenCodec}. */
  @Column({ name: 'successor_salt', type: 'varchar', length: 32, nullable: true }) successorSalt: string | null;
  /** Until then the token before may be sent again. */
  @EpochMsColumn('retry_until', { nullable: true }) retryUntil: number | null;
  @EpochMsColumn('issued_at') issuedAt: number;
  /** The absolute end, which no refresh moves. */
  @EpochMsColumn('expires_at') expiresAt: number;
  /** The end unless it is refreshed before; without a refresh token, the end of its access token. */
  @EpochMsColumn('idle_expires_at') idleExpiresAt: number;
  /** Read and written by the previous version alone. The default is later than any access token ends. */
  @Column({ name: 'access_expires_at', type: 'bigint', default: 4_102_444_800_000, insert: false, select: false })
  readonly accessExpiresAt?: never;
  /** In which it was authorized; `null` where no browser was involved. */
  @Column({ name: 'session_id', type: 'varchar', length: 32, nullable: true }) sessionId: string | null;
  /** What its ID tokens say; `null` without `openid` in the scope. */
  @Column({ type: 'simple-json', nullable: true }) openid: OpenIdGrant | null;
  @EpochMsColumn('revoked_at', { nullable: true }) revokedAt: number | null;
  @EpochMsColumn('purge_after') purgeAfter: number;
}
