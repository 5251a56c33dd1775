import type { ResponseTarget } from './authorization-request.js';

/** What goes to the client through the browser. */
export interface AuthorizationAnswer {
  readonly target: ResponseTarget;
  /** RFC 6749 §4.1.2 and §4.2.2, with `iss` (RFC 9207 §2). */
  readonly params: Readonly<Record<string, string>>;
}

/** The redirect that an answer is, except for `form_post`. */
export function locationOf({ target: { redirectUri, responseMode }, params }: AuthorizationAnswer): string {
  const encoded = new URLSearchParams(params).toString();
  if (responseMode === 'fragment') return `${redirectUri}#${encoded}`;
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${encoded}`;
}
