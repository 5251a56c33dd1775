import type { JWK } from 'jose';
import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { EpochMsColumn } from '../database/epoch-ms.column.js';

/** `next` is published and does not sign yet, `active` signs, `retired` is published until the last token that it signed has expired. */
export type SigningKeyStatus = 'next' | 'active' | 'retired';

@Entity('signing_keys')
@Index('signing_keys_kid', ['kid'], { unique: true })
@Index('signing_keys_slot', ['slot'], { unique: true })
export class SigningKeyEntity {
  @PrimaryGeneratedColumn({ type: 'integer' }) id: number;
  /** JWK thumbprint, RFC 7638. */
  @Column({ type: 'varchar', length: 64 }) kid: string;
  @Column({ type: 'varchar', length: 16 }) alg: string;
  @Column({ type: 'varchar', length: 16 }) status: SigningKeyStatus;
  /** `<alg>:active`, `<alg>:next`, or the kid of a retired key: its unique key keeps an algorithm to one active and one next key. */
  @Column({ type: 'varchar', length: 64 }) slot: string;
  @Column({ name: 'public_jwk', type: 'simple-json' }) publicJwk: JWK;
  /** The private JWK, encrypted under the key encryption key. */
  @Column({ name: 'sealed_private_jwk', type: 'text' }) sealedPrivateJwk: string;
  @EpochMsColumn('published_at') publishedAt: number;
  @EpochMsColumn('activated_at', { nullable: true }) activatedAt: number | null;
  @EpochMsColumn('retired_at', { nullable: true }) retiredAt: number | null;
  /** When a retired key leaves the JWKS. */
  @EpochMsColumn('expires_at', { nullable: true }) expiresAt: number | null;
}
