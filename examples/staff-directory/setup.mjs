// Tells Mintgate about the staff directory, over its admin API: the protected resource, the website as a client, and three people. May be run
// again: what is there already is brought to the same state, with a new secret and new passwords.
import { randomBytes } from 'node:crypto';
import * as oidc from 'openid-client';
import { writeSettings } from './settings.mjs';

const { ISSUER: issuer = 'http://127.0.0.1:3000', ADMIN_CLIENT_ID: adminId = 'admin', ADMIN_CLIENT_SECRET: adminSecret } = process.env;
const { API_URL: api = 'http://127.0.0.1:4001', WEBSITE_URL: website = 'http://127.0.0.1:4000' } = process.env;
const AUDIENCE = 'https://directory.example.edu';
const CLIENT_ID = 'staff-directory-website';

const PEOPLE = [
  { username: 'margaret', name: 'Margaret Hamilton', title: 'Software engineering', office: 'Building 6, room 101', phone: '+1 555 0101', roles: ['staff'] },
  { username: 'grace', name: 'Grace Hopper', title: 'Compilers', office: 'Building 6, room 102', phone: '+1 555 0102', roles: ['staff'] },
  { username: 'dorothy', name: 'Dorothy Vaughan', title: 'Computing, retired', office: '', phone: '', roles: [] },
];

if (adminSecret === undefined) {
  console.error('Put the secret of the admin client, which Mintgate printed at its first start, into ADMIN_CLIENT_SECRET.');
  process.exit(1);
}

const { access_token: adminToken } = await oidc.clientCredentialsGrant(
  await oidc.discovery(new URL(issuer), adminId, undefined, oidc.ClientSecretBasic(adminSecret), { execute: issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : [] }),
);

await setUpResource();
writeSettings('website', { issuer, url: website, api, client_id: CLIENT_ID, client_secret: await setUpWebsite() });
const members = [];
for (const person of PEOPLE) members.push(await setUpMember(person));
writeSettings('api', { issuer, url: api, audience: AUDIENCE, members });
console.log(`\nNow start the directory (node run.mjs) and open ${website}`);

/** The API, by the name that tokens call it, and what one may do there. A user needs a role to write; a client needs none. */
async function setUpResource() {
  const resource = {
    identifier: AUDIENCE,
    name: 'Staff directory',
    scopes: [
      { name: 'directory:read', description: 'See the staff directory' },
      { name: 'directory:write', description: 'Change your own entry in the staff directory', required_roles: ['staff'] },
    ],
  };
  const { items } = await admin('GET', '/resources?limit=200');
  const existing = items.find(({ identifier }) => identifier === AUDIENCE);
  await (existing ? admin('PATCH', `/resources/${existing.resource_id}`, resource) : admin('POST', '/resources', resource));
}

/** One client with two grants: for the website itself, and for the members who sign in there. Answers its secret. */
async function setUpWebsite() {
  await admin('PUT', `/clients/${CLIENT_ID}`, {
    client_name: 'Staff directory website',
    grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
    redirect_uris: [`${website}/callback`],
    post_logout_redirect_uris: [`${website}/`],
    scope: 'openid offline_access directory:read directory:write',
    default_scope: 'directory:read',
    // Seconds: whoever signs in in the morning stays signed in for the day, unless she is away for an hour.
    refresh_token_lifetime: 28_800,
    refresh_token_idle_lifetime: 3600,
  });
  return (await admin('POST', `/clients/${CLIENT_ID}/secrets`, { previous_expires_in: 0 })).client_secret;
}

/** A user, and the entry in the directory that is hers: `sub` is what her tokens will say. */
async function setUpMember({ username, name, roles, ...entry }) {
  const password = randomBytes(12).toString('base64url');
  const { items } = await admin('GET', `/users?q=${username}`);
  const existing = items.find((user) => user.username === username);
  const user = existing ? await admin('PATCH', `/users/${existing.user_id}`, { name, roles }) : await admin('POST', '/users', { username, name, roles });
  await admin('PUT', `/users/${user.user_id}/password`, { password });
  console.log(`${username.padEnd(10)} ${password}   ${roles.join(', ') || 'no role'}`);
  return { id: username, sub: user.user_id, name, ...entry, about: '' };
}

async function admin(method, path, body) {
  const res = await fetch(`${issuer}/admin/v1${path}`, {
    method,
    headers: { Authorization: `Bearer ${adminToken}`, ...(body ? { 'Content-Type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await res.text();
  if (!res.ok) throw new Error(`${method} ${path}: ${res.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
