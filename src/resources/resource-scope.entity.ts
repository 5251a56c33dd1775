import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

/** Which resource owns a scope; the unique key sees to it that it is one at most. */
@Entity('resource_scopes')
@Index('resource_scopes_scope', ['scope'], { unique: true })
@Index('resource_scopes_resource_row_id', ['resourceRowId'])
export class ResourceScopeEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  @Column({ type: 'varchar', length: 255 }) scope: string;
  @Column({ name: 'resource_row_id', type: 'integer' }) resourceRowId: number;
}
