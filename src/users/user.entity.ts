import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { EpochMsColumn } from '../database/epoch-ms.column.js';
import type { StandardClaims } from './standard-claims.js';

@Entity('users')
@Index('users_user_id', ['userId'], { unique: true })
@Index('users_username_key', ['usernameKey'], { unique: true })
@Index('users_email_key', ['emailKey'], { unique: true })
export class UserEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  /** The `sub` of tokens: random, so that no later user ever has it, and of a form that no client id has. */
  @Column({ name: 'user_id', type: 'varchar', length: 32 }) userId: string;
  @Column({ type: 'varchar', length: 128 }) username: string;
  /** The form in which usernames are compared, see {@link identifierKey}. */
  @Column({ name: 'username_key', type: 'varchar', length: 255 }) usernameKey: string;
  @Column({ type: 'varchar', length: 254, nullable: true }) email: string | null;
  @Column({ name: 'email_key', type: 'varchar', length: 255, nullable: true }) emailKey: string | null;
  @Column({ name: 'email_verified', type: 'boolean' }) emailVerified: boolean;
  @Column({ type: 'varchar', length: 255, nullable: true }) name: string | null;
  /** `null`: none is set. */
  @Column({ type: 'simple-json', nullable: true }) claims: StandardClaims | null;
  @Column({ type: 'simple-json' }) roles: string[];
  @Column({ type: 'boolean' }) enabled: boolean;
  /** See {@link PasswordHashing}; `null`: no password is set. */
  @Column({ name: 'password_hash', type: 'text', nullable: true }) passwordHash: string | null;
  /** Random, and part of every token of this user: another value makes all of them invalid at once. */
  @Column({ name: 'token_generation', type: 'varchar', length: 16 }) tokenGeneration: string;
  /** Username, e-mail address and name in lower case: databases differ in what they take for the same letter. */
  @Column({ name: 'search_text', type: 'varchar', length: 768 }) searchText: string;
  /** Written behind, and no change of the user in the sense of {@link version}. */
  @EpochMsColumn('last_login_at', { nullable: true }) lastLoginAt: number | null;
  /** Counts writes, for entity tags. */
  @Column({ type: 'integer' }) version: number;
  @EpochMsColumn('created_at') createdAt: number;
  @EpochMsColumn('updated_at') updatedAt: number;
}
