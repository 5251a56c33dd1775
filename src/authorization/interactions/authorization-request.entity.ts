import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { EpochMsColumn } from '../../database/epoch-ms.column.js';

/** An authorization request that waits for its user. */
@Entity('authorization_requests')
@Index('authorization_requests_request_id', ['requestId'], { unique: true })
@Index('authorization_requests_expires_at', ['expiresAt'])
@Index('authorization_requests_approved_by', ['approvedBy'])
export class AuthorizationRequestEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  /** Stands in the addresses of its pages, and opens nothing. */
  @Column({ name: 'request_id', type: 'varchar', length: 32 }) requestId: string;
  /** SHA-256 in hex of the cookie by which its browser is known. */
  @Column({ name: 'browser_digest', type: 'varchar', length: 64 }) browserDigest: string;
  @Column({ name: 'client_id', type: 'varchar', length: 128 }) clientId: string;
  /** The client's token generation when it began. */
  @Column({ name: 'client_generation', type: 'varchar', length: 16 }) clientGeneration: string;
  /** JSON of an `AuthorizationRequest`. */
  @Column({ type: 'text' }) request: string;
  /** The session that a sign-in at the pages of this request began, or renewed. */
  @Column({ name: 'signed_in_session', type: 'varchar', length: 32, nullable: true }) signedInSession: string | null;
  /** The user who consented to this one request. */
  @Column({ name: 'approved_by', type: 'varchar', length: 32, nullable: true }) approvedBy: string | null;
  /** Of what they were asked; `null`: nobody was, or the version before asked. */
  @Column({ name: 'approved_digest', type: 'varchar', length: 64, nullable: true }) approvedDigest: string | null;
  @EpochMsColumn('created_at') createdAt: number;
  /** When it was answered. */
  @EpochMsColumn('consumed_at', { nullable: true }) consumedAt: number | null;
  @EpochMsColumn('expires_at') expiresAt: number;
}
