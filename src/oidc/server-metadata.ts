import { Injectable } from '@nestjs/common';
import { ID_TOKEN_ALGS, RESPONSE_TYPES, SUBJECT_TYPES } from '../clients/client-metadata.js';
import { LegacyGrants } from '../clients/legacy-grants.js';
import { USER_SCOPES } from '../common/oauth/scope.js';
import { Config } from '../config/config.js';
import { LOCALES } from '../config/settings.js';
import { GrantDispatcher } from '../grants/grant-dispatcher.js';
import { PASSWORD_ACR } from '../tokens/openid-grant.js';
import { SUPPORTED_CLAIMS } from '../users/user-claims.js';

/** What ID tokens say beside the claims about the user (OIDC Core §2). */
const ID_TOKEN_CLAIMS = ['iss', 'aud', 'azp', 'exp', 'iat', 'auth_time', 'nonce', 'acr', 'amr', 'sid', 'at_hash'];

/**
 * The metadata of RFC 8414 §2 and OpenID Connect Discovery 1.0 §3, one document for both. It names what works and nothing else: the password and the implicit
 * grant only while some client may use them.
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
    return JSON.stringify({ issuer, ...this.endpoints(), ...this.grantsAndResponses(), ...openIdConnect(), ...(docsEnabled ? { service_documentation: `${issuer}/docs` } : {}) });
  }

  private endpoints(): Record<string, unknown> {
    const { issuer } = this.config;
    const withSecret = ['client_secret_basic', 'client_secret_post'];
    return {
      authorization_endpoint: `${issuer}/oauth/authorize`,
      pushed_authorization_request_endpoint: `${issuer}/oauth/par`,
      token_endpoint: `${issuer}/oauth/token`,
      token_endpoint_auth_methods_supported: [...withSecret, 'none'],
      introspection_endpoint: `${issuer}/oauth/introspect`,
      introspection_endpoint_auth_methods_supported: withSecret,
      revocation_endpoint: `${issuer}/oauth/revoke`,
      revocation_endpoint_auth_methods_supported: [...withSecret, 'none'],
      userinfo_endpoint: `${issuer}/oauth/userinfo`,
      end_session_endpoint: `${issuer}/oauth/logout`,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
    };
  }

  private grantsAndResponses(): Record<string, unknown> {
    const implicit = this.legacyGrants.isOffered('implicit');
    return {
      grant_types_supported: [...this.grants.grantTypes, 'implicit'].filter((grantType) => this.legacyGrants.isOffered(grantType)),
      response_types_supported: RESPONSE_TYPES.filter((type) => type === 'code' || implicit),
      response_modes_supported: ['query', 'fragment', 'form_post'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      scopes_supported: [...USER_SCOPES],
    };
  }
}

function openIdConnect(): Record<string, unknown> {
  return {
    subject_types_supported: SUBJECT_TYPES,
    id_token_signing_alg_values_supported: ID_TOKEN_ALGS,
    claim_types_supported: ['normal'],
    claims_supported: [...SUPPORTED_CLAIMS, ...ID_TOKEN_CLAIMS],
    claims_parameter_supported: true,
    request_parameter_supported: false,
    // Those of pushed requests aside, which RFC 9126 §5 counts apart. Left out it would mean that there are others.
    request_uri_parameter_supported: false,
    acr_values_supported: [PASSWORD_ACR],
    prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
    ui_locales_supported: LOCALES,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  };
}
