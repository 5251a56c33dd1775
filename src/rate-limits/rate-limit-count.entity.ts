import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { EpochMsColumn } from '../database/epoch-ms.column.js';

/** How often a caller came to one instance in one window. The key is a digest under a key of the server's: no address, account or client can be read from it. */
@Entity('rate_limit_counts')
@Index('rate_limit_counts_key', ['countKey', 'instance'], { unique: true })
@Index('rate_limit_counts_expires_at', ['expiresAt'])
export class RateLimitCountEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  @Column({ name: 'count_key', type: 'varchar', length: 32 }) countKey: string;
  @Column({ type: 'varchar', length: 16 }) instance: string;
  @Column({ type: 'integer' }) requests: number;
  /** The end of the window. */
  @EpochMsColumn('expires_at') expiresAt: number;
}
