import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { EpochMsColumn } from '../database/epoch-ms.column.js';

/** An opaque access token. JWTs leave no row. */
@Entity('access_tokens')
@Index('access_tokens_digest', ['digest'], { unique: true })
@Index('access_tokens_expires_at', ['expiresAt'])
export class AccessTokenEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  /** SHA-256 of the token in hex. */
  @Column({ type: 'varchar', length: 64 }) digest: string;
  @Column({ name: 'client_id', type: 'varchar', length: 128 }) clientId: string;
  /** The client's token generation when it was issued. */
  @Column({ name: 'client_generation', type: 'varchar', length: 16 }) clientGeneration: string;
  /** The user's as the client may see it, when it speaks of one. */
  @Column({ name: 'user_generation', type: 'varchar', length: 16, nullable: true }) userGeneration: string | null;
  @Column({ name: 'family_id', type: 'varchar', length: 32, nullable: true }) familyId: string | null;
  @Column({ type: 'varchar', length: 128 }) subject: string;
  @Column({ type: 'text' }) scope: string;
  @Column({ type: 'simple-json' }) audience: string[];
  @EpochMsColumn('issued_at') issuedAt: number;
  @EpochMsColumn('expires_at') expiresAt: number;
  @EpochMsColumn('revoked_at', { nullable: true }) revokedAt: number | null;
}
