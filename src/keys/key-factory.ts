import { Injectable } from '@nestjs/common';
import { SecretBox } from '../common/crypto/secret-box.js';
import type { SigningAlgorithm } from '../config/settings.js';
import { newKeyPair } from './key-pair.js';
import { sealContext } from './key-ring.js';
import type { NewSigningKey } from './signing-keys.repository.js';

/** Makes signing keys whose private part leaves this class encrypted only. */
@Injectable()
export class KeyFactory {
  constructor(private readonly box: SecretBox) {}

  async make(alg: SigningAlgorithm): Promise<NewSigningKey> {
    const { kid, publicJwk, privateJwk } = await newKeyPair(alg);
    return { kid, alg, publicJwk, sealedPrivateJwk: this.box.seal(JSON.stringify(privateJwk), sealContext(kid)) };
  }
}
