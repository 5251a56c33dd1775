import { Injectable } from '@nestjs/common';
import { ClientDirectory } from '../clients/client-directory.js';
import { Logger } from '../common/logging/logger.js';
import type { SigningAlgorithm } from '../config/settings.js';
import { ChangeFeed } from '../database/change-feed.js';
import { KeyRing } from '../keys/key-ring.js';
import { KeyRotation } from '../keys/key-rotation.js';

/**
 * Keys for the algorithms in which clients registered their ID tokens. They are made when such a client is registered, so that the JWKS has them before they sign, or else when the
 * first one is needed: an RSA key takes as long to make as the server to start.
 */
@Injectable()
export class IdTokenKeys {
  private readonly making = new Map<SigningAlgorithm, Promise<void>>();

  constructor(
    private readonly ring: KeyRing,
    private readonly rotation: KeyRotation,
    private readonly clients: ClientDirectory,
    private readonly logger: Logger,
    feed: ChangeFeed,
  ) {
    feed.subscribe('client', (change) => void this.prepareFor(change.subject));
  }

  /** Resolves when there is a key of the algorithm that signs. */
  ensure(alg: SigningAlgorithm): Promise<void> {
    if (this.ring.has(alg)) return Promise.resolve();
    let made = this.making.get(alg);
    if (!made) this.making.set(alg, (made = this.rotation.activate(alg).finally(() => this.making.delete(alg))));
    return made;
  }

  private async prepareFor(clientId: string): Promise<void> {
    try {
      const client = await this.clients.find(clientId);
      const inBrowsers = client?.grantTypes.has('authorization_code') || client?.grantTypes.has('implicit');
      if (client && inBrowsers && client.scope.has('openid')) await this.ensure(client.idTokenSignedResponseAlg);
    } catch (error) {
      this.logger.failure('a key for ID tokens could not be made ahead of time', error);
    }
  }
}
