import { field } from './fields.js';

/** Of the members of a client, all. */
export const CLIENT_FIELDS = [
  field('client_name', 'text', 'name; default: the client id'),
  field('token_endpoint_auth_method', 'text', 'client_secret_basic (default), client_secret_post, or none for a public client'),
  field('grant_types', 'list', 'what it may use; default: client_credentials'),
  field('response_types', 'list', 'default: what the grant types need'),
  field('redirect_uris', 'list', 'compared exactly'),
  field('post_logout_redirect_uris', 'list', 'where users may be sent after a logout'),
  field('backchannel_logout_uri', 'text', 'where logout tokens are sent'),
  field('backchannel_logout_session_required', 'boolean', 'whether it needs sid in them'),
  field('scope', 'text', 'all that it may ask for, separated by single spaces'),
  field('default_scope', 'text', 'what a request without scope gets; default: all of it'),
  field('resources', 'list', 'resources that it may name although it has none of their scopes'),
  field('access_token_format', 'text', 'jwt (default) or opaque'),
  field('access_token_lifetime', 'number', 'seconds; tokens for the admin API live for 900 at most'),
  field('access_token_reuse', 'number', 'seconds for which the client credentials grant hands out the same JWT again; default: 0, never'),
  field('refresh_token_lifetime', 'number', 'seconds from the sign-in to the end'),
  field('refresh_token_idle_lifetime', 'number', 'seconds without a refresh after which it ends'),
  field('require_pkce', 'boolean', 'false only for a client that authenticates'),
  field('require_pushed_authorization_requests', 'boolean', 'whether it must push its authorization requests (RFC 9126)'),
  field('id_token_signed_response_alg', 'text', 'RS256 (default), ES256, PS256 or EdDSA'),
  field('subject_type', 'text', 'public (default) or pairwise'),
  field('skip_consent', 'boolean', 'whether its users are never asked'),
  field('password_grant_sunset', 'text', 'the time after which the password grant is refused to it'),
  field('enabled', 'boolean', 'a disabled client gets no tokens, and those that it holds are dead'),
] as const;

/** Of the members of a user, all but the address, which has members of its own, and what is secret. */
export const USER_FIELDS = [
  field('username', 'text', 'compared without regard to case and width'),
  field('email', 'text', 'of one user at most'),
  field('email_verified', 'boolean', 'whether it is known to be hers'),
  field('name', 'text', 'full name'),
  field('roles', 'list', 'they decide which scopes her tokens may hold'),
  field('enabled', 'boolean', 'a disabled user cannot sign in, and what she holds is dead'),
  field('given_name', 'text', 'claim of OpenID Connect'),
  field('family_name', 'text', 'claim of OpenID Connect'),
  field('middle_name', 'text', 'claim of OpenID Connect'),
  field('nickname', 'text', 'claim of OpenID Connect'),
  field('profile', 'text', 'URL of her profile page'),
  field('picture', 'text', 'URL of her picture'),
  field('website', 'text', 'URL of her own pages'),
  field('gender', 'text', 'claim of OpenID Connect'),
  field('birthdate', 'text', 'YYYY-MM-DD, 0000-MM-DD or YYYY'),
  field('zoneinfo', 'text', 'time zone, such as Europe/Berlin'),
  field('locale', 'text', 'language, such as de-DE'),
  field('phone_number', 'text', 'in the form of E.164'),
  field('phone_number_verified', 'boolean', 'whether it is known to be hers'),
] as const;

/** Of the members of a protected resource, all but the scopes, which have members of their own. */
export const RESOURCE_FIELDS = [
  field('identifier', 'text', 'the audience of its tokens: an absolute URI'),
  field('name', 'text', 'default: the identifier'),
  field('resource_servers', 'list', 'client ids that may introspect its tokens'),
  field('access_token_format', 'text', 'jwt or opaque; default: the client decides'),
  field('access_token_lifetime', 'number', 'seconds, at most; default: the client decides'),
] as const;
