import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { EpochMsColumn } from '../database/epoch-ms.column.js';

@Entity('consents')
@Index('consents_user_id_client_id', ['userId', 'clientId'], { unique: true })
@Index('consents_expires_at', ['expiresAt'])
export class ConsentEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  @Column({ name: 'user_id', type: 'varchar', length: 32 }) userId: string;
  @Column({ name: 'client_id', type: 'varchar', length: 128 }) clientId: string;
  /** The client's token generation when it was given: a client that is made anew under a deleted one's id does not inherit it. */
  @Column({ name: 'client_generation', type: 'varchar', length: 16 }) clientGeneration: string;
  /** All that was allowed, at any audience. */
  @Column({ type: 'text' }) scope: string;
  /**
   * Of the scope, what was allowed at which audience; see {@link ScopeByAudience}. `null`: the column came later. The
   * version before this one changes `scope` alone, so nothing counts here that is not in `scope`.
   */
  @Column({ name: 'scope_by_audience', type: 'text', nullable: true }) scopeByAudience: string | null;
  @EpochMsColumn('granted_at') grantedAt: number;
  @EpochMsColumn('expires_at') expiresAt: number;
}
