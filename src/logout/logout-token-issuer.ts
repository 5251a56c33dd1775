import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { randomId } from '../common/crypto/random-id.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { IdTokenKeys } from '../tokens/id-token-keys.js';
import { SignedJwt } from '../tokens/signed-jwt.js';

/** §2.4 recommends two minutes at most. */
const LIFETIME_SECONDS = 120;
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** Logout tokens, OpenID Connect Back-Channel Logout 1.0 §2.4: signed in the algorithm of the client's ID tokens, typed so that none passes for one of those, and without `nonce`. */
@Injectable()
export class LogoutTokenIssuer {
  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly keys: IdTokenKeys,
    private readonly jwt: SignedJwt,
  ) {}

  /** @param subject by which the client knows the user @throws {TemporarilyUnavailableError} when there is no key to sign with and none can be made now */
  async issue(client: Client, subject: string, sessionId: string): Promise<string> {
    const alg = client.idTokenSignedResponseAlg;
    await this.keys.ensure(alg);
    const iat = this.clock.nowSeconds();
    return this.jwt.sign('logout+jwt', alg, {
      iss: this.config.issuer,
      sub: subject,
      aud: client.clientId,
      iat,
      exp: iat + LIFETIME_SECONDS,
      jti: randomId(),
      events: { [LOGOUT_EVENT]: {} },
      sid: sessionId,
    });
  }
}
