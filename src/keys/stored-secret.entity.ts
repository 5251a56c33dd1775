import { Column, Entity, PrimaryColumn } from 'typeorm';
import { EpochMsColumn } from '../database/epoch-ms.column.js';

@Entity('stored_secrets')
export class StoredSecretEntity {
  @PrimaryColumn({ type: 'varchar', length: 64 }) name: string;
  /** 32 bytes in base64, encrypted under the key encryption key. */
  @Column({ type: 'text' }) sealed: string;
  @EpochMsColumn('stored_at') storedAt: number;
}
