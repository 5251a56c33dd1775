import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import type { SigningAlgorithm } from '../config/settings.js';
import { CLAIMS_BY_SCOPE, claimsWithin, userClaims } from '../users/user-claims.js';
import { UsersRepository } from '../users/users.repository.js';
import { IdTokenKeys } from './id-token-keys.js';
import type { OpenIdGrant } from './openid-grant.js';
import { SignedJwt } from './signed-jwt.js';
import { Subjects } from './subject.js';

export interface IdTokenContents {
  readonly client: Client;
  readonly userId: string;
  readonly openid: OpenIdGrant;
  /** Whose hash goes into the token. */
  readonly accessToken?: string;
  /** Whose claims go into the token: those for which there is no access token to ask with (OIDC Core §5.4). */
  readonly scope?: readonly string[];
}

/** ID tokens, OIDC Core §2: signed in the algorithm that the client registered. */
@Injectable()
export class IdTokenIssuer {
  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly keys: IdTokenKeys,
    private readonly jwt: SignedJwt,
    private readonly subjects: Subjects,
    private readonly users: UsersRepository,
  ) {}

  async issue({ client, userId, openid, accessToken, scope = [] }: IdTokenContents): Promise<string> {
    const alg = client.idTokenSignedResponseAlg;
    await this.keys.ensure(alg);
    const { sid, auth_time: authTime, acr, amr, nonce, claims } = openid;
    const iat = this.clock.nowSeconds();
    return this.jwt.sign('JWT', alg, {
      ...(await this.requested(userId, [...scope.flatMap((name) => CLAIMS_BY_SCOPE.get(name) ?? []), ...claimsWithin(client.scope, Object.keys(claims?.id_token ?? {}))])),
      iss: this.config.issuer,
      sub: this.subjects.of(client, userId),
      aud: client.clientId,
      azp: client.clientId,
      exp: iat + this.config.idTokenLifetimeSeconds,
      iat,
      auth_time: authTime,
      acr,
      amr,
      sid: this.subjects.sidOf(client, sid),
      ...(nonce === undefined ? {} : { nonce }),
      ...(accessToken === undefined ? {} : { at_hash: leftHalfHash(alg, accessToken) }),
    });
  }

  private async requested(userId: string, names: readonly string[]): Promise<Record<string, unknown>> {
    const user = names.length > 0 ? await this.users.find(userId) : null;
    return user ? userClaims(user, names) : {};
  }
}

/** OIDC Core §3.1.3.6: the left half of the hash that goes with the algorithm; for Ed25519 that is SHA-512. */
function leftHalfHash(alg: SigningAlgorithm, value: string): string {
  const digest = createHash(alg === 'EdDSA' ? 'sha512' : 'sha256').update(value).digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}
