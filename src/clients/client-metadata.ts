import { type ProblemPointer, pointer } from '../common/http/problem.js';
import { redirectUriProblem } from '../common/oauth/redirect-uri.js';
import { resourceIdentifierProblem } from '../common/oauth/resource-identifier.js';
import { parseScope } from '../common/oauth/scope.js';
import { outboundUriProblem } from '../common/outbound/outbound-uri.js';
import { parseRfc3339 } from '../common/time/rfc3339.js';
import type { ClientEntity } from './client.entity.js';
import { redirectHosts } from './sector-identifier.js';

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

/** What a list may take up as a whole, well within a column of the database. */
const MAX_LIST_LENGTH = 50_000;

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

/**
 * Finds what breaks a rule in well-typed metadata.
 * @param outboundAllowedHosts of the server's configuration
 * @param before of a client that exists: a URI that it has already may stay, although the rules have changed since
 */
export function clientMetadataProblems(metadata: ClientMetadata, outboundAllowedHosts: readonly string[], before?: ClientMetadata): ProblemPointer[] {
  return [
    ...uriProblems('redirect_uris', metadata),
    ...uriProblems('post_logout_redirect_uris', metadata),
    ...(metadata.backchannel_logout_uri === before?.backchannel_logout_uri ? [] : logoutProblems(metadata, outboundAllowedHosts)),
    ...grantProblems(metadata),
    ...scopeProblems(metadata),
    ...resourceProblems(metadata),
    ...subjectProblems(metadata),
    ...timeProblems(metadata),
  ];
}

function uriProblems(field: 'redirect_uris' | 'post_logout_redirect_uris', metadata: ClientMetadata): ProblemPointer[] {
  const uris = metadata[field];
  if (JSON.stringify(uris).length > MAX_LIST_LENGTH) return [{ pointer: pointer(field), detail: `is longer than ${MAX_LIST_LENGTH} characters in all` }];
  return uris.flatMap((uri, index) => {
    const problem = uris.indexOf(uri) < index ? 'is given twice' : redirectUriProblem(uri);
    return problem ? [{ pointer: pointer(field, index), detail: problem }] : [];
  });
}

function logoutProblems({ backchannel_logout_uri: uri }: ClientMetadata, outboundAllowedHosts: readonly string[]): ProblemPointer[] {
  const problem = uri === null ? undefined : outboundUriProblem(uri, outboundAllowedHosts);
  return problem === undefined ? [] : [{ pointer: '/backchannel_logout_uri', detail: problem }];
}

function grantProblems({ grant_types: grants, response_types: responses, redirect_uris: uris, ...metadata }: ClientMetadata): ProblemPointer[] {
  const problems: ProblemPointer[] = [];
  const isPublic = metadata.token_endpoint_auth_method === 'none';
  grants.forEach((grant, index) => {
    if (grants.indexOf(grant) < index) problems.push({ pointer: pointer('grant_types', index), detail: 'is given twice' });
    // RFC 6749 §4.4: the client credentials grant MUST only be used by confidential clients.
    if (grant === 'client_credentials' && isPublic) problems.push({ pointer: pointer('grant_types', index), detail: 'client_credentials needs a client that authenticates: token_endpoint_auth_method may not be none' });
    if ((grant === 'authorization_code' || grant === 'implicit') && uris.length === 0) problems.push({ pointer: '/redirect_uris', detail: `${grant} needs at least one redirect URI` });
  });
  responses.forEach((response, index) => {
    const needed = response === 'code' ? 'authorization_code' : 'implicit';
    if (responses.indexOf(response) < index) problems.push({ pointer: pointer('response_types', index), detail: 'is given twice' });
    if (!grants.includes(needed)) problems.push({ pointer: pointer('response_types', index), detail: `needs ${needed} among grant_types` });
  });
  if (!metadata.require_pkce && isPublic) problems.push({ pointer: '/require_pkce', detail: 'may be false only for a client that authenticates' });
  return problems;
}

function scopeProblems({ scope, default_scope: defaultScope }: ClientMetadata): ProblemPointer[] {
  const detail = 'must be scope tokens separated by single spaces (RFC 6749 section 3.3)';
  const tokens = parseScope(scope);
  if (!tokens) return [{ pointer: '/scope', detail }];
  const defaults = parseScope(defaultScope ?? '');
  if (!defaults) return [{ pointer: '/default_scope', detail }];
  return defaults.every((token) => tokens.includes(token)) ? [] : [{ pointer: '/default_scope', detail: 'holds a scope that is not in scope' }];
}

/** Whether there is such a resource is not asked: it may be registered after its clients. */
function resourceProblems({ resources }: ClientMetadata): ProblemPointer[] {
  return resources.flatMap((identifier, index) => {
    const twice = resources.indexOf(identifier) < index;
    const problem = twice ? 'is given twice' : resourceIdentifierProblem(identifier);
    return problem === undefined ? [] : [{ pointer: pointer('resources', index), detail: problem }];
  });
}

/** OIDC Core §8.1: with redirect URIs of several hosts and no `sector_identifier_uri`, which this server does not read, nothing says for whom subjects are made. */
function subjectProblems({ subject_type: subjectType, redirect_uris: uris }: ClientMetadata): ProblemPointer[] {
  return subjectType === 'pairwise' && redirectHosts(uris).length > 1 ? [{ pointer: '/subject_type', detail: 'may be pairwise only with redirect URIs of one host' }] : [];
}

function timeProblems({ access_token_lifetime: lifetime, access_token_reuse: reuse, refresh_token_lifetime: absolute, refresh_token_idle_lifetime: idle, password_grant_sunset: sunset }: ClientMetadata): ProblemPointer[] {
  const problems: ProblemPointer[] = [];
  if (reuse >= lifetime) problems.push({ pointer: '/access_token_reuse', detail: 'must be shorter than access_token_lifetime' });
  if (idle > absolute) problems.push({ pointer: '/refresh_token_idle_lifetime', detail: 'may not be longer than refresh_token_lifetime' });
  if (sunset !== null && parseRfc3339(sunset) === undefined) problems.push({ pointer: '/password_grant_sunset', detail: 'must be a time such as 2026-11-23T14:00:00Z' });
  return problems;
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
