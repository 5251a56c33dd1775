import { invalidRequest } from './oauth-error.js';

/** Every single-valued parameter that an endpoint of ours reads from a form. Others are ignored (RFC 6749 §3.1, §3.2). */
const SINGLE_VALUED = ['grant_type', 'client_id', 'client_secret', 'client_assertion', 'client_assertion_type', 'scope', 'username', 'password', 'refresh_token', 'token', 'token_type_hint'] as const;

/** May be repeated (RFC 8707 §2). */
const MULTI_VALUED = ['resource'] as const;

type SingleValued = (typeof SINGLE_VALUED)[number];
type MultiValued = (typeof MULTI_VALUED)[number];

/** The parameters of one request: decoded, none empty, none repeated but those that may be. */
export type FormParams = { readonly [P in SingleValued]?: string } & { readonly [P in MultiValued]?: readonly string[] };

const MAX_PARAMETERS = 100;
const KINDS: ReadonlyMap<string, 'single' | 'multi'> = new Map([
  ...SINGLE_VALUED.map((name) => [name, 'single'] as const),
  ...MULTI_VALUED.map((name) => [name, 'multi'] as const),
]);
const PROTOTYPE_MEMBERS: ReadonlySet<string> = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype']);

/**
 * Reads `application/x-www-form-urlencoded` as RFC 6749 Appendix B means it: flat, UTF-8, an empty value is an absent one (§3.2), a repeated
 * parameter is an error, and so is a nested spelling (`scope[]`, `client_id[x]`) of one that we know.
 *
 * @throws {OAuthError} `invalid_request`, 413 when there are more than 100 parameters
 */
export function parseForm(body: string): FormParams {
  const params = Object.create(null) as Record<string, string | string[]>;
  let count = 0;
  for (let start = 0; start <= body.length; ) {
    let end = body.indexOf('&', start);
    if (end < 0) end = body.length;
    if (end > start) {
      if (++count > MAX_PARAMETERS) throw invalidRequest('The request has too many parameters.', 413);
      const equals = body.indexOf('=', start);
      const split = equals < 0 || equals > end ? end : equals;
      add(params, decode(body.slice(start, split)), decode(body.slice(split + 1, end)));
    }
    start = end + 1;
  }
  for (const name in params) if (params[name] === '') delete params[name];
  return params;
}

function add(params: Record<string, string | string[]>, name: string, value: string): void {
  const kind = KINDS.get(name);
  if (kind === 'single') {
    if (params[name] !== undefined) throw invalidRequest('A parameter is repeated.');
    params[name] = value;
  } else if (kind === 'multi') {
    if (value !== '') ((params[name] ??= []) as string[]).push(value);
  } else if (name.includes('[')) {
    const base = name.slice(0, name.indexOf('['));
    if (KINDS.has(base) || PROTOTYPE_MEMBERS.has(base)) throw invalidRequest('Parameters cannot be nested.');
  }
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
