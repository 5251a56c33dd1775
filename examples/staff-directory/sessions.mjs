// Who sits at which browser. The cookie holds a random name and nothing else: tokens, state, nonce and PKCE verifier stay on the server.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readSettings } from './settings.mjs';

const COOKIE = 'staff_directory';
const IDLE_MS = 60 * 60 * 1000;
const attributes = `Path=/; HttpOnly; SameSite=Lax${readSettings('website').url.startsWith('https:') ? '; Secure' : ''}`;

const sessions = new Map();

/** The session of the browser, if it has one. */
export function sessionOf(req) {
  const id = new RegExp(`(?:^|; )${COOKIE}=([\\w-]+)`).exec(req.headers.cookie ?? '')?.[1];
  const session = sessions.get(id);
  if (!session || session.usedAt < Date.now() - IDLE_MS) return undefined;
  session.usedAt = Date.now();
  return session;
}

/** A new session in place of whichever the browser had: nobody can have known its name before. */
export function beginSession(req, res, content = {}) {
  endSession(req, res);
  for (const [id, { usedAt }] of sessions) if (usedAt < Date.now() - IDLE_MS) sessions.delete(id);
  const session = { id: randomBytes(32).toString('base64url'), csrfToken: randomBytes(32).toString('base64url'), usedAt: Date.now(), ...content };
  sessions.set(session.id, session);
  res.setHeader('Set-Cookie', `${COOKIE}=${session.id}; ${attributes}`);
  return session;
}

export function endSession(req, res) {
  sessions.delete(sessionOf(req)?.id);
  res.setHeader('Set-Cookie', `${COOKIE}=; ${attributes}; Max-Age=0`);
}

/** Whether a form comes from a page of ours. */
export function isCsrfToken({ csrfToken }, given) {
  const [expected, actual] = [csrfToken, given].map((text) => Buffer.from(text));
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
