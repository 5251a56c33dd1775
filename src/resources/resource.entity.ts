import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { EpochMsColumn } from '../database/epoch-ms.column.js';

export interface ResourceScope {
  name: string;
  description: string;
  /** A user's token holds the scope only when the user has one of these roles; empty: no role is needed. */
  required_roles: string[];
}

@Entity('resources')
@Index('resources_resource_id', ['resourceId'], { unique: true })
@Index('resources_identifier', ['identifier'], { unique: true })
export class ResourceEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  @Column({ name: 'resource_id', type: 'varchar', length: 32 }) resourceId: string;
  /** The `aud` of its tokens, RFC 8707 §2. */
  @Column({ type: 'varchar', length: 500 }) identifier: string;
  @Column({ type: 'varchar', length: 255 }) name: string;
  @Column({ type: 'simple-json' }) scopes: ResourceScope[];
  /** Client ids that may introspect its tokens. */
  @Column({ name: 'resource_servers', type: 'simple-json' }) resourceServers: string[];
  /** `null`: the client decides. */
  @Column({ name: 'access_token_format', type: 'varchar', length: 16, nullable: true }) accessTokenFormat: string | null;
  /** Seconds; `null`: the client decides. */
  @Column({ name: 'access_token_lifetime', type: 'integer', nullable: true }) accessTokenLifetime: number | null;
  @Column({ type: 'integer' }) version: number;
  @EpochMsColumn('created_at') createdAt: number;
  @EpochMsColumn('updated_at') updatedAt: number;
}
