import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { GrantDispatcher } from '../grants/grant-dispatcher.js';

/**
 * The authorization server metadata of RFC 8414 §2, served for OpenID Connect Discovery too. It names what works and nothing else: without an
 * authorization endpoint there are no response types, and without ID tokens no algorithms to sign them.
 */
@Injectable()
export class ServerMetadata {
  private readonly text: string;

  constructor({ issuer, docsEnabled }: Config, grants: GrantDispatcher) {
    const withSecret = ['client_secret_basic', 'client_secret_post'];
    this.text = JSON.stringify({
      issuer,
      token_endpoint: `${issuer}/oauth/token`,
      token_endpoint_auth_methods_supported: withSecret,
      introspection_endpoint: `${issuer}/oauth/introspect`,
      introspection_endpoint_auth_methods_supported: withSecret,
      revocation_endpoint: `${issuer}/oauth/revoke`,
      revocation_endpoint_auth_methods_supported: [...withSecret, 'none'],
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      grant_types_supported: grants.grantTypes,
      response_types_supported: [],
      ...(docsEnabled ? { service_documentation: `${issuer}/docs` } : {}),
    });
  }

  /** The JSON document. */
  toString(): string {
    return this.text;
  }
}
