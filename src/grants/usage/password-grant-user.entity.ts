import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { EpochMsColumn } from '../../database/epoch-ms.column.js';

/** A user who signs in to a client by the password grant. */
@Entity('password_grant_users')
@Index('password_grant_users_key', ['clientId', 'userId'], { unique: true })
@Index('password_grant_users_last_used_at', ['lastUsedAt'])
export class PasswordGrantUserEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  @Column({ name: 'client_id', type: 'varchar', length: 128 }) clientId: string;
  @Column({ name: 'user_id', type: 'varchar', length: 32 }) userId: string;
  @EpochMsColumn('last_used_at') lastUsedAt: number;
}
