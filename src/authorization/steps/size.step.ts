import { invalidRequest } from '../../common/oauth/oauth-error.js';
import type { StepInput } from './step.js';

/** What one request may take up in the database. */
const MAX_BYTES = 16_384;
/** What of that the client may fill with texts of its own (RFC 9126 §2.3). */
const MAX_TEXT_BYTES = 4_096;
const TEXTS = ['state', 'nonce', 'claims', 'login_hint', 'ui_locales', 'acr_values', 'display'] as const;

const bytesOf = (value: object | string): number => Buffer.byteLength(JSON.stringify(value));

/**
 * Refuses a state that could not be given back: proxies and HTTP clients take response headers of a few KiB.
 * @throws {OAuthError} `invalid_request`, for a page
 */
export function checkState(state: string): void {
  if (bytesOf(state) > MAX_TEXT_BYTES) throw invalidRequest('The state is too long.');
}

/**
 * Bounds a request by what is stored: a pushed one as it was sent, one that waits for its user as it was read. As JSON it
 * can be six times as long as in the form that it comes from, and anybody can send one.
 */
export function size({ params, request }: StepInput): Record<string, never> {
  const texts = TEXTS.map((name) => params[name] ?? '');
  if (bytesOf(texts) > MAX_TEXT_BYTES) throw invalidRequest('The state, nonce, claims and hints are too long in all.');
  if (Math.max(bytesOf(params), bytesOf(request)) > MAX_BYTES) throw invalidRequest('The request is too long.');
  return {};
}
