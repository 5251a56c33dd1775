import type { ServerResponse } from 'node:http';
import { endWith } from './whole-response.js';

type Headers = Readonly<Record<string, string>>;

/**
 * Writes a whole JSON answer in one go, with its length: no ETag, no character-set negotiation, no second write. Against Express'
 * `res.json` this saves about a tenth of the time of a token request.
 * @param more a second object, since to spread the spread of two costs a microsecond
 */
export function sendJson(res: ServerResponse, status: number, body: unknown, headers: Headers = NO_STORE, more?: Headers): void {
  sendText(res, status, JSON.stringify(body), headers, more);
}

/** As {@link sendJson}, for text that is already serialised; what type it is, `headers` may say. */
export function sendText(res: ServerResponse, status: number, text: string, headers: Headers, more?: Headers): void {
  const length = Buffer.byteLength(text);
  // A list, which Node writes as it is, where it would look an object's members up once more.
  const list: (string | number)[] = headers['Content-Type'] === undefined ? ['Content-Type', 'application/json', 'Content-Length', length] : ['Content-Length', length];
  for (const name in headers) list.push(name, headers[name]);
  for (const name in more) list.push(name, more[name]);
  res.writeHead(status, list as string[]);
  if (length === text.length) endWith(res, text);
  else res.end(text);
}

/** RFC 6749 §5.1: neither tokens nor errors about them are kept by any cache. */
export const NO_STORE: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
  'X-Content-Type-Options': 'nosniff',
};
