import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { EpochMsColumn } from '../database/epoch-ms.column.js';

@Entity('client_secrets')
@Index('client_secrets_secret_id', ['secretId'], { unique: true })
@Index('client_secrets_client_row_id', ['clientRowId', 'id'])
export class ClientSecretEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  @Column({ name: 'secret_id', type: 'varchar', length: 32 }) secretId: string;
  @Column({ name: 'client_row_id', type: 'integer' }) clientRowId: number;
  /** SHA-256 of the secret in hex. */
  @Column({ type: 'varchar', length: 64 }) digest: string;
  @EpochMsColumn('created_at') createdAt: number;
  @EpochMsColumn('expires_at', { nullable: true }) expiresAt: number | null;
  @EpochMsColumn('last_used_at', { nullable: true }) lastUsedAt: number | null;
}
