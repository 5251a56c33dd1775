import type { ServerResponse } from 'node:http';

type Headers = Readonly<Record<string, string>>;

/**
 * Writes a whole JSON answer in one go, with its length: no ETag, no character-set negotiation, no second write. Against Express'
 * `res.json` this saves about a tenth of the time of a token request.
 * @param more a second object, since to spread the spread of two costs a microsecond
 */
export function sendJson(res: ServerResponse, status: number, body: unknown, headers: Headers = NO_STORE, more?: Headers): void {
  sendText(res, status, JSON.stringify(body), headers, more);
}

/** As {@link sendJson}, for text that is already serialised. */
export function sendText(res: ServerResponse, status: number, text: string, headers: Headers, more?: Headers): void {
  res.writeHead(status, { 'Content-Type': 'application/json', ...headers, ...more, 'Content-Length': Buffer.byteLength(text) });
  res.end(text);
}

/** RFC 6749 §5.1: neither tokens nor errors about them are kept by any cache. */
export const NO_STORE: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
  'X-Content-Type-Options': 'nosniff',
};
