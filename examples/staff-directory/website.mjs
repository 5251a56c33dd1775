// The website. It renders every page with its own token; only what a member changes goes to the API with hers.
import { createServer } from 'node:http';
import { contentSecurityPolicy, editPage, errorPage, listPage, memberPage } from './pages.mjs';
import { beginSession, endSession, isCsrfToken, sessionOf } from './sessions.mjs';
import { readSettings } from './settings.mjs';
import { beginSignIn, finishSignIn, memberToken, SignInNeeded, signOut, websiteToken } from './tokens.mjs';

const { url, api, issuer } = readSettings('website');
const FIELDS = ['title', 'office', 'phone', 'about'];
const MAX_FORM_BYTES = 10_000;
const HEADERS = { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': contentSecurityPolicy(issuer), 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer', 'X-Content-Type-Options': 'nosniff' };

/** An answer that is no page of the directory. */
class Failure extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const ROUTES = [
  ['GET', /^\/$/, async ({ res, session }) => show(res, listPage(session, await directory('/members', await websiteToken())))],
  ['GET', /^\/members\/([a-z]+)$/, async ({ res, session, id }) => show(res, memberPage(session, await directory(`/members/${id}`, await websiteToken())))],
  ['GET', /^\/members\/([a-z]+)\/edit$/, async ({ res, session, id }) => show(res, editPage(session, await directory(`/members/${id}`, await hers(session))))],
  ['POST', /^\/members\/([a-z]+)$/, save],
  ['GET', /^\/sign-in$/, signIn],
  ['GET', /^\/callback$/, callback],
  ['POST', /^\/sign-out$/, leave],
];

async function handle(req, res) {
  const target = new URL(req.url, url);
  const session = sessionOf(req);
  for (const [method, path, answer] of ROUTES) {
    const match = path.exec(target.pathname);
    if (match && method === req.method) return answer({ req, res, target, session, id: match[1] });
  }
  throw new Failure(404, 'There is no such page.');
}

/** The API decides whether she may: the website does not, and could not be trusted to. */
async function save({ req, res, session, id }) {
  const token = await hers(session);
  const form = await readForm(req, session);
  const changes = Object.fromEntries(FIELDS.map((field) => [field, form.get(field) ?? '']));
  await directory(`/members/${id}`, token, { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(changes) });
  redirect(res, `/members/${id}`);
}

async function signIn({ req, res, session }) {
  const { location, pending } = await beginSignIn();
  Object.assign(session ?? beginSession(req, res), { pending });
  redirect(res, location);
}

async function callback({ req, res, target, session }) {
  const pending = session?.pending;
  if (!pending) throw new Failure(400, 'No sign-in is under way in this browser.');
  delete session.pending;
  const signedIn = await finishSignIn(target, pending).catch((error) => {
    if (error.error === 'access_denied') throw new Failure(403, 'You did not sign in.');
    console.error(error);
    throw new Failure(400, 'Signing in did not work. Try again.');
  });
  beginSession(req, res, signedIn);
  const own = (await directory('/members', await websiteToken())).find(({ sub }) => sub === signedIn.sub);
  redirect(res, own ? `/members/${own.id}` : '/');
}

async function leave({ req, res, session }) {
  if (session?.sub === undefined) return redirect(res, '/');
  await readForm(req, session);
  const location = await signOut(session);
  endSession(req, res);
  return redirect(res, location ?? '/');
}

function hers(session) {
  if (session?.sub === undefined) throw new SignInNeeded();
  return memberToken(session);
}

/** Asks the API. @param token the website's own, or a member's */
async function directory(path, token, { headers, ...init } = {}) {
  const answer = await fetch(api + path, { ...init, headers: { ...headers, Authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(5000) });
  const body = await answer.json();
  if (answer.ok) return body;
  throw new Failure(answer.status === 401 ? 502 : answer.status, `The directory says: ${body.error_description}`);
}

async function readForm(req, session) {
  const chunks = [];
  let size = 0;
  for await (const chunk of req) {
    size += chunk.length;
    if (size > MAX_FORM_BYTES) throw new Failure(413, 'That is too long.');
    chunks.push(chunk);
  }
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  if (!isCsrfToken(session, form.get('csrf_token') ?? '')) throw new Failure(403, 'This form is not from a page of ours, or too old. Go back, reload the page and try again.');
  return form;
}

const show = (res, text, status = 200) => res.writeHead(status, HEADERS).end(text);

const redirect = (res, location) => res.writeHead(303, { Location: String(location), 'Cache-Control': 'no-store' }).end();

createServer((req, res) => {
  handle(req, res).catch((error) => {
    if (error instanceof SignInNeeded) return redirect(res, '/sign-in');
    if (error instanceof Failure) return show(res, errorPage(sessionOf(req), error.message), error.status);
    console.error(error);
    return show(res, errorPage(sessionOf(req), 'Something went wrong. Try again in a moment.'), 500);
  });
}).listen(Number(new URL(url).port), new URL(url).hostname, () => console.log(`website  ${url}`));
