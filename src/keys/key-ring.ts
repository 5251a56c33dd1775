import type { KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { JWK } from 'jose';
import { SecretBox } from '../common/crypto/secret-box.js';
import { Logger } from '../common/logging/logger.js';
import { Serial } from '../common/serial.js';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { Clock } from '../common/time/clock.js';
import type { SigningAlgorithm } from '../config/settings.js';
import { ChangeFeed } from '../database/change-feed.js';
import { FatalStartupError } from '../database/fatal-startup.error.js';
import { Startup } from '../database/startup.js';
import { importPrivate, importPublic } from './key-pair.js';
import type { SigningKeyEntity, SigningKeyStatus } from './signing-key.entity.js';
import { SigningKeysRepository } from './signing-keys.repository.js';

export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly publicJwk: JWK;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  /** Milliseconds since the epoch; `null` while the key is in use. */
  readonly expiresAtMs: number | null;
}

/** Where a key stands in its life; times are milliseconds since the epoch. */
export interface KeyState {
  readonly alg: SigningAlgorithm;
  readonly status: SigningKeyStatus;
  readonly publishedAtMs: number;
  /** `null` while it does not sign yet. */
  readonly activatedAtMs: number | null;
}

/** What a private key is sealed for, so that no row can be put in another's place. */
export const sealContext = (kid: string): string => `signing-key:${kid}`;

/** The signing keys in memory, ready to sign and verify. Follows what any instance does with them. */
@Injectable()
export class KeyRing {
  private byKid: ReadonlyMap<string, SigningKey> = new Map();
  private activeByAlg: ReadonlyMap<string, SigningKey> = new Map();
  private newestActive: SigningKey | undefined;
  private loadedStates: readonly KeyState[] = [];
  private readonly loads = new Serial();

  constructor(
    private readonly keys: SigningKeysRepository,
    private readonly box: SecretBox,
    private readonly clock: Clock,
    private readonly logger: Logger,
    feed: ChangeFeed,
    startup: Startup,
  ) {
    // First of all, so that an instance that cannot open the keys stops before it adds its own.
    startup.prepare(() => this.open());
    startup.load(() => this.reload());
    feed.onChanges('signing-key', () => this.reload());
    feed.onReread(() => this.reload());
  }

  /**
   * The key that signs: the active one of the algorithm or, while that algorithm's first key is published and not in use yet, the newest active one of another.
   * @throws {TemporarilyUnavailableError} before the keys were loaded
   */
  signer(alg: SigningAlgorithm): SigningKey {
    const key = this.activeByAlg.get(alg) ?? this.newestActive;
    if (!key) throw new TemporarilyUnavailableError('no active signing key is loaded');
    return key;
  }

  /** Of every key that is loaded, newest first. */
  get states(): readonly KeyState[] {
    return this.loadedStates;
  }

  get canSign(): boolean {
    return this.newestActive !== undefined;
  }

  has(alg: SigningAlgorithm): boolean {
    return this.activeByAlg.has(alg);
  }

  /**
   * A key that may have signed a token that is still valid.
   * @throws {TemporarilyUnavailableError} before the keys were loaded: a token of another instance is not to be called invalid for that
   */
  find(kid: string): SigningKey | undefined {
    if (this.loadedStates.length === 0) throw new TemporarilyUnavailableError('no signing key is loaded');
    const key = this.byKid.get(kid);
    return key && this.inUse(key) ? key : undefined;
  }

  /** The JWK Set to publish (RFC 7517 §5): public members only. */
  jwks(): { keys: JWK[] } {
    return { keys: [...this.byKid.values()].filter((key) => this.inUse(key)).map((key) => key.publicJwk) };
  }

  /** Loads the keys. @throws {FatalStartupError} when one of them was sealed under another key */
  open(): Promise<void> {
    return this.loads.run(() => this.load(true));
  }

  reload(): Promise<void> {
    return this.loads.run(() => this.load(false));
  }

  /** @param strict whether a key that cannot be opened is fatal; in service it is reported and passed over */
  private async load(strict: boolean): Promise<void> {
    const rows = await this.keys.all();
    const loaded: (readonly [SigningKeyEntity, SigningKey])[] = [];
    for (const row of rows) {
      const key = this.ready(row, this.byKid.get(row.kid));
      if (key) loaded.push([row, key]);
      else if (strict) throw new FatalStartupError('KEY_ENCRYPTION_KEY: does not open the signing keys in this database; start with the key that they were made under, or give it in KEY_ENCRYPTION_KEY_PREVIOUS');
      else this.logger.warn('a signing key cannot be opened with this KEY_ENCRYPTION_KEY', { kid: row.kid });
    }
    this.loadedStates = loaded.map(([{ status, publishedAt, activatedAt }, { alg }]) => ({ alg, status, publishedAtMs: publishedAt, activatedAtMs: activatedAt }));
    this.byKid = new Map(loaded.map(([row, key]) => [row.kid, key]));
    const active = loaded.filter(([row]) => row.status === 'active');
    this.activeByAlg = new Map(active.map(([row, key]) => [row.alg, key]));
    this.newestActive = active[0]?.[1];
  }

  private ready(row: SigningKeyEntity, known: SigningKey | undefined): SigningKey | undefined {
    if (known) return { ...known, expiresAtMs: row.expiresAt };
    let privateJwk: JWK;
    try {
      privateJwk = JSON.parse(this.box.open(row.sealedPrivateJwk, sealContext(row.kid))) as JWK;
    } catch {
      return undefined;
    }
    return { kid: row.kid, alg: row.alg as SigningAlgorithm, publicJwk: row.publicJwk, publicKey: importPublic(row.publicJwk), privateKey: importPrivate(privateJwk), expiresAtMs: row.expiresAt };
  }

  private inUse(key: SigningKey): boolean {
    return key.expiresAtMs === null || key.expiresAtMs > this.clock.nowMs();
  }
}
