import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

/** An origin of one of a client's redirect URIs, so that it is found without reading all clients. */
@Entity('client_origins')
@Index('client_origins_client_row_id_origin', ['clientRowId', 'origin'], { unique: true })
@Index('client_origins_origin', ['origin'])
export class ClientOriginEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  @Column({ name: 'client_row_id', type: 'integer' }) clientRowId: number;
  @Column({ type: 'varchar', length: 255 }) origin: string;
}
