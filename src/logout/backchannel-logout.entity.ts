import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { EpochMsColumn } from '../database/epoch-ms.column.js';

/** A logout token that a client is still to be sent. */
@Entity('backchannel_logouts')
@Index('backchannel_logouts_next_attempt_at', ['nextAttemptAt'])
@Index('backchannel_logouts_expires_at', ['expiresAt'])
export class BackchannelLogoutEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  @Column({ name: 'client_id', type: 'varchar', length: 128 }) clientId: string;
  /** The `sub` that the client knows the user by. */
  @Column({ type: 'varchar', length: 255 }) subject: string;
  /** The `sid` of the client's ID tokens. */
  @Column({ name: 'session_id', type: 'varchar', length: 32 }) sessionId: string;
  /** How often it was sent, the attempt that is under way included. */
  @Column({ type: 'integer' }) attempts: number;
  /** While an instance sends it: when others may take that instance for dead. */
  @EpochMsColumn('next_attempt_at') nextAttemptAt: number;
  @EpochMsColumn('expires_at') expiresAt: number;
}
