import { parseRfc3339 } from '../common/time/rfc3339.js';
import type { ClientEntity } from './client.entity.js';

export const GRANT_TYPES = [
  'client_credentials',
  'password',
  'refresh_token',
  'authorization_code',
  'implicit',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
] as const;
/** RFC 9700 §2.4 and §2.1.2: not to be used; only clients that an admin has opted in may. */
export const LEGACY_GRANT_TYPES = ['password', 'implicit'] as const;
export const RESPONSE_TYPES = ['code', 'token', 'id_token', 'id_token token'] as const;
export const TOKEN_ENDPOINT_AUTH_METHODS = ['client_secret_basic', 'client_secret_post', 'none'] as const;
export const ACCESS_TOKEN_FORMATS = ['jwt', 'opaque'] as const;
export const ID_TOKEN_ALGS = ['RS256', 'ES256', 'PS256', 'EdDSA'] as const;
export const SUBJECT_TYPES = ['public', 'pairwise'] as const;

export type GrantType = (typeof GRANT_TYPES)[number];
export type LegacyGrantType = (typeof LEGACY_GRANT_TYPES)[number];
export type ResponseType = (typeof RESPONSE_TYPES)[number];
export type TokenEndpointAuthMethod = (typeof TOKEN_ENDPOINT_AUTH_METHODS)[number];
export type AccessTokenFormat = (typeof ACCESS_TOKEN_FORMATS)[number];
export type SubjectType = (typeof SUBJECT_TYPES)[number];

export const isLegacyGrantType = (grantType: string): grantType is LegacyGrantType => (LEGACY_GRANT_TYPES as readonly string[]).includes(grantType);

/** What may be said of a client, by the names of RFC 7591 §2 and the contract. Lifetimes are seconds. */
export interface ClientMetadata {
  client_name: string;
  token_endpoint_auth_method: TokenEndpointAuthMethod;
  grant_types: GrantType[];
  response_types: (typeof RESPONSE_TYPES)[number][];
  redirect_uris: string[];
  post_logout_redirect_uris: string[];
  /** OpenID Connect Back-Channel Logout 1.0 §2.2; `null`: it is not told of logouts. */
  backchannel_logout_uri: string | null;
  /** Every logout token names its session; a client may say that it relies on that. */
  backchannel_logout_session_required: boolean;
  scope: string;
  /** `null`: the whole scope. */
  default_scope: string | null;
  /** Identifiers of resources that it may name although it has no scope of them. */
  resources: string[];
  access_token_format: AccessTokenFormat;
  access_token_lifetime: number;
  /** For how long a JWT of the client credentials grant is handed out again; 0: every answer has a new one. */
  access_token_reuse: number;
  refresh_token_lifetime: number;
  refresh_token_idle_lifetime: number;
  require_pkce: boolean;
  /** RFC 9126 §6. */
  require_pushed_authorization_requests: boolean;
  id_token_signed_response_alg: (typeof ID_TOKEN_ALGS)[number];
  subject_type: SubjectType;
  skip_consent: boolean;
  /** RFC 3339. */
  password_grant_sunset: string | null;
  enabled: boolean;
}

/**
 * A client id that an admin chose, or the one of a request: what may stand in a path, in Basic and in a JWT without escaping. It never looks like the id
 * of a user: both are the `sub` of tokens (RFC 9068 §5).
 */
