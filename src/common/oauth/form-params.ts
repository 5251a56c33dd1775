import { invalidRequest } from './oauth-error.js';

/** The single-valued parameters that the endpoints for clients read: token, introspection, revocation. Others are ignored (RFC 6749 §3.2). */
const CLIENT_REQUEST = [
  'grant_type', 'client_id', 'client_secret', 'client_assertion', 'client_assertion_type', 'scope', 'username', 'password', 'refresh_token', 'token', 'token_type_hint',
  'code', 'redirect_uri', 'code_verifier',
] as const;

/** Those of an authorization request: RFC 6749 §4.1.1, RFC 7636 §4.3, OpenID Connect Core §3.1.2.1, §5.5, §6 and §7.2.1. Others are ignored (RFC 6749 §3.1). */
const AUTHORIZATION_REQUEST = [
  'response_type', 'client_id', 'redirect_uri', 'scope', 'state', 'response_mode', 'nonce', 'display', 'prompt', 'max_age', 'ui_locales', 'id_token_hint', 'login_hint', 'acr_values',
  'claims', 'request', 'request_uri', 'registration', 'code_challenge', 'code_challenge_method',
] as const;

/** Those of a pushed authorization request: the client authenticates as at the token endpoint (RFC 9126 §2.1). */
const PUSHED_AUTHORIZATION_REQUEST = [...AUTHORIZATION_REQUEST, 'client_secret', 'client_assertion', 'client_assertion_type'] as const;

/** The fields of our own pages. */
const PAGE_FORM = ['csrf_token', 'decision', 'username', 'password', 'session_id', 'client_id', 'asked', 'current_password', 'new_password', 'new_password_repeat'] as const;

/** RFC 6750 §2.2. */
const BEARER_FORM = ['access_token'] as const;

/** OpenID Connect RP-Initiated Logout 1.0 §2, and those of our own: a ticket in the place of the ID token, and fields of the page. */
const LOGOUT_REQUEST = [
  'id_token_hint', 'logout_hint', 'client_id', 'post_logout_redirect_uri', 'state', 'ui_locales', 'logout_ticket', 'csrf_token', 'decision',
] as const;

/** May be repeated, in every request (RFC 8707 §2). */
const MULTI_VALUED = ['resource'] as const;

type Params<Single extends string> = { readonly [P in Single]?: string } & { readonly [P in (typeof MULTI_VALUED)[number]]?: readonly string[] };

/** The parameters of one request: decoded, none empty, none repeated but those that may be. */
export type FormParams = Params<(typeof CLIENT_REQUEST)[number]>;

/** As {@link FormParams}, of an authorization request. */
export type AuthorizationParams = Params<(typeof AUTHORIZATION_REQUEST)[number]>;

/** As {@link FormParams}, of a pushed authorization request. */
export type PushedAuthorizationParams = Params<(typeof PUSHED_AUTHORIZATION_REQUEST)[number]>;

/** As {@link FormParams}, of a form of our own pages. */
export type PageForm = Params<(typeof PAGE_FORM)[number]>;

/** As {@link FormParams}, of a logout request or of the form that confirms it. */
export type LogoutParams = Params<(typeof LOGOUT_REQUEST)[number]>;

/** An authorization request as it arrived. */
export interface AuthorizationForm {
  params: AuthorizationParams;
  /** Single-valued parameters that were sent more than once. Which of their values is meant cannot be known, so `params` has none. */
  repeated: ReadonlySet<string>;
}

interface Parameter {
  readonly name: string;
  readonly kind: 'single' | 'multi';
}

/** By name. The name in the value is the one to write by: V8 has it in its table of names, in which it would have to look for one that was cut from a text. */
type Grammar = ReadonlyMap<string, Parameter>;
type ParamRecord = Record<string, string | string[]>;

const MAX_PARAMETERS = 100;
const CLIENT_GRAMMAR = grammarOf(CLIENT_REQUEST);
const AUTHORIZATION_GRAMMAR = grammarOf(AUTHORIZATION_REQUEST);
const PUSHED_AUTHORIZATION_GRAMMAR = grammarOf(PUSHED_AUTHORIZATION_REQUEST);
const PAGE_GRAMMAR = grammarOf(PAGE_FORM);
const BEARER_GRAMMAR = grammarOf(BEARER_FORM);
const LOGOUT_GRAMMAR = grammarOf(LOGOUT_REQUEST);
const PROTOTYPE_MEMBERS: ReadonlySet<string> = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype']);

