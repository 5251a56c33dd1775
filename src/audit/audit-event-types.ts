/** `change`: a row in the transaction of the change, one for each. `observation`: written behind, and equal ones are one row that says how many they were. */
type AuditKind = 'change' | 'observation';
export type AuditResult = 'success' | 'failure';
type Described = readonly [kind: AuditKind, result: AuditResult, meaning: string];

const described = <const T extends Readonly<Record<string, Described>>>(types: T): T => types;

/** Everything that is audited, as `<what>.<what happened>`. `docs/reference/audit-events.md` is generated from it. */
export const AUDIT_EVENTS = described({
  'server.started': ['observation', 'success', 'A process of the server is ready. `version`, `pid`.'],
  'server.stopped': ['observation', 'success', 'A process of the server ends in good order; one that crashed leaves none. `version`, `pid`.'],
  'database.migrated': ['change', 'success', 'A start changed the tables. `migrations`: their names.'],

  'client.created': ['change', 'success', 'A client was made; without an actor, the first admin client by the server itself. `added`: what it has of scope, grant types, URIs and its method of authentication; `legacy_grants` where it may use any.'],
  'client.updated': ['change', 'success', 'A client was changed. `changed`: names of its members; `added` and `removed`: their values, of all but the name; `legacy_grants` where these changed.'],
  'client.deleted': ['change', 'success', 'A client was deleted, and all that it held is void.'],
  'client.tokens_revoked': ['change', 'success', 'Everything that a client held was made invalid.'],
  'client.authentication_failed': ['observation', 'failure', 'A client did not prove who it is. `reason`: `unknown_client` (what was given for its id is not kept: it may be a secret), `disabled_client`, `method_not_registered`, `wrong_secret`, `expired_secret`; `method`.'],
  'client_secret.created': ['change', 'success', 'A client got a secret. `secret_id`; `expired`: the ids of older secrets that this ended, or gave an end.'],
  'client_secret.deleted': ['change', 'success', 'A client lost a secret: an admin deleted it, or made the client public. `secret_id`.'],

  'user.created': ['change', 'success', 'A user was made. `added`: the roles.'],
  'user.updated': ['change', 'success', 'A user was changed. `changed`: names of the members; `added` and `removed`: the values of `roles`, `enabled` and `email_verified`.'],
  'user.deleted': ['change', 'success', 'A user was deleted.'],
  'user.password_set': ['change', 'success', 'A password was set: by an admin, or by the user herself at the account page, who is then the actor.'],
  'user.unlocked': ['change', 'success', 'The wrong passwords that were tried were forgotten.'],
  'user.signed_out': ['change', 'success', 'A user was signed out everywhere.'],
  'user.signed_in': ['observation', 'success', 'A password was right, at a page or by the password grant, whose client is the actor then. `purpose`: `sign_in` or `password_change`.'],
  'user.sign_in_failed': ['observation', 'failure', 'A password was refused. `reason`: `unknown_user` (what was typed is not kept: it may be a password), `wrong_password`, `no_password`, `disabled_user`, `throttled`; `purpose`.'],
  'user.login_throttled': ['change', 'failure', 'Too many wrong passwords: no more are looked at for a while. `limit`: `account`, `account_and_address` or `address`.'],

  'session.begun': ['observation', 'success', 'A browser was signed in. `session_id`.'],
  'session.ended': ['change', 'success', 'A session was ended by its user, by an admin or by a client; one with `family_id` in place of `session_id` tells of tokens that ended with it. Sessions that run out leave none.'],
  'client.signed_out': ['change', 'success', 'A client asked to end a session that is not the one of the browser. Its own tokens of that session ended, and nothing else. `family_id`.'],
  'logout.backchannel_failed': ['change', 'failure', 'A client was not told of the end of a session. `reason`: what the last attempt came to, or `expired` when nobody could try within a day.'],

  'consent.given': ['change', 'success', 'A user allowed a client what it asked for. `scope`.'],
  'consent.refused': ['observation', 'failure', 'A user did not allow a client what it asked for.'],
  'consent.revoked': ['change', 'success', 'A user, or an admin for her, took back what a client was allowed; one with `family_id` tells of tokens that ended with it.'],

  'authorization.granted': ['observation', 'success', 'A client got its first tokens for a user. `grant_type`, `scope`, `family_id` where they can be revoked together. Refreshed tokens, and tokens that clients get for themselves, are counted and not audited.'],
  'token.refused': ['observation', 'failure', 'A client that is authenticated was refused tokens. `error`: `invalid_grant`, `unauthorized_client` or `invalid_client`; `reason`.'],
  'token.revoked': ['change', 'success', 'An access token was revoked. `jti`.'],
  'refresh_token.revoked': ['change', 'success', 'A client ended an authorization by its refresh token. `family_id`.'],
  'refresh_token.reused': ['change', 'failure', 'A refresh token came that had been replaced: a sign of theft. All that came of the authorization was ended. `family_id`.'],
  'authorization_code.replayed': ['change', 'failure', 'An authorization code came a second time after its answer had left, with all that its client sends with it: a sign of theft. All that came of the first use was ended. `family_id`.'],

  'resource.created': ['change', 'success', 'A protected resource was made. `resource_id`, `identifier`; `added`: its scopes, with the roles that they require, and its resource servers.'],
  'resource.updated': ['change', 'success', 'A protected resource was changed. `resource_id`, `changed`: names of its members; `added` and `removed`: their values, of all but the name.'],
  'resource.deleted': ['change', 'success', 'A protected resource was deleted. `resource_id`, `identifier`.'],

  'signing_key.created': ['change', 'success', 'The server made a signing key. `alg`, `kid`, `status`.'],
  'signing_key.rotated': ['change', 'success', 'The next key signs from now on; without an actor, by schedule. `alg`, and the `kid` of what is `retired`, `active` and `next`.'],
  'key_encryption_key.rewrapped': ['change', 'success', 'Values in the database were encrypted under the `KEY_ENCRYPTION_KEY` of now. `values`: how many.'],
  'signing_key.deleted': ['change', 'success', 'A key was taken out of the JWKS, and with it all that it had signed. `alg`, `kid`, `status`.'],

  'admin.request_refused': ['observation', 'failure', 'A request to the admin API was answered 401 or 403; one without a token is only counted (`mintgate_admin_requests_without_token_total`). `status`, `reason`, `method`, `route`.'],
  'rate_limit.exceeded': ['observation', 'failure', 'A caller reached a limit on requests. `limit`: its name.'],
  'audit.exported': ['change', 'success', 'Events were read by the export. `filters`: names of the parameters; `after`.'],
  'audit.expired': ['observation', 'success', 'Events that were older than `AUDIT_RETENTION_DAYS` were deleted: as many as `rows`, times `count`.'],
});

export type AuditEventType = keyof typeof AUDIT_EVENTS;

type OfKind<K extends AuditKind> = { [T in AuditEventType]: (typeof AUDIT_EVENTS)[T][0] extends K ? T : never }[AuditEventType];
export type Change = OfKind<'change'>;
export type Observation = OfKind<'observation'>;

export const AUDIT_EVENT_TYPES = Object.keys(AUDIT_EVENTS) as readonly AuditEventType[];
