import { Injectable } from '@nestjs/common';
import type { SigningAlgorithm } from '../config/settings.js';
import { KeyRing } from '../keys/key-ring.js';
import { KeyRotation } from '../keys/key-rotation.js';

/** Keys for the algorithms in which clients registered their ID tokens: made when the first one is needed, since an RSA key takes as long to make as the server to start. */
@Injectable()
export class IdTokenKeys {
  private readonly making = new Map<SigningAlgorithm, Promise<void>>();

  constructor(
    private readonly ring: KeyRing,
    private readonly rotation: KeyRotation,
  ) {}

  /** Resolves when there is a key of the algorithm that signs. */
  ensure(alg: SigningAlgorithm): Promise<void> {
    if (this.ring.has(alg)) return Promise.resolve();
    let made = this.making.get(alg);
    if (!made) this.making.set(alg, (made = this.rotation.activate(alg).finally(() => this.making.delete(alg))));
    return made;
  }
}
