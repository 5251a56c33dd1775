import { STATE } from './authorization-url.js';
import { formAction, hiddenFields, type PageAnswer } from './browser.js';

/** What a client is told by way of the browser. */
export interface ClientAnswer {
  mode: 'query' | 'fragment' | 'form_post';
  /** The redirect URI as it was called, without what was added. */
  redirectUri: string;
  params: Record<string, string>;
}

/** Reads the answer to the client out of a redirect, or out of the page that posts it (OAuth 2.0 Form Post Response Mode). */
export function clientAnswer(answer: PageAnswer): ClientAnswer {
  const location = answer.headers.get('location');
  if (location === null && answer.status === 200 && answer.text.includes('<script>')) return { mode: 'form_post', redirectUri: formAction(answer), params: hiddenFields(answer.text) };
  if (location === null || answer.status !== 303) throw new Error(`no answer to a client: ${answer.status} ${answer.text.slice(0, 500)}`);
  const [redirectUri = '', encoded = ''] = location.split(/[?#](.*)/s);
  return { mode: location.includes('#') ? 'fragment' : 'query', redirectUri, params: Object.fromEntries(new URLSearchParams(encoded)) };
}

/** Asserts that the client is told of an error (RFC 6749 §4.1.2.1, RFC 9207 §2), and of nothing else. */
export function expectRefusal(answer: PageAnswer, error: string, { issuer }: { issuer: string }, { state = STATE, mode = 'query' }: { state?: string | null; mode?: ClientAnswer['mode'] } = {}): void {
  const { error_description: description, ...params } = clientAnswer(answer).params;
  expect({ params, mode: clientAnswer(answer).mode }).toEqual({ params: { error, iss: issuer, ...(state === null ? {} : { state }) }, mode });
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
