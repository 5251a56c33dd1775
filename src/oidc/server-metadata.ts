import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { LegacyGrants } from '../clients/legacy-grants.js';
import { GrantDispatcher } from '../grants/grant-dispatcher.js';

/**
 * The authorization server metadata of RFC 8414 §2, served for OpenID Connect Discovery too. It names what works and nothing else: without an
 * authorization endpoint there are no response types, and without ID tokens no algorithms to sign them. The password grant is named while some client may
 * use it.
 */
@Injectable()
export class ServerMetadata {
  constructor(
    private readonly config: Config,
    private readonly grants: GrantDispatcher,
    private readonly legacyGrants: LegacyGrants,
  ) {}

  /** The JSON document as it is now. */
  toString(): string {
    const { issuer, docsEnabled } = this.config;
    const withSecret = ['client_secret_basic', 'client_secret_post'];
    return JSON.stringify({
      issuer,
      token_endpoint: `${issuer}/oauth/token`,
      token_endpoint_auth_methods_supported: [...withSecret, 'none'],
      introspection_endpoint: `${issuer}/oauth/introspect`,
      introspection_endpoint_auth_methods_supported: withSecret,
      revocation_endpoint: `${issuer}/oauth/revoke`,
      revocation_endpoint_auth_methods_supported: [...withSecret, 'none'],
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      grant_types_supported: this.grants.grantTypes.filter((grantType) => this.legacyGrants.isOffered(grantType)),
      response_types_supported: [],
      ...(docsEnabled ? { service_documentation: `${issuer}/docs` } : {}),
    });
  }
}
