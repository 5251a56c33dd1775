import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import type { Request } from 'express';

const INSTANCE = randomBytes(6).toString('base64url');
/** Not what looks like a token: an id is told everywhere. */
const HARMLESS_ID = /^(?!mg_|eyJ)[\w.:-]{1,64}$/;
let counter = 0;
const ids = new WeakMap<object, string>();

/**
 * The id under which this request is logged and audited: the caller's own `X-Request-Id` when it is harmless, else one of ours.
 * Made when it is first asked for, since most requests never need it.
 */
export function requestId(req: Request): string {
  let id = ids.get(req);
  if (id === undefined) {
    const given = req.headers['x-request-id'];
    id = typeof given === 'string' && HARMLESS_ID.test(given) ? given : `${INSTANCE}-${(++counter).toString(36)}`;
    ids.set(req, id);
  }
  return id;
}

/**
 * The caller's address: the socket's, or the one that trusted proxies vouch for (`TRUST_PROXY`). Some proxies add the port. What is no address
 * at all, which only a caller can have put there, is passed over.
 */
export function clientAddress(req: Request): string {
  return bareAddress(req.ip ?? '') ?? bareAddress(req.socket.remoteAddress ?? '') ?? '';
}

function bareAddress(text: string): string | undefined {
  const bare = text.replace(/^\[(.*)\](:\d{1,5})?$/, '$1').replace(/^(\d+(?:\.\d+){3}):\d{1,5}$/, '$1').replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(bare) === 0 ? undefined : bare;
}
