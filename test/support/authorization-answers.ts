import { CALLBACK, STATE } from './authorization-url.js';
import { formAction, hiddenFields, type PageAnswer } from './browser.js';

/** What a client is told by way of the browser. */
export interface ClientAnswer {
  mode: 'query' | 'fragment' | 'form_post';
  params: Record<string, string>;
}

export interface Expected {
  /** `null`: none. */
  state?: string | null;
  mode?: ClientAnswer['mode'];
  redirectUri?: string;
}

/** Reads the answer to the client out of a redirect, or out of the page that posts it (OAuth 2.0 Form Post Response Mode). Byte by byte it goes to that redirect URI. */
export function clientAnswer(answer: PageAnswer, redirectUri = CALLBACK): ClientAnswer {
  const location = answer.headers.get('location');
  if (location === null && answer.status === 200 && answer.text.includes('<script>') && formAction(answer) === redirectUri) return { mode: 'form_post', params: hiddenFields(answer.text) };
  if (answer.status !== 303 || !location?.startsWith(redirectUri)) throw new Error(`no answer to ${redirectUri}: ${answer.status} ${location} ${answer.text.slice(0, 500)}`);
  const added = location.slice(redirectUri.length);
  if (added[0] !== '#' && added[0] !== (redirectUri.includes('?') ? '&' : '?')) throw new Error(`not added to the redirect URI: ${location}`);
  return { mode: added[0] === '#' ? 'fragment' : 'query', params: Object.fromEntries(new URLSearchParams(added.slice(1))) };
}

/** Asserts that the client is told of an error (RFC 6749 §4.1.2.1, RFC 9207 §2), and of nothing else. */
export function expectRefusal(answer: PageAnswer, error: string, { issuer }: { issuer: string }, { state = STATE, mode = 'query', redirectUri }: Expected = {}): void {
  const { mode: sentBy, params } = clientAnswer(answer, redirectUri);
  const { error_description: description, ...rest } = params;
  expect({ params: rest, mode: sentBy }).toEqual({ params: { error, iss: issuer, ...(state === null ? {} : { state }) }, mode });
  expect(description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
}

/** Asserts that an error stays with the user: a page that leads nowhere, can be framed by nobody and is kept by no cache. */
export function expectErrorPage(answer: PageAnswer, status = 400): void {
  expect({ status: answer.status, location: answer.headers.get('location'), text: answer.text }).toEqual({ status, location: null, text: answer.text });
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(answer.headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
  expect(answer.headers.get('content-security-policy')).not.toMatch(/script-src|https?:/);
  expect(Object.fromEntries(['cache-control', 'x-frame-options', 'x-content-type-options', 'referrer-policy', 'refresh'].map((name) => [name, answer.headers.get(name)]))).toEqual({
    'cache-control': 'no-store', 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', refresh: null,
  });
  expect(answer.text).not.toMatch(/<form|<script|http-equiv|href="https?:|\bat .+:\d+:\d+|node_modules|SELECT |INSERT |SQLITE|ER_[A-Z]/);
}

/** Asserts that nothing was wrong with the request: the user is asked. */
export function expectPage(answer: PageAnswer, page: 'login' | 'consent'): void {
  expect({ status: answer.status, location: answer.headers.get('location'), text: answer.text }).toEqual({ status: 200, location: null, text: answer.text });
  expect(answer.text).toMatch(page === 'login' ? /<input[^>]*name="password"/ : /<button[^>]*value="allow"/);
}
