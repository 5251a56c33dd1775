import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { EpochMsColumn } from '../database/epoch-ms.column.js';

/** A first admin client that the server once made, whatever became of the client since. */
@Entity('bootstrapped_clients')
@Index('bootstrapped_clients_client_id', ['clientId'], { unique: true })
export class BootstrappedClientEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  @Column({ name: 'client_id', type: 'varchar', length: 255 }) clientId: string;
  @EpochMsColumn('created_at') createdAt: number;
}
