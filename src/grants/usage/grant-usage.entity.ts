import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { EpochMsColumn } from '../../database/epoch-ms.column.js';

/** How many tokens a client got by a grant on a day: in all (the scope is empty), and with each scope. */
@Entity('grant_usage')
@Index('grant_usage_key', ['clientId', 'grantType', 'scope', 'day'], { unique: true })
@Index('grant_usage_day', ['day'])
export class GrantUsageEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  @Column({ name: 'client_id', type: 'varchar', length: 128 }) clientId: string;
  @Column({ name: 'grant_type', type: 'varchar', length: 64 }) grantType: string;
  @Column({ type: 'varchar', length: 255 }) scope: string;
  /** Days since the epoch, in UTC. */
  @Column({ type: 'integer' }) day: number;
  @Column({ type: 'integer' }) tokens: number;
  @EpochMsColumn('last_used_at') lastUsedAt: number;
}