export const CLIENT_ID = /^(?!usr_)[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/;

/** Fills in what was left out. @param accessTokenLifetimeSeconds of the server's configuration */
export function withDefaults(given: Partial<ClientMetadata>, clientId: string, accessTokenLifetimeSeconds: number): ClientMetadata {
  const grantTypes = given.grant_types ?? ['client_credentials'];
  return {
    client_name: given.client_name ?? clientId,
    token_endpoint_auth_method: given.token_endpoint_auth_method ?? 'client_secret_basic',
    grant_types: grantTypes,
    response_types: given.response_types ?? [...(grantTypes.includes('authorization_code') ? (['code'] as const) : []), ...(grantTypes.includes('implicit') ? (['token'] as const) : [])],
    redirect_uris: given.redirect_uris ?? [],
    post_logout_redirect_uris: given.post_logout_redirect_uris ?? [],
    backchannel_logout_uri: given.backchannel_logout_uri ?? null,
    backchannel_logout_session_required: given.backchannel_logout_session_required ?? false,
    scope: given.scope ?? '',
    default_scope: given.default_scope ?? null,
    resources: given.resources ?? [],
    access_token_format: given.access_token_format ?? 'jwt',
    access_token_lifetime: given.access_token_lifetime ?? accessTokenLifetimeSeconds,
    access_token_reuse: given.access_token_reuse ?? 0,
    refresh_token_lifetime: given.refresh_token_lifetime ?? 30 * 86_400,
    refresh_token_idle_lifetime: given.refresh_token_idle_lifetime ?? Math.min(7 * 86_400, given.refresh_token_lifetime ?? 30 * 86_400),
    require_pkce: given.require_pkce ?? true,
    require_pushed_authorization_requests: given.require_pushed_authorization_requests ?? false,
    id_token_signed_response_alg: given.id_token_signed_response_alg ?? 'RS256',
    subject_type: given.subject_type ?? 'public',
    skip_consent: given.skip_consent ?? false,
    password_grant_sunset: given.password_grant_sunset ?? null,
    enabled: given.enabled ?? true,
  };
}

export function metadataOf(entity: ClientEntity): ClientMetadata {
  return {
    client_name: entity.clientName,
    token_endpoint_auth_method: entity.tokenEndpointAuthMethod as TokenEndpointAuthMethod,
    grant_types: entity.grantTypes as GrantType[],
    response_types: entity.responseTypes as ClientMetadata['response_types'],
    redirect_uris: entity.redirectUris,
    post_logout_redirect_uris: entity.postLogoutRedirectUris,
    backchannel_logout_uri: entity.backchannelLogoutUri,
    backchannel_logout_session_required: Boolean(entity.backchannelLogoutSessionRequired),
    scope: entity.scope,
    default_scope: entity.defaultScope,
    resources: entity.resources ?? [],
    access_token_format: entity.accessTokenFormat as AccessTokenFormat,
    access_token_lifetime: entity.accessTokenLifetime,
    access_token_reuse: entity.accessTokenReuse ?? 0,
    refresh_token_lifetime: entity.refreshTokenLifetime,
    refresh_token_idle_lifetime: entity.refreshTokenIdleLifetime,
    require_pkce: Boolean(entity.requirePkce),
    require_pushed_authorization_requests: Boolean(entity.requirePushedAuthorizationRequests),
    id_token_signed_response_alg: entity.idTokenSignedResponseAlg as ClientMetadata['id_token_signed_response_alg'],
    subject_type: entity.subjectType as SubjectType,
    skip_consent: Boolean(entity.skipConsent),
    password_grant_sunset: entity.passwordGrantSunset === null ? null : new Date(entity.passwordGrantSunset).toISOString(),
    enabled: Boolean(entity.enabled),
  };
}

export type ClientColumns = Omit<ClientEntity, 'id' | 'clientId' | 'tokenGeneration' | 'version' | 'createdAt' | 'updatedAt'>;

export function columnsOf(clientId: string, metadata: ClientMetadata): ClientColumns {
  return {
    // Some letters become two in lower case.
    searchText: `${clientId} ${metadata.client_name}`.toLowerCase().slice(0, 512),
    clientName: metadata.client_name,
    tokenEndpointAuthMethod: metadata.token_endpoint_auth_method,
    grantTypes: metadata.grant_types,
    legacyGrants: LEGACY_GRANT_TYPES.filter((grantType) => metadata.grant_types.includes(grantType)).join(' ') || null,
    responseTypes: metadata.response_types,
    redirectUris: metadata.redirect_uris,
    postLogoutRedirectUris: metadata.post_logout_redirect_uris,
    backchannelLogoutUri: metadata.backchannel_logout_uri,
    backchannelLogoutSessionRequired: metadata.backchannel_logout_session_required,
    scope: metadata.scope,
    defaultScope: metadata.default_scope,
    resources: metadata.resources,
    accessTokenFormat: metadata.access_token_format,
    accessTokenLifetime: metadata.access_token_lifetime,
    accessTokenReuse: metadata.access_token_reuse,
    refreshTokenLifetime: metadata.refresh_token_lifetime,
    refreshTokenIdleLifetime: metadata.refresh_token_idle_lifetime,
    requirePkce: metadata.require_pkce,
    requirePushedAuthorizationRequests: metadata.require_pushed_authorization_requests,
    idTokenSignedResponseAlg: metadata.id_token_signed_response_alg,
    subjectType: metadata.subject_type,
    skipConsent: metadata.skip_consent,
    passwordGrantSunset: metadata.password_grant_sunset === null ? null : (parseRfc3339(metadata.password_grant_sunset) ?? null),
    enabled: metadata.enabled,
  };
}
