// The least on node:http alone, in as many processes as WORKERS says. It is there to be divided by, not to be used.
import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { authenticates, claimsOf, introspect, issue } from './least.mjs';

const { HOST, PORT, WORKERS } = process.env;

const ENDPOINTS = {
  '/token': (form) => issue(form.get('grant_type'), form.get('scope')),
  '/introspect': (form) => introspect(form.get('token')),
};

function answer(req, body) {
  const endpoint = ENDPOINTS[req.url];
  if (!endpoint || req.method !== 'POST') return [404, { error: 'invalid_request' }];
  if (!authenticates(req.headers.authorization)) return [401, { error: 'invalid_client' }];
  return endpoint(new URLSearchParams(body));
}

/** What a gateway asks: 204 for a live token. */
function verify(req, res) {
  const { authorization } = req.headers;
  const claims = authorization?.startsWith('Bearer ') ? claimsOf(authorization.slice(7)) : undefined;
  if (claims) return void res.writeHead(204, { 'X-Client-Id': claims.client_id, 'X-Scope': claims.scope }).end();
  res.writeHead(401, { 'WWW-Authenticate': 'Bearer error="invalid_token"', 'Content-Length': 0 }).end();
}

function serve(req, res) {
  if (req.url === '/verify' && req.method === 'GET') return verify(req, res);
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    const [status, json] = answer(req, Buffer.concat(chunks).toString());
    const text = JSON.stringify(json);
    if (status === 401) res.setHeader('WWW-Authenticate', 'Basic');
    res.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', 'Content-Length': Buffer.byteLength(text) });
    res.end(text);
  });
}

if (cluster.isPrimary && Number(WORKERS) > 1) {
  for (let i = 0; i < Number(WORKERS); i++) cluster.fork();
} else {
  createServer(serve).listen(Number(PORT), HOST);
}
