import { Injectable } from '@nestjs/common';
import { SecretBox } from '../common/crypto/secret-box.js';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { Clock } from '../common/time/clock.js';
import { FatalStartupError } from '../database/fatal-startup.error.js';
import { Startup } from '../database/startup.js';
import { sealContext } from './key-ring.js';
import { SigningKeysRepository } from './signing-keys.repository.js';
import { StoredSecretsRepository } from './stored-secrets.repository.js';

/** Each is also the purpose for which it was derived from the key encryption key at first. */
const NAMES = ['pairwise-subjects', 'refresh-tokens'] as const;
export type StoredSecretName = (typeof NAMES)[number];

export interface StoredSecret {
  /** 32 bytes. */
  readonly key: Buffer;
  readonly storedAtMs: number;
}

export const secretContext = (name: string): string => `stored-secret:${name}`;

/**
 * Secrets on which tokens and subjects depend for longer than a key encryption key lives. Each is stored once, encrypted under
 * that key, and stays when the key is replaced. Its value is what earlier versions derived from the key, so that an upgrade
 * changes no token and no subject, and earlier versions agree with this one.
 */
@Injectable()
export class StoredSecrets {
  private loaded: ReadonlyMap<string, StoredSecret> = new Map();

  constructor(
    private readonly secrets: StoredSecretsRepository,
    private readonly signingKeys: SigningKeysRepository,
    private readonly box: SecretBox,
    private readonly clock: Clock,
    startup: Startup,
  ) {
    startup.prepare(() => this.create());
    startup.load(() => this.load());
  }

  /** @throws {TemporarilyUnavailableError} before the secrets were loaded */
  get(name: StoredSecretName): StoredSecret {
    const secret = this.loaded.get(name);
    if (!secret) throw new TemporarilyUnavailableError('the stored secrets are not loaded');
    return secret;
  }

  /** Stores the secrets that are missing. */
  async create(): Promise<void> {
    const known = new Set((await this.secrets.all()).map(({ name }) => name));
    const missing = NAMES.filter((name) => !known.has(name));
    if (missing.length === 0) return;
    const origin = await this.keyInUse();
    for (const name of missing) {
      const sealed = this.box.seal(origin.derive(name).toString('base64'), secretContext(name));
      await this.secrets.insertIfAbsent({ name, sealed, storedAt: this.clock.nowMs() });
    }
  }

  /** @throws {FatalStartupError} when one of them was sealed under another key */
  async load(): Promise<void> {
    const rows = await this.secrets.all();
    this.loaded = new Map(rows.map(({ name, sealed, storedAt }) => [name, { key: this.open(name, sealed), storedAtMs: storedAt }]));
  }

  private open(name: string, sealed: string): Buffer {
    try {
      return Buffer.from(this.box.open(sealed, secretContext(name)), 'base64');
    } catch (error) {
      throw new FatalStartupError('KEY_ENCRYPTION_KEY: does not open the stored secrets in this database', { cause: error });
    }
  }

  /** The key that was in use so far, also when this start is the first one after it was replaced. */
  private async keyInUse(): Promise<SecretBox> {
    const oldest = (await this.signingKeys.all()).at(-1);
    const key = oldest ? this.box.narrowedTo(oldest.sealedPrivateJwk, sealContext(oldest.kid)) : this.box;
    if (!key) throw new FatalStartupError('KEY_ENCRYPTION_KEY: does not open the signing keys in this database');
    return key;
  }
}
