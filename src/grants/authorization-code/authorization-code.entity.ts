import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { EpochMsColumn } from '../../database/epoch-ms.column.js';
import type { OpenIdGrant } from '../../tokens/openid-grant.js';

@Entity('authorization_codes')
@Index('authorization_codes_digest', ['digest'], { unique: true })
@Index('authorization_codes_purge_after', ['purgeAfter'])
export class AuthorizationCodeEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  /** SHA-256 in hex of the code. */
  @Column({ type: 'varchar', length: 64 }) digest: string;
  @Column({ name: 'client_id', type: 'varchar', length: 128 }) clientId: string;
  /** The client's token generation when the code was made. */
  @Column({ name: 'client_generation', type: 'varchar', length: 16 }) clientGeneration: string;
  @Column({ name: 'user_id', type: 'varchar', length: 32 }) userId: string;
  /** The user's token generation when the code was made. */
  @Column({ name: 'user_generation', type: 'varchar', length: 16 }) userGeneration: string;
  /** In which it was authorized. */
  @Column({ name: 'session_id', type: 'varchar', length: 32 }) sessionId: string;
  /** Of the tokens that it gives: by it they are revoked if it is used again. */
  @Column({ name: 'family_id', type: 'varchar', length: 32 }) familyId: string;
  @Column({ name: 'redirect_uri', type: 'text' }) redirectUri: string;
  /** Whether the authorization request named it: then the token request must, too (RFC 6749 §4.1.3). */
  @Column({ name: 'redirect_uri_sent', type: 'boolean' }) redirectUriSent: boolean;
  /** The S256 challenge (RFC 7636 §4.2); `null`: none was sent. */
  @Column({ name: 'code_challenge', type: 'varchar', length: 64, nullable: true }) codeChallenge: string | null;
  @Column({ type: 'text' }) scope: string;
  @Column({ type: 'simple-json' }) audience: string[];
  @Column({ type: 'simple-json', nullable: true }) openid: OpenIdGrant | null;
  @Column({ name: 'failed_verifiers', type: 'integer' }) failedVerifiers: number;
  /** When it was used, or spoiled by wrong verifiers. */
  @EpochMsColumn('consumed_at', { nullable: true }) consumedAt: number | null;
  /** When the answer to its use had left. Without it a used code may have been answered, or not. */
  @EpochMsColumn('answered_at', { nullable: true }) answeredAt: number | null;
  @EpochMsColumn('expires_at') expiresAt: number;
  @EpochMsColumn('purge_after') purgeAfter: number;
}
