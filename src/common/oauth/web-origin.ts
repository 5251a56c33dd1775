import { isLoopbackHost } from './redirect-uri.js';

/** The length of the column that holds one. */
const MAX_LENGTH = 255;

/** Whether an `Origin` header may be that of a web application of ours. `null`, which any sandboxed frame can send, and lists are not (RFC 6454 §7). */
export const isWebOrigin = (header: string): boolean => header.length <= MAX_LENGTH && /^https?:\/\/[\x21-\x2e\x30-\x7e]+$/.test(header);

/**
 * The origins, each once and as browsers write them, of those URIs to which a web application can be redirected: https, and http on a loopback
 * address. URIs of native apps have none (RFC 8252 §7.1).
 * @param redirectUris as they are registered
 */
export function webOriginsOf(redirectUris: readonly string[]): string[] {
  const urls = redirectUris.filter((uri) => URL.canParse(uri)).map((uri) => new URL(uri));
  const ofPages = urls.filter(({ protocol, hostname }) => protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname)));
  return [...new Set(ofPages.map(({ origin }) => origin))].filter(isWebOrigin);
}
