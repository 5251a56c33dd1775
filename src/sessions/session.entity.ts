import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { EpochMsColumn } from '../database/epoch-ms.column.js';

@Entity('sessions')
@Index('sessions_session_id', ['sessionId'], { unique: true })
@Index('sessions_digest', ['digest'], { unique: true })
@Index('sessions_user_id', ['userId'])
@Index('sessions_expires_at', ['expiresAt'])
export class SessionEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  /** The `sid` of ID tokens: names the session, and opens nothing. */
  @Column({ name: 'session_id', type: 'varchar', length: 32 }) sessionId: string;
  /** SHA-256 in hex of the cookie's value. */
  @Column({ type: 'varchar', length: 64 }) digest: string;
  @Column({ name: 'user_id', type: 'varchar', length: 32 }) userId: string;
  /** The user's token generation when she signed in. */
  @Column({ name: 'user_generation', type: 'varchar', length: 16 }) userGeneration: string;
  @EpochMsColumn('authenticated_at') authenticatedAt: number;
  /** Authentication methods (RFC 8176), separated by spaces. */
  @Column({ type: 'varchar', length: 64 }) amr: string;
  /** From where she signed in. */
  @Column({ type: 'varchar', length: 64, nullable: true }) address: string | null;
  @Column({ name: 'user_agent', type: 'varchar', length: 255, nullable: true }) userAgent: string | null;
  @EpochMsColumn('last_seen_at') lastSeenAt: number;
  @EpochMsColumn('idle_expires_at') idleExpiresAt: number;
  /** The absolute end, which no use moves. */
  @EpochMsColumn('expires_at') expiresAt: number;
}
