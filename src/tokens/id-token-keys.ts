import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { ClientMetadata } from '../clients/client-metadata.js';
import { parseScope } from '../common/oauth/scope.js';
import { Logger } from '../common/logging/logger.js';
import type { SigningAlgorithm } from '../config/settings.js';
import { KeyRing } from '../keys/key-ring.js';
import { KeyRotation } from '../keys/key-rotation.js';

/**
 * Keys for the algorithms in which clients registered their ID tokens. They are made when such a client is registered, so that the JWKS has them before they sign, or else when the
 * first one is needed: an RSA key takes as long to make as the server to start.
 */
@Injectable()
export class IdTokenKeys implements OnApplicationShutdown {
  private readonly making = new Map<SigningAlgorithm, Promise<void>>();
  private readonly following = new Set<Promise<void>>();

  constructor(
    private readonly ring: KeyRing,
    private readonly rotation: KeyRotation,
    private readonly logger: Logger,
  ) {}

  /** Resolves when there is a key of the algorithm that signs. */
  ensure(alg: SigningAlgorithm): Promise<void> {
    if (this.ring.has(alg)) return Promise.resolve();
    let made = this.making.get(alg);
    if (!made) this.making.set(alg, (made = this.make(alg).finally(() => this.making.delete(alg))));
    return made;
  }

  /** Begins to make what a client that was registered just now will need, if it may have ID tokens. */
  prepareFor({ grant_types: grantTypes, scope, id_token_signed_response_alg: alg }: ClientMetadata): void {
    const inBrowsers = grantTypes.includes('authorization_code') || grantTypes.includes('implicit');
    if (!inBrowsers || !parseScope(scope)?.includes('openid')) return;
    // Not ahead of the very first key, which a server makes in the algorithm of access tokens: another one would sign them in the meantime.
    if (!this.ring.canSign) return;
    this.ensure(alg).catch((error: unknown) => this.logger.failure('a key for ID tokens could not be made ahead of time', error));
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.allSettled(this.making.values());
    await Promise.allSettled(this.following);
  }

  private async make(alg: SigningAlgorithm): Promise<void> {
    await this.rotation.activate(alg);
    // The key that will follow it, for which nobody waits.
    const next = this.rotation
      .ensure(alg)
      .catch((error: unknown) => this.logger.failure('the next key for ID tokens could not be made', error))
      .finally(() => this.following.delete(next));
    this.following.add(next);
  }
}
