import { describeInitial, describeChanges, single, words } from '../audit/described-changes.js';
import type { ClientMetadata } from './client-metadata.js';

/** All but the name, which somebody chose: they say what a client may do, and where its users and tokens go. */
const VALUES = {
  token_endpoint_auth_method: (client: ClientMetadata) => single(client.token_endpoint_auth_method),
  grant_types: (client: ClientMetadata) => client.grant_types,
  response_types: (client: ClientMetadata) => client.response_types,
  redirect_uris: (client: ClientMetadata) => client.redirect_uris,
  post_logout_redirect_uris: (client: ClientMetadata) => client.post_logout_redirect_uris,
  backchannel_logout_uri: (client: ClientMetadata) => single(client.backchannel_logout_uri),
  scope: (client: ClientMetadata) => words(client.scope),
  default_scope: (client: ClientMetadata) => words(client.default_scope),
  resources: (client: ClientMetadata) => client.resources,
  access_token_format: (client: ClientMetadata) => single(client.access_token_format),
  access_token_lifetime: (client: ClientMetadata) => single(client.access_token_lifetime),
  access_token_reuse: (client: ClientMetadata) => single(client.access_token_reuse),
  refresh_token_lifetime: (client: ClientMetadata) => single(client.refresh_token_lifetime),
  refresh_token_idle_lifetime: (client: ClientMetadata) => single(client.refresh_token_idle_lifetime),
  require_pkce: (client: ClientMetadata) => single(client.require_pkce),
  require_pushed_authorization_requests: (client: ClientMetadata) => single(client.require_pushed_authorization_requests),
  id_token_signed_response_alg: (client: ClientMetadata) => single(client.id_token_signed_response_alg),
  subject_type: (client: ClientMetadata) => single(client.subject_type),
  skip_consent: (client: ClientMetadata) => single(client.skip_consent),
  password_grant_sunset: (client: ClientMetadata) => single(client.password_grant_sunset),
  enabled: (client: ClientMetadata) => single(client.enabled),
};

/** Of a new client; what it has by default is known. */
const INITIAL_VALUES = {
  token_endpoint_auth_method: VALUES.token_endpoint_auth_method,
  grant_types: VALUES.grant_types,
  redirect_uris: VALUES.redirect_uris,
  post_logout_redirect_uris: VALUES.post_logout_redirect_uris,
  backchannel_logout_uri: VALUES.backchannel_logout_uri,
  scope: VALUES.scope,
  resources: VALUES.resources,
};

export const describeClientChanges = (before: ClientMetadata, after: ClientMetadata) => describeChanges(before, after, VALUES);

export const describeNewClient = (client: ClientMetadata) => describeInitial(client, INITIAL_VALUES);
