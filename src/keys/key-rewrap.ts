import { Injectable } from '@nestjs/common';
import { type Actor, AuditLog } from '../audit/audit-log.js';
import { SecretBox } from '../common/crypto/secret-box.js';
import { Leases } from '../database/leases.js';
import { sealContext } from './key-ring.js';
import { SigningKeysRepository } from './signing-keys.repository.js';
import { secretContext } from './stored-secrets.js';
import { StoredSecretsRepository } from './stored-secrets.repository.js';

/** A value that is encrypted under a key encryption key. */
interface SealedValue {
  readonly context: string;
  readonly sealed: string;
  /** Replaces the value unless somebody else did; returns whether it was replaced. */
  readonly replace: (sealed: string) => Promise<boolean>;
}

/** How many values there are, how many of them only a previous key opens, and how many no key opens. */
export interface SealedCount {
  readonly values: number;
  readonly previous: number;
  readonly unopened: number;
}

/** Brings every encrypted value in the database under the KEY_ENCRYPTION_KEY of now. */
@Injectable()
export class KeyRewrap {
  constructor(
    private readonly signingKeys: SigningKeysRepository,
    private readonly secrets: StoredSecretsRepository,
    private readonly box: SecretBox,
    private readonly leases: Leases,
    private readonly audit: AuditLog,
  ) {}

  async count(): Promise<SealedCount> {
    const values = await this.values();
    const stale = this.ofPreviousKeys(values);
    const unopened = stale.filter(({ sealed, context }) => this.box.narrowedTo(sealed, context) === undefined).length;
    return { values: values.length, previous: stale.length - unopened, unopened };
  }

  /**
   * Re-encrypts until nothing is left that needs a previous key, one value and one conditional statement at a time, while servers
   * go on. Returns how many values it re-encrypted. It can be broken off and run again.
   * @param onValue is called after each value
   */
  run(actor: Actor, onValue: () => void = () => undefined): Promise<number> {
    return this.leases.hold('key-rewrap', async () => {
      let rewrapped = 0;
      for (let stale = await this.stale(); stale.length > 0; stale = await this.stale()) {
        for (const { context, sealed, replace } of stale) {
          if (!(await replace(this.box.seal(this.box.open(sealed, context), context)))) continue;
          rewrapped++;
          onValue();
        }
      }
      if (rewrapped > 0) await this.audit.record({ type: 'key_encryption_key.rewrapped', actor, detail: { values: rewrapped } });
      return rewrapped;
    });
  }

  private async stale(): Promise<SealedValue[]> {
    return this.ofPreviousKeys(await this.values());
  }

  private ofPreviousKeys(values: readonly SealedValue[]): SealedValue[] {
    return values.filter(({ sealed, context }) => !this.box.isCurrent(sealed, context));
  }

  private async values(): Promise<SealedValue[]> {
    const keys = (await this.signingKeys.all()).map(({ kid, sealedPrivateJwk: sealed }) => ({
      context: sealContext(kid),
      sealed,
      replace: (next: string) => this.signingKeys.reseal(kid, sealed, next),
    }));
    const secrets = (await this.secrets.all()).map(({ name, sealed }) => ({
      context: secretContext(name),
      sealed,
      replace: (next: string) => this.secrets.reseal(name, sealed, next),
    }));
    return [...keys, ...secrets];
  }
}
