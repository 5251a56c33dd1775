import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { EpochMsColumn } from '../database/epoch-ms.column.js';

/** A counter of password guesses. Its key is a digest: neither usernames that were tried nor addresses stand here. */
@Entity('password_attempts')
@Index('password_attempts_attempt_key', ['attemptKey'], { unique: true })
@Index('password_attempts_account', ['account'])
@Index('password_attempts_purge_after', ['purgeAfter'])
export class PasswordAttemptEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  @Column({ name: 'attempt_key', type: 'varchar', length: 64 }) attemptKey: string;
  /** Of every counter that is about one account: the key of the account's own. */
  @Column({ type: 'varchar', length: 64, nullable: true }) account: string | null;
  /** Guesses that are being looked at now. */
  @Column({ type: 'integer' }) pending: number;
  /** Guesses that were wrong in this window. */
  @Column({ type: 'integer' }) failures: number;
  @EpochMsColumn('window_ends_at') windowEndsAt: number;
  /** Whatever was pending then was left behind by a process that died. */
  @EpochMsColumn('pending_until') pendingUntil: number;
  /** The end of the last window of which it was told that its limit was reached. */
  @EpochMsColumn('announced_window') announcedWindow: number;
  /** Of an account from an address: when the right password was last given there. */
  @EpochMsColumn('succeeded_at', { nullable: true }) succeededAt: number | null;
  @EpochMsColumn('purge_after') purgeAfter: number;
}
