// The directory itself, an API. Anybody who may read may read everything; an entry is changed by the member whose it is, and by nobody else.
import { createServer } from 'node:http';
import { authenticate, isClientItself, Refusal, requireScope } from './access-token.mjs';
import { readSettings } from './settings.mjs';

const { url, members: entries } = readSettings('api');
// In memory: a restart brings back what setup.mjs wrote.
const members = new Map(entries.map((member) => [member.id, member]));

const EDITABLE = ['title', 'office', 'phone', 'about'];
const MAX_BODY_BYTES = 10_000;

async function handle(req) {
  const path = /^\/members(?:\/([a-z]+))?$/.exec(new URL(req.url, url).pathname);
  if (path && req.method === 'GET') return read(req, path[1]);
  if (path?.[1] && req.method === 'PATCH') return change(req, path[1]);
  throw new Refusal(404, 'not_found', 'There is nothing here.');
}

/** The website's own token will do, and so will a member's. */
async function read(req, id) {
  requireScope(await authenticate(req), 'directory:read');
  return id === undefined ? [...members.values()] : find(id);
}

/** The scope alone is not enough: it has to be a member who writes, and her own entry. */
async function change(req, id) {
  const claims = await authenticate(req);
  requireScope(claims, 'directory:write');
  if (isClientItself(claims)) throw Refusal.forbidden('Only a member may change an entry, not an application by itself.');
  const member = find(id);
  if (member.sub !== claims.sub) throw Refusal.forbidden('A member may change her own entry only.');
  Object.assign(member, checked(await readJson(req)));
  return member;
}

function find(id) {
  const member = members.get(id);
  if (!member) throw new Refusal(404, 'not_found', 'There is no such member.');
  return member;
}

function checked(changes) {
  const isObject = typeof changes === 'object' && changes !== null && !Array.isArray(changes);
  if (!isObject || !Object.entries(changes).every(([name, value]) => EDITABLE.includes(name) && typeof value === 'string' && value.length <= 500)) {
    throw new Refusal(400, 'invalid_request', `Members of the body may be ${EDITABLE.join(', ')}: texts of 500 characters at most.`);
  }
  return changes;
}

async function readJson(req) {
  const chunks = [];
  let size = 0;
  for await (const chunk of req) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Refusal(413, 'invalid_request', 'The body is too long.');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new Refusal(400, 'invalid_request', 'The body is not JSON.');
  }
}

function send(res, status, body, headers = {}) {
  res.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers }).end(JSON.stringify(body));
}

createServer((req, res) => {
  handle(req).then(
    (body) => send(res, 200, body),
    (error) => {
      if (error instanceof Refusal) return send(res, error.status, { error: error.error, error_description: error.message }, error.challenge ? { 'WWW-Authenticate': error.challenge } : {});
      console.error(error);
      return send(res, 500, { error: 'server_error' });
    },
  );
}).listen(Number(new URL(url).port), new URL(url).hostname, () => console.log(`API      ${url}`));