/**
 * Reads `application/x-www-form-urlencoded` as RFC 6749 Appendix B means it: flat, UTF-8, an empty value is an absent one (§3.2), a repeated
 * parameter is an error, and so is a nested spelling (`scope[]`, `client_id[x]`) of one that we know.
 *
 * @throws {OAuthError} `invalid_request`, 413 when there are more than 100 parameters
 */
export function parseForm(body: string): FormParams {
  return parse(body, CLIENT_GRAMMAR, undefined);
}

/** As {@link parseForm}, for a pushed authorization request (RFC 9126 §2.1). */
export function parsePushedAuthorizationForm(body: string): PushedAuthorizationParams {
  return parse(body, PUSHED_AUTHORIZATION_GRAMMAR, undefined);
}

/** What of a pushed request is the authorization request, and not the client's authentication. */
export function withoutCredentials(params: PushedAuthorizationParams): AuthorizationParams {
  return Object.fromEntries(Object.entries(params).filter(([name]) => AUTHORIZATION_GRAMMAR.has(name)));
}

/** As {@link parseForm}, for a token in a form (RFC 6750 §2.2). */
export function parseBearerForm(body: string): { readonly access_token?: string } {
  return parse(body, BEARER_GRAMMAR, undefined);
}

/** As {@link parseForm}, for a logout request. */
export function parseLogoutForm(text: string): LogoutParams {
  return parse(text, LOGOUT_GRAMMAR, undefined);
}

/** As {@link parseForm}, for a form of our own pages. */
export function parsePageForm(body: string): PageForm {
  return parse(body, PAGE_GRAMMAR, undefined);
}

/**
 * As {@link parseForm}, for the query or the body of a request to the authorization endpoint, but that a repeated parameter is only told: whether the user
 * or the client is to hear of it depends on which one it is (RFC 6749 §4.1.2.1).
 */
export function parseAuthorizationForm(text: string): AuthorizationForm {
  const repeated = new Set<string>();
  const params = parse(text, AUTHORIZATION_GRAMMAR, repeated);
  for (const name of repeated) delete params[name];
  return { params, repeated };
}

function grammarOf(singleValued: readonly string[]): Grammar {
  const parameters: Parameter[] = [...singleValued.map((name) => ({ name, kind: 'single' as const })), ...MULTI_VALUED.map((name) => ({ name, kind: 'multi' as const }))];
  return new Map(parameters.map((parameter) => [parameter.name, parameter]));
}

/** @param repeated takes the names of repeated parameters; where it is missing, one is an error */
function parse(text: string, grammar: Grammar, repeated: Set<string> | undefined): ParamRecord {
  // As `Object.create(null)`, but that makes a hash table: this and the names below are worth a tenth of a token request.
  const params = Object.setPrototypeOf({}, null) as ParamRecord;
  let count = 0;
  for (let start = 0; start <= text.length; ) {
    let end = text.indexOf('&', start);
    if (end < 0) end = text.length;
    if (end > start) {
      if (++count > MAX_PARAMETERS) throw invalidRequest('The request has too many parameters.', 413);
      const equals = text.indexOf('=', start);
      const split = equals < 0 || equals > end ? end : equals;
      add(params, grammar, repeated, decode(text.slice(start, split)), decode(text.slice(split + 1, end)));
    }
    start = end + 1;
  }
  for (const name in params) if (params[name] === '') delete params[name];
  return params;
}

function add(params: ParamRecord, grammar: Grammar, repeated: Set<string> | undefined, sent: string, value: string): void {
  const parameter = grammar.get(sent);
  if (!parameter) return refuseNested(sent, grammar);
  const { name, kind } = parameter;
  if (kind === 'single') {
    if (params[name] === undefined) params[name] = value;
    else if (repeated) repeated.add(name);
    else throw invalidRequest('A parameter is repeated.');
  } else if (value !== '') ((params[name] ??= []) as string[]).push(value);
}

function refuseNested(name: string, grammar: Grammar): void {
  const bracket = name.indexOf('[');
  if (bracket < 0) return;
  const base = name.slice(0, bracket);
  if (grammar.has(base) || PROTOTYPE_MEMBERS.has(base)) throw invalidRequest('Parameters cannot be nested.');
}

/** @throws {OAuthError} for a broken percent-escape, an escape that is not UTF-8, or a NUL */
export function formDecode(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    throw invalidRequest('The request is not encoded as UTF-8 in application/x-www-form-urlencoded.');
  }
}

function decode(text: string): string {
  const decoded = formDecode(text);
  if (decoded.includes('\0')) throw invalidRequest('A parameter holds a character that is not allowed.');
  return decoded;
}
